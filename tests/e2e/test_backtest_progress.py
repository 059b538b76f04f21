"""A large file and a run in a real browser: how far each is moves on the page by itself, and what it came to appears."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from math import sin
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from markets.calendars import load_default
from tests.e2e.browser import PATIENCE, Visit
from tests.e2e.running import RunningKairos

pytestmark = [pytest.mark.browser, pytest.mark.processes]
DAYS = 320  # of minutes: two chunks of rows and more, so that there is a way to go
LONG = 6 * PATIENCE  # milliseconds for what a worker does
# What any progress bar of the page showed, kept over the reload that ends it.
REMEMBER = """new MutationObserver(() => {
  const [bar, said] = ["progress", "[data-part=said]"].map((name) => document.querySelector(name))
  const seen = JSON.parse(sessionStorage.seen ?? "[]")
  const now = [location.pathname, said?.textContent.trim() ?? "", bar?.getAttribute("value") ?? ""].join("|")
  if (bar && !bar.closest("[hidden]") && seen.at(-1) !== now) sessionStorage.seen = JSON.stringify([...seen, now])
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true })"""


@pytest.fixture
def visit(chromium: Browser, running_kairos: RunningKairos) -> Iterator[Visit]:
    visit = Visit(chromium, running_kairos.url)
    visit.context.add_init_script(REMEMBER)
    visit.sign_in(*running_kairos.sign_in())
    yield visit
    visit.close()
    assert visit.complaints == []


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """A CP949 file as a broker's terminal writes it: every minute of many trading days."""
    calendar, day, price, kept = load_default()["krx"], date(2023, 1, 2), 60_000, 0
    path = tmp_path / "삼성전자 1분봉.csv"
    with path.open("w", encoding="cp949") as file:
        file.write("일시,시가,고가,저가,종가,거래량\n")
        while kept < DAYS:
            session, day = calendar.session(day), day + timedelta(days=1)
            if session is None:
                continue
            kept += 1
            for minute in range(330):
                close = 60_000 + 100 * round(100 * sin((kept * 330 + minute) / 900))
                at = session.opened_at + timedelta(minutes=minute)
                file.write(f"{at.isoformat()},{price},{max(price, close)},{min(price, close)},{close},1000\n")
                price = close
    return path


def seen(visit: Visit, path: str) -> list[str]:
    """What the progress bar on pages under this address showed, in order."""
    told = visit.page.evaluate("() => JSON.parse(sessionStorage.seen ?? '[]')")
    return [each.partition("|")[2] for each in told if re.match(path, each)]


def test_a_large_file_and_its_run_say_how_far_they_are_and_end_on_the_page(visit: Visit, minutes: Path) -> None:
    """K02, G11: nobody presses reload; hints come over the socket."""
    page = visit.open("/backtests/uploads/")
    page.get_by_label("봉 파일 (CSV)").set_input_files(minutes)
    page.get_by_label("이 종목의 규칙으로 거래").select_option("KRX:005930")
    page.get_by_role("button", name="올리기").click()
    page.wait_for_url(re.compile(r"/backtests/uploads/[0-9a-f-]{36}/"), timeout=LONG)
    expect(page.get_by_role("heading", name="확인했습니다")).to_be_visible(timeout=LONG)
    assert any("보내는 중" in each for each in seen(visit, "/backtests/uploads/$|/backtests/uploads/\\|"))
    checking = [int(each.rpartition("|")[2] or 0) for each in seen(visit, "/backtests/uploads/[0-9a-f-]{36}/")]
    assert checking == sorted(checking)
    assert len(set(checking)) > 1
    expect(page.locator("dt:has-text('봉') + dd").first).to_have_text(re.compile("105,?600"))

    page.get_by_role("link", name="이 봉으로 백테스트").click()
    page.get_by_role("button", name="시작하기").click()
    page.wait_for_url(re.compile(r"/backtests/[0-9a-f-]{36}/"), timeout=LONG)
    expect(page.get_by_role("heading", name="거래", exact=True)).to_be_visible(timeout=LONG)
    assert any('"backtest.changed"' in frame for frame in visit.frames)
