"""The newcomer's path in a real browser, over one freshly seeded system, with the network blocked."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.browser import PATIENCE, Visit
from tests.e2e.pages import (
    details,
    fact,
    fill_ticket,
    number,
    open_account,
    send,
    set_speed,
    slow_down,
    sums_by_journal,
    tab_to,
    tile,
)
from tests.e2e.running import RunningKairos
from tests.strategies.kis_files import SIMPLE

pytestmark = [pytest.mark.browser, pytest.mark.processes]
PAGES = (
    "/dashboard/",
    "/markets/",
    "/markets/KRX/005930/",
    "/plans/",
    "/plans/new/",
    "/strategies/",
    "/strategies/library/basic/",
    "/strategies/build/?from=breakout",
    "/orders/",
    "/accounts/",
    "/safety/",
)
SAMSUNG, KAKAO, KODEX = "KRX:005930", "KRX:035720", "KRX:069500"
MARKED = "window.stillTheSamePage = true"
STILL_THE_SAME_PAGE = "() => window.stillTheSamePage === true"
PRICES = "[...document.querySelectorAll('[data-quote] [data-field=price]')].map((cell) => cell.textContent).join()"
KEY_MS = 60  # a person's pace at the keys
FIRST_ORDER_SECONDS, FIRST_PLAN_SECONDS = 60, 120
DECISIONS = "section:has(#history-title) .card__head span"  # how many there are
COLOURS_ARE_DRAWN = """() => [...document.querySelectorAll("[data-part=canvas] canvas")].some((canvas) => {
  const [width, height] = [canvas.width || 1, canvas.height || 1]
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })
  copy.drawImage(canvas, 0, 0)
  const { data } = copy.getImageData(0, 0, width, height)
  return new Set(new Uint32Array(data.buffer)).size > 5  // background, grid, candles that rise and that fall
})"""

expect.set_options(timeout=PATIENCE)


# The path


def test_the_printed_sign_in_opens_a_korean_page_that_says_simulated(
    stranger: Visit, running_kairos: RunningKairos
) -> None:
    page = stranger.open("/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    stranger.sign_in(*running_kairos.sign_in())
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator("[data-environment=virtual]")).to_contain_text("모의")
    expect(page.get_by_role("heading", name="오늘 현황")).to_be_visible()


def test_a_price_moves_within_ten_seconds_of_opening(person: Visit) -> None:
    """Only the WebSocket writes there: the watchlist is in no fragment that is fetched again."""
    page = person.open("/dashboard/")
    before = page.evaluate(f"() => {PRICES}")
    page.evaluate(MARKED)
    page.wait_for_function(f"(before) => {PRICES} !== before", arg=before, timeout=10_000)
    assert page.evaluate(STILL_THE_SAME_PAGE)
    assert any('"quotes"' in frame for frame in person.frames)


def test_the_page_speaks_english_and_korean_again(person: Visit) -> None:
    page = person.open("/dashboard/")
    for language, heading in (("English", "Overview"), ("한국어", "오늘 현황")):
        page.locator(".menu summary").click()
        page.get_by_role("button", name=language).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_a_search_finds_an_instrument_and_its_star_puts_it_on_the_watchlist(person: Visit) -> None:
    page = person.open("/markets/")
    rows = page.locator("tr[data-quote]")
    assert rows.count() > 10
    page.get_by_role("searchbox").press_sequentially("ㅋㅋㅇ")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("카카오")
    rows.get_by_role("button", name="카카오 관심 종목").click()
    expect(page.locator(".watchlist")).to_contain_text("카카오")
    expect(person.open("/dashboard/").locator("tr[data-quote]", has_text="카카오")).to_be_visible()


def test_an_instrument_shows_ten_levels_a_side_and_a_drawn_chart(person: Visit) -> None:
    page = person.open("/markets/KRX/005930/")
    for side in ("asks", "bids"):
        levels = page.locator(f"tbody[data-part={side}] .book__pick:not(:empty)")
        expect(levels).to_have_count(10)
    page.wait_for_function(COLOURS_ARE_DRAWN)
    expect(page.locator("[data-part=failed]")).to_be_hidden()


def test_a_market_buy_tells_its_cost_first_and_is_filled_by_itself(person: Visit) -> None:
    page = person.open("/markets/KRX/035720/")
    ticket = fill_ticket(page, "매수", "시장가", "3")
    amount, fee, total = (fact(ticket, label) for label in ("주문 금액", "수수료", "내는 금액"))
    assert amount > 0
    assert fee > 0
    assert total == amount + fee
    send(ticket, "매수 주문")
    ticket.get_by_role("link", name="주문 보기").click()
    expect(page.locator(".page__head .badge")).to_have_text("체결")
    assert tile(page, "체결 수량") == 3
    assert abs(tile(page, "체결 금액") - amount) < amount / 100  # the book may have moved
    assert tile(page, "수수료와 세금") > 0


def test_a_limit_order_ties_up_money_until_it_is_canceled(person: Visit) -> None:
    held = tile(open_account(person), "주문에 묶인 금액")
    page = person.open("/markets/KRX/035720/")
    ticket = fill_ticket(page, "매수", "지정가", "2")
    page.locator("tbody[data-part=bids] .book__pick").last.click()
    expect(ticket.locator("[name=limit_price]")).not_to_have_value("")
    lowest = number(page.locator("dt:has-text('하한가') + dd").inner_text())
    ticket.locator("[name=limit_price]").fill(str(lowest))
    expect(ticket.locator("dt:has-text('주문 금액') + dd")).to_contain_text(f"{lowest * 2:,}")
    cost = fact(ticket, "내는 금액")
    send(ticket, "매수 주문")
    ticket.get_by_role("link", name="주문 보기").click()
    expect(page.locator(".page__head .badge")).to_have_text("접수")
    order = page.url.removeprefix(person.url)
    assert tile(open_account(person), "주문에 묶인 금액") == held + cost
    person.open(order).get_by_role("button", name="카카오 주문 취소").click()
    expect(page.locator(".page__head .badge")).to_have_text("취소")
    assert tile(open_account(person), "주문에 묶인 금액") == held


def test_selling_a_part_changes_the_cash_and_every_journal_balances(person: Visit) -> None:
    page = open_account(person)
    cash = tile(page, "주문 가능")
    person.open(f"/orders/new/?instrument={KODEX}")
    ticket = fill_ticket(page, "매도", "시장가", "5")
    expected = fact(ticket, "받는 금액")
    assert fact(ticket, "매도 가능 수량") > 5
    send(ticket, "매도 주문")
    ticket.get_by_role("link", name="주문 보기").click()
    expect(page.locator(".page__head .badge")).to_have_text("체결")
    received = tile(page, "체결 금액") - tile(page, "수수료와 세금")
    assert abs(received - expected) < expected / 100
    page = open_account(person)
    assert tile(page, "주문 가능") == cash + received
    expect(page.locator("table.statement tbody").first).to_contain_text("체결")
    journals = sums_by_journal(page)
    assert len(journals) > 5
    assert [sums for sums in journals if not sums or any(sums.values())] == []


def test_a_registered_plan_tells_its_rule_before_and_its_reasons_at_once(person: Visit) -> None:
    page = person.open("/plans/new/")
    rule = page.locator("#plan-preview")
    expect(rule).to_contain_text("EMA(5): EMA(20) 상향 돌파")
    page.get_by_label("단기 EMA").fill("7")
    expect(rule).to_contain_text("EMA(7): EMA(20) 상향 돌파")
    page.get_by_label("이름").fill("새내기 스윙")
    page.get_by_label("종목").select_option(SAMSUNG)
    page.get_by_label("예산").fill("1,000,000")
    page.locator(".plan-form__side .button--primary").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("새내기 스윙")
    page.get_by_role("button", name="지금 판단").click()
    why = page.locator("section", has=page.locator("#why-title"))
    expect(why.locator(".why__sentence").first).not_to_be_empty()
    expect(why.locator(".why--asked")).to_contain_text("1차 매수")
    expect(why.locator(".why--asked tbody tr").first).to_contain_text("EMA(7)")


def test_a_strategy_file_is_mended_where_it_is_refused_and_then_makes_a_plan(person: Visit) -> None:
    """G14: what cannot be said is refused with its line, and what was pasted stays to be mended."""
    page = person.open("/strategies/import/")
    page.get_by_label("또는 내용 붙여 넣기").fill(SIMPLE.replace("less_than", "breaks"))
    page.get_by_role("button", name="가져오기").click()
    expect(page.get_by_role("alert")).to_contain_text("8행")
    assert "422" in person.complaints.pop(), "the browser's console tells of the refusal, and of nothing else"
    pasted = page.get_by_label("또는 내용 붙여 넣기")
    pasted.fill(pasted.input_value().replace("breaks", "less_than"))
    page.get_by_role("button", name="가져오기").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Oversold bounce 1판")
    page.get_by_role("link", name="이 전략으로 오토 스윙 만들기").click()
    expect(page.locator("#plan-preview")).to_contain_text("CCI(20): −120보다 작음")
    expect(page.locator("#plan-preview")).to_contain_text("지난 1년에 몇 번 맞았나")


def test_the_keyboard_alone_builds_a_strategy_and_makes_a_plan_of_it(person: Visit) -> None:
    """G09: indicators, entries, exit, name; the rule stands beside it in sentences, and its bars on a chart."""
    page = person.open("/strategies/build/")
    side, keys = page.locator("#builder-side"), page.keyboard

    def press(name: str, inside: Locator) -> None:
        tab_to(page, inside.get_by_role("button", name=name, exact=True))
        keys.press("Enter")

    section = page.locator("#builder section.card")
    slow_down(page, 6)  # keys come before a form that has just arrived is mounted
    press("지표 더하기", section.nth(0))
    expect(page.locator("#f-indicators-0-alias")).to_be_focused()
    for place, kind in ((1, "cross_above"), (2, "cross_below")):
        press("조건 더하기", section.nth(place))
        picked = section.nth(place).get_by_label("조건", exact=True)
        expect(picked).to_be_focused()
        for _step in range(place):
            keys.press("ArrowDown")  # twice before the first is answered: the last choice stands
        expect(picked).to_have_value(kind)
        expect(picked).to_be_focused()  # the form came back with the fields of that kind
    slow_down(page, 1)
    tab_to(page, page.get_by_label("손절", exact=True))
    keys.type("500")
    expect(page.locator("#f-risk-stop_loss_rate-errors")).to_contain_text("이하여야 합니다")
    tab_to(page, page.get_by_label("손절", exact=True))
    keys.press("ControlOrMeta+a")
    keys.type("5")
    tab_to(page, page.locator("#f-name"))
    keys.type("자판으로 만든 것")
    expect(side).to_contain_text("종가: SMA(20) 상향 돌파")
    expect(side).to_contain_text("종가: SMA(20) 하향 돌파")
    expect(side).to_contain_text("평균 매수가보다 5% 내리면")
    expect(side).to_contain_text("지난 1년에 몇 번 맞았나")
    page.wait_for_function(COLOURS_ARE_DRAWN)
    expect(page.locator("[data-part=legend]")).to_contain_text("SMA(20)")
    press("저장하기", page.locator("#builder"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("자판으로 만든 것 1판")
    tab_to(page, page.get_by_role("link", name="이 전략으로 오토 스윙 만들기"))
    keys.press("Enter")
    expect(page.locator("#plan-preview")).to_contain_text("종가: SMA(20) 상향 돌파")
    page.get_by_label("이름").fill("자판 스윙")
    page.get_by_label("종목").select_option(KODEX)
    page.get_by_label("예산").fill("100,000")
    page.locator(".plan-form__side .button--primary").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("자판 스윙")


def test_indicators_are_laid_on_the_chart_and_remembered(person: Visit) -> None:
    """G01: by keyboard, told in words beside the picture, and there again on the next page."""
    page = person.open("/markets/KRX/005930/")
    legend = page.locator("[data-part=legend]")
    page.wait_for_function(COLOURS_ARE_DRAWN)
    expect(legend).to_be_empty()
    for name in ("이동평균 5·20·60", "RSI"):
        chip = page.get_by_role("button", name=name, exact=True)
        tab_to(page, chip)
        page.keyboard.press("Enter")
        expect(chip).to_have_attribute("aria-pressed", "true")
    expect(legend).to_contain_text("SMA(60)")
    expect(legend).to_contain_text(re.compile(r"RSI\(14\) \d"))
    page.get_by_role("button", name="15분", exact=True).click()
    page.get_by_text("마지막 봉을 표로 보기").click()
    expect(page.locator("[data-part=bars] tr")).to_have_count(10)
    page = person.open("/markets/KRX/035720/")
    expect(page.get_by_role("button", name="15분", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-part=legend]")).to_contain_text("RSI(14)")
    page.get_by_role("button", name="RSI", exact=True).click()
    expect(page.locator("[data-part=legend]")).not_to_contain_text("RSI")


def test_one_press_stops_every_page_says_so_and_the_password_starts_again(
    person: Visit, running_kairos: RunningKairos
) -> None:
    """G04: by the keyboard alone, as somebody in a hurry may."""
    page = person.open("/safety/")
    tab_to(page, page.get_by_role("button", name="모든 거래 정지"))
    page.keyboard.press("Enter")
    expect(page.locator("#safety-everything")).to_contain_text("정지됨")
    banner = person.open("/orders/").locator(".halt-banner")
    expect(banner).to_contain_text("내 모든 거래가 정지되어 있습니다")
    banner.get_by_role("link").click()
    page.get_by_role("link", name="다시 시작하기", exact=True).click()
    page.get_by_label("비밀번호").fill(running_kairos.sign_in()[1])
    page.get_by_role("button", name="확인하고 다시 시작").click()
    expect(page.locator("#safety-everything")).to_contain_text("정상")
    expect(person.open("/orders/").locator(".halt-banner")).to_have_count(0)


def test_in_a_fast_market_decisions_arrive_on_the_open_page_by_themselves(person: Visit) -> None:
    page = person.open("/plans/")
    page.get_by_role("link", name="비트코인 활발한 스윙").click()
    try:
        set_speed(page, "×3600")
        page.evaluate(MARKED)
        before = int(number(page.locator(DECISIONS).inner_text()))
        more = f"(before) => Number(document.querySelector('{DECISIONS}').textContent) >= before + 2"
        page.wait_for_function(more, arg=before, timeout=20_000)
        assert page.evaluate(STILL_THE_SAME_PAGE)
    finally:
        set_speed(page, "×1")


def test_a_page_without_prices_does_not_take_the_market_for_dead(person: Visit) -> None:
    """Its clock hears the market too: every second a word, over the socket that brings prices elsewhere."""
    page = person.open("/orders/")
    page.wait_for_timeout(1000)
    person.frames.clear()
    page.wait_for_timeout(3000)
    assert sum('"clock"' in frame for frame in person.frames) >= 2
    expect(page.locator(".market-clock__silent")).to_be_hidden()


# Everybody's path


def sign_in_by_keyboard(visit: Visit, kairos: RunningKairos) -> None:
    page = visit.open("/sign-in/")
    for wanted, typed in zip(("이메일", "비밀번호"), kairos.sign_in(), strict=True):
        tab_to(page, page.get_by_label(wanted))
        page.keyboard.type(typed, delay=KEY_MS)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/")


def test_the_keyboard_alone_signs_in_and_orders_within_a_minute(stranger: Visit, running_kairos: RunningKairos) -> None:
    began, page = time.monotonic(), stranger.page
    sign_in_by_keyboard(stranger, running_kairos)
    for link in ("주문", "주문하기"):
        tab_to(page, page.get_by_role("link", name=link, exact=True))
        page.keyboard.press("Enter")
        page.wait_for_load_state()
    tab_to(page, page.locator(f"a[href*='{SAMSUNG.replace(':', '%3A')}']"))
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    tab_to(page, page.locator("[name=order_type]:checked"))
    page.keyboard.press("ArrowLeft")
    tab_to(page, page.locator("[name=quantity]"))
    page.keyboard.type("1", delay=KEY_MS)
    expect(page.locator(".ticket__estimate")).to_contain_text("내는 금액")
    tab_to(page, page.get_by_role("button", name="매수 주문"))
    page.keyboard.press("Enter")
    expect(page.locator("#order-ticket").get_by_role("status")).to_have_text("매수 1주 주문을 받았습니다.")
    seconds = time.monotonic() - began
    print(f"sign-in to first order by keyboard: seconds={seconds:.1f}")
    assert seconds < FIRST_ORDER_SECONDS


def test_the_keyboard_alone_signs_in_and_registers_a_plan_within_two_minutes(
    stranger: Visit, running_kairos: RunningKairos
) -> None:
    began, page = time.monotonic(), stranger.page
    sign_in_by_keyboard(stranger, running_kairos)
    tab_to(page, page.get_by_role("link", name="오토 스윙", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url("**/plans/")
    tab_to(page, page.locator("main a[href='/plans/new/']").first)
    page.keyboard.press("Enter")
    page.wait_for_url("**/plans/new/**")
    for wanted, typed in (("이름", "키보드 스윙"), ("예산", "1000000")):
        tab_to(page, page.get_by_label(wanted))
        page.keyboard.type(typed, delay=KEY_MS)
    tab_to(page, page.locator(".plan-form__side .button--primary"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("키보드 스윙")
    seconds = time.monotonic() - began
    print(f"sign-in to first plan by keyboard: seconds={seconds:.1f}")
    assert seconds < FIRST_PLAN_SECONDS


def test_no_page_scrolls_sideways_on_a_phone(open_as_person: Callable[..., Visit]) -> None:
    visit = open_as_person(viewport={"width": 390, "height": 844})
    wide = {}
    for path in (*PAGES, *details(visit)):
        width = visit.open(path).evaluate("document.documentElement.scrollWidth")
        if width > 390:
            wide[path] = width
    assert wide == {}


def test_without_scripts_the_dashboard_reads_and_an_order_goes_out(open_as_person: Callable[..., Visit]) -> None:
    visit = open_as_person(java_script_enabled=False)
    page = visit.open("/dashboard/")
    assert fact(page, "넣은 돈") == 10_000_000
    assert number(page.locator("tr[data-quote] [data-field=price]").first.inner_text()) > 0
    visit.open(f"/orders/new/?instrument={SAMSUNG}")
    ticket = fill_ticket(page, "매수", "시장가", "1")
    ticket.get_by_role("button", name="비용 미리 보기").click()
    ticket = page.locator("#order-ticket")
    assert fact(ticket, "내는 금액") > fact(ticket, "주문 금액") > 0
    ticket.get_by_role("button", name="매수 주문").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("삼성전자 매수")
    expect(page.locator("time").first).to_be_visible()


def test_after_signing_out_the_pages_are_closed(stranger: Visit, running_kairos: RunningKairos) -> None:
    stranger.sign_in(*running_kairos.sign_in())
    page = stranger.page
    page.locator(".menu summary").click()
    page.get_by_role("button", name="로그아웃").click()
    expect(page).to_have_url(re.compile("/sign-in/"))
    for path in PAGES:
        stranger.open(path)
        expect(page).to_have_url(re.compile(r"/sign-in/\?next="))


def test_a_look_beyond_our_host_would_be_noticed(chromium: Browser, running_kairos: RunningKairos) -> None:
    """The guard of all tests above, tried out."""
    visit = Visit(chromium, running_kairos.url)
    visit.open("/sign-in/").evaluate("fetch('http://elsewhere.example/').catch(() => 0)")
    visit.page.evaluate("location.href = 'http://elsewhere.example/page'")
    visit.page.wait_for_timeout(500)
    visit.close()
    assert any(complaint.startswith("console: ") and "CSP" in complaint for complaint in visit.complaints)
    assert "network: GET http://elsewhere.example/page" in visit.complaints
