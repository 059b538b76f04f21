"""`make test-pages`: every page at two widths, light and dark, in both languages, on the running demo with many rows.

Of each look: grave findings of axe, requests that left the host, bytes on a cold cache, first paint, a page wider than its
window; of each page: queries, server time, and the keyboard's way through it. Ends with 1 where any of it is not as it
should be, or where a page of the URL conf was not found.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from playwright.sync_api import Browser  # noqa: E402

from tests.e2e.browser import Visit, launched_chromium  # noqa: E402
from tests.e2e.running import ROOT, RunningKairos  # noqa: E402
from tests.pages.costs import MOST_MS, MOST_QUERIES  # noqa: E402
from tests.pages.live import MOST_PERCENT, measure  # noqa: E402
from tests.pages.looks import LANGUAGES, Dress, Look, Window, dresses  # noqa: E402
from tests.pages.routes import OF_ADMINS, Route, pages, signed_out_pages, uncovered  # noqa: E402
from tests.pages.world import PATIENCE_SECONDS, a_file_of_bars, prepare  # noqa: E402

UPLOADED = re.compile(r"/backtests/uploads/[0-9a-f-]{36}/")
KEYBOARD = Dress("wide", "light", "ko")  # one dress is enough for Tab


@dataclass(frozen=True, slots=True)
class Walked:
    """Pages by who saw them, and what was seen. `cookies` name the person; strangers have none."""

    trader: list[Route]
    admin: list[Route]
    looks: list[Look]

    @property
    def missing(self) -> set[str]:
        return uncovered([*self.trader, *self.admin, *signed_out_pages()])


def visits(browser: Browser, kairos: RunningKairos) -> tuple[Visit, Visit]:
    """A trader's window and an admin's, both signed in, with something behind every page."""
    prepare(kairos)
    trader, admin = Visit(browser, kairos.url), Visit(browser, kairos.url)
    trader.sign_in(*kairos.sign_in())
    trader.open("/backtests/uploads/").locator("input[type=file]").set_input_files(a_file_of_bars(kairos.var))
    trader.page.locator("form[enctype='multipart/form-data'] button:not([type=button])").first.click()
    trader.page.wait_for_url(UPLOADED)
    cookie = beside(kairos, "people")[0]
    admin.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": kairos.url}])
    return trader, admin


def walk(browser: Browser, kairos: RunningKairos, pictures: Path | None, only: Collection[str]) -> Walked:
    """Every page of a trader, of an admin and of strangers, in every dress, or in those named in `only`."""
    trader, admin = visits(browser, kairos)
    inside, above = pages(trader), pages(admin, OF_ADMINS)
    looks: list[Look] = []
    for language in LANGUAGES:
        worn = [dress for dress in dresses(language) if not only or str(dress) in only]
        if not worn:
            continue
        for visit in (trader, admin):
            _read_in(visit, language)
        for dress in worn:
            for routes, who in ((signed_out_pages(), None), (inside, trader), (above, admin)):
                cookies = list(who.context.cookies()) if who else []
                window = Window(browser, kairos.url, dress, cookies)
                looks += _looks(window, routes, pictures)
                window.close()
    for visit in (trader, admin):
        visit.close()
    return Walked(inside, above, looks)


def _looks(window: Window, routes: list[Route], pictures: Path | None) -> Iterator[Look]:
    for route in routes:
        look = window.look(route)
        if pictures is not None:
            window.keep(pictures / f"{file_name(route)}-{str(window.dress).replace('/', '-')}.png")
        if window.dress == KEYBOARD:
            window.tab_through(look)
        yield look


def file_name(route: Route) -> str:
    """A name for a file about this page."""
    return route.name.replace(":", "-").replace("/", "") or "home"


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
    stuck = [look for look in looks if look.stuck]
    for look in looks:
        for said in (*look.grave, *look.over, *look.complaints, *look.stuck):
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
    return not (serious or external or over or complaints or stuck)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="keep a picture of every look in this folder")
    parser.add_argument("--dress", action="append", default=[], help="only this dress: wide/light/ko, phone/dark/en …")
    words = parser.parse_args()
    if words.pictures is not None:
        words.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kairos-pages-") as folder, launched_chromium() as browser:
        kairos = RunningKairos(Path(folder) / "var").start()
        try:
            kairos.wait_until_ready(PATIENCE_SECONDS)
            rows = beside(kairos, "fill")[0]
            walked = walk(browser, kairos, words.pictures, words.dress)
            costs = beside(kairos, "measure", "\n".join(route.path for route in walked.trader))
            live = measure(browser, kairos.url, kairos.sign_in())
            kairos.stop()
        finally:
            kairos.end()
    print(f"live rows {live.rows}, updates {live.updates}: browser {live.browser} %, page {live.page} % of one core")
    for name in sorted(walked.missing):
        print(f"  no link leads to {name}")
    is_well = report(walked.looks, costs, rows)
    return 0 if is_well and not walked.missing and live.browser < MOST_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
