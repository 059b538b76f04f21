"""What live prices cost a browser: sixty rows, ten updates a second each. `python -m tests.pages.live URL EMAIL` beside a demo.

The market's own page, its rows multiplied, its socket played by us: only the browser is measured, by its processes' CPU time.
"""

import json
import os
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from playwright.sync_api import Browser, Route, WebSocketRoute  # noqa: E402

from tests.e2e.browser import Visit, launched_chromium  # noqa: E402

ROWS, PER_SECOND = 60, 10
SECONDS = 10.0
MOST_PERCENT = 20.0
ROW = re.compile(r'<tr data-quote="[^"]+".*?</tr>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cost:
    """Percent of one core: all of the browser's processes, and its page's script, style, layout and paint alone."""

    browser: float
    page: float
    rows: int
    updates: int


def measure(browser: Browser, url: str, sign_in: tuple[str, str]) -> Cost:
    visit = Visit(browser, url)
    visit.sign_in(*sign_in)
    page, sockets = visit.page, list[WebSocketRoute]()

    def take_over(socket: WebSocketRoute) -> None:
        sockets.append(socket)

    page.route("**/markets/", _with_many_rows)
    page.route_web_socket("**/ws/quotes/", take_over)
    page.goto(url + "/markets/")
    page.wait_for_function("document.querySelectorAll('tr[data-quote]').length >= 60")
    page.wait_for_timeout(1500)
    wire, whole = visit.context.new_cdp_session(page), browser.new_browser_cdp_session()
    wire.send("Performance.enable")
    before = _cpu(whole), _busy(wire), time.monotonic()
    frames = 0
    while (passed := time.monotonic() - before[2]) < SECONDS:
        if passed * PER_SECOND >= frames:
            frames += 1
            sockets[-1].send(_frame(frames))
        page.wait_for_timeout(5)
    after = _cpu(whole), _busy(wire), time.monotonic()
    took = after[2] - before[2]
    rows = page.locator("tr[data-quote]").count()
    visit.close()
    percent = [100 * (new - old) / took for old, new in zip(before[:2], after[:2], strict=True)]
    return Cost(round(percent[0], 1), round(percent[1], 1), rows, frames * ROWS)


def _with_many_rows(route: Route) -> None:
    """The page as the server made it, with its first row sixty times."""
    answer = route.fetch()
    page = answer.text()
    rows = list(ROW.finditer(page))
    first = rows[0][0]
    key = re.search(r'data-quote="([^"]+)"', first)
    assert key, "a row without a key"
    many = "".join(first.replace(key[1], f"KRX:L{number:05}") for number in range(ROWS))
    route.fulfill(response=answer, body=page[: rows[0].start()] + many + page[rows[-1].end() :])


def _frame(number: int) -> str:
    """Every row at another price."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    quotes = [
        {
            "key": f"KRX:L{row:05}", "price": str(70_000 + 100 * ((number * 7 + row) % 40)), "source": "simulator", "at": at,
            "change": str(100 * ((number + row) % 9 - 4)), "change_rate": str(((number + row) % 9 - 4) / 700),
            "bid": str(70_000 + 100 * (number % 40)), "ask": str(70_100 + 100 * (number % 40)),
            "day_volume": str(1_000_000 + number * 1000 + row), "stale": False,
        }
        for row in range(ROWS)
    ]  # fmt: skip
    return json.dumps({"type": "quotes", "quotes": quotes, "clock": {"source": "simulator", "at": at, "speed": 1}})


def _cpu(whole: Any) -> float:
    """Seconds of processor that all of the browser's processes have used."""
    return sum(float(each["cpuTime"]) for each in whole.send("SystemInfo.getProcessInfo")["processInfo"])


def _busy(wire: Any) -> float:
    """Seconds that the page's main thread has worked."""
    told = wire.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in told if each["name"] == "TaskDuration"))


def main() -> int:
    url, email, password = sys.argv[1], sys.argv[2], os.environ["KAIROS_PASSWORD"]
    with launched_chromium() as browser:
        cost = measure(browser, url, (email, password))
    print(f"live-rows: rows={cost.rows} updates={cost.updates} browser_percent={cost.browser} page_percent={cost.page}")
    return 0 if cost.browser < MOST_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
