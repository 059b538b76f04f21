"""Pictures of every page for the documents: `make pictures`. One each wide, on a phone and in the dark, small enough to keep.

A wide picture is scaled down and a long page cut, so that all of them together stay below six megabytes.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Collection
from io import BytesIO
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser  # noqa: E402

from tests.e2e.browser import Visit, launched_chromium  # noqa: E402
from tests.e2e.running import ROOT, RunningKairos  # noqa: E402
from tests.pages.looks import Dress, Window  # noqa: E402
from tests.pages.routes import OF_ADMINS, Route, pages, signed_out_pages  # noqa: E402
from tests.pages.walk import file_name, visits  # noqa: E402
from tests.pages.world import PATIENCE_SECONDS  # noqa: E402

DRESSES = {
    "desktop": Dress("wide", "light", "ko"),
    "phone": Dress("phone", "light", "ko"),
    "dark": Dress("wide", "dark", "ko"),
}
WIDEST, TALLEST = 1080, 1500  # pixels kept
QUALITY = 55
MOST_BYTES = 6_000_000
SETTLED_MS = 1500  # charts have drawn, prices have come


def take(browser: Browser, kairos: RunningKairos, folder: Path, only: Collection[str]) -> int:
    """Every page, or those named in `only`, in every dress into `folder`; how many bytes the folder takes."""
    trader, admin = visits(browser, kairos)
    found: list[tuple[list[Route], Visit | None]] = [
        (signed_out_pages(), None), (pages(trader), trader), (pages(admin, OF_ADMINS), admin)
    ]  # fmt: skip
    for suffix, dress in DRESSES.items():
        for routes, who in found:
            window = Window(browser, kairos.url, dress, list(who.context.cookies()) if who else [])
            for route in routes:
                if only and route.name not in only:
                    continue
                (folder / f"{file_name(route)}-{suffix}.webp").write_bytes(small(window.picture(route, SETTLED_MS)))
            window.close()
    return sum(path.stat().st_size for path in folder.glob("*.webp"))


def small(png: bytes) -> bytes:
    """A picture of at most WIDEST by TALLEST pixels, from the top, as WebP."""
    with Image.open(BytesIO(png)) as picture:
        scale = min(1.0, WIDEST / picture.width)
        scaled = picture.convert("RGB").resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
        )
        kept = scaled.crop((0, 0, scaled.width, min(scaled.height, TALLEST)))
        out = BytesIO()
        kept.save(out, "WEBP", quality=QUALITY, method=6)
        return out.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--page", action="append", default=[], help="only this page: backtests:run …")
    words = parser.parse_args()
    words.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kairos-pictures-") as folder, launched_chromium() as browser:
        kairos = RunningKairos(Path(folder) / "var").start()
        try:
            kairos.wait_until_ready(PATIENCE_SECONDS)
            size = take(browser, kairos, words.folder, words.page)
            kairos.stop()
        finally:
            kairos.end()
    number = len(list(words.folder.glob("*.webp")))
    print(f"pictures: files={number} megabytes={size / 1e6:.1f}")
    return 0 if size < MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
