"""`make test-pages`: every page at two widths, light and dark, in both languages, on the running demo with many rows.

Of each look: grave findings of axe, requests that left the host, bytes on a cold cache, first paint, a page wider than its
window; of each page: queries and server time. Ends with 1 where any of it is not as it should be.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from playwright.sync_api import Browser  # noqa: E402

from tests.e2e.browser import Visit, launched_chromium  # noqa: E402
from tests.e2e.running import ROOT, RunningKairos  # noqa: E402
from tests.pages.costs import MOST_MS, MOST_QUERIES  # noqa: E402
from tests.pages.looks import LANGUAGES, Look, Window, dresses  # noqa: E402
from tests.pages.routes import Route, pages, signed_out_pages  # noqa: E402


def walk(browser: Browser, kairos: RunningKairos, pictures: Path | None) -> tuple[list[Route], list[Look]]:
    """The pages of a signed-in person, and every page, those of strangers too, in every dress."""
    visit = Visit(browser, kairos.url)
    visit.sign_in(*kairos.sign_in())
    inside, outside = pages(visit), signed_out_pages()
    looks: list[Look] = []
    for language in LANGUAGES:
        _read_in(visit, language)
        for dress in dresses(language):
            for routes, cookies in ((outside, []), (inside, visit.context.cookies())):
                window = Window(browser, kairos.url, dress, list(cookies))
                looks += _looks(window, routes, pictures)
                window.close()
    visit.close()
    return inside, looks


def _looks(window: Window, routes: list[Route], pictures: Path | None) -> Iterator[Look]:
    for route in routes:
        yield window.look(route)
        if pictures is not None:
            name = (
                f"{route.name.replace(':', '-').replace('/', '') or 'home'}-{str(window.dress).replace('/', '-')}.png"
            )
            window.keep(pictures / name)


def _read_in(visit: Visit, language: str) -> None:
    """The person chooses a language, as everybody does."""
    page = visit.open("/dashboard/")
    page.locator("header details.menu > summary").click()
    page.locator(f"button[name=language][value={language}]").click()
    page.locator(f"html[lang={language}]").wait_for(state="attached")


def beside(kairos: RunningKairos, what: str, given: str = "") -> list[dict[str, Any]]:
    """Run tests.pages.costs with the settings of the running Kairos; the lines it printed."""
    command = [sys.executable, "-m", "tests.pages.costs", what]
    done = subprocess.run(
        command, cwd=ROOT, env=kairos.environment, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def report(looks: list[Look], costs: list[dict[str, Any]], rows: dict[str, Any]) -> bool:
    """Print what is wrong, page by page, and the one line; whether nothing is."""
    serious, external = sum(len(look.grave) for look in looks), sum(look.external for look in looks)
    dear = [
        each for each in costs if each["queries"] > MOST_QUERIES or each["p95_ms"] > MOST_MS or each["status"] != 200
    ]
    over = {look.route.name for look in looks if look.over} | {each["path"] for each in dear}
    complaints = [look for look in looks if look.complaints]
    for look in looks:
        for said in (*look.grave, *look.over, *look.complaints):
            print(f"  {look.route.name} {look.dress}: {said}")
    for each in sorted(costs, key=lambda cost: -cost["p95_ms"]):
        mark = "  !" if each in dear else "   "
        print(f"{mark}{each['p95_ms']:7.1f} ms {each['queries']:3} queries {each['path']}")
    heaviest = max(looks, key=lambda look: look.kib)
    slowest = max(looks, key=lambda look: look.paint_ms or 0)
    print(f"rows {rows}; heaviest {heaviest.route.name} {heaviest.kib:.0f} KiB; slowest paint {slowest.paint_ms} ms")
    number = len({look.route.name for look in looks})
    print(
        f"test-pages: pages={number} variants={len(looks)} serious={serious} over_budget={len(over)} external={external}"
    )
    return not (serious or external or over or complaints)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="keep a picture of every look in this folder")
    words = parser.parse_args()
    if words.pictures is not None:
        words.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kairos-pages-") as folder, launched_chromium() as browser:
        kairos = RunningKairos(Path(folder) / "var").start()
        try:
            kairos.wait_until_ready()
            rows = beside(kairos, "fill")[0]
            routes, looks = walk(browser, kairos, words.pictures)
            costs = beside(kairos, "measure", "\n".join(route.path for route in routes))
            kairos.stop()
        finally:
            kairos.end()
    return 0 if report(looks, costs, rows) else 1


if __name__ == "__main__":
    sys.exit(main())
