"""How pages behave while prices move: nothing shifts, a lost stream says so, old prices look old, colours follow the language."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.e2e.browser import PATIENCE, Visit
from tests.e2e.pages import set_speed

pytestmark = [pytest.mark.browser, pytest.mark.processes]
expect.set_options(timeout=PATIENCE)
WATCH_SHIFTS = """() => {
  window.shifted = 0
  const count = ({ value, hadRecentInput }) => { if (!hadRecentInput) window.shifted += value }
  new PerformanceObserver((list) => list.getEntries().forEach(count)).observe({ type: "layout-shift" })
}"""
UPDATES = (
    "() => [...document.querySelectorAll('tr[data-quote] [data-field=price]')].map((cell) => cell.textContent).join()"
)
COLOUR = """(name) => {
  const probe = document.body.appendChild(Object.assign(document.createElement("span"), { className: name }))
  const [red, green, blue] = getComputedStyle(probe).color.match(/[0-9.]+/g).map(Number)
  probe.remove()
  return { red, green, blue }
}"""
TICKS = 15
SILENT_MS = 25_000  # fifteen seconds and a look every two, on a busy machine


class Stream:
    """The page's own socket of prices with a hand on it: cut, or silent."""

    def __init__(self, visit: Visit) -> None:
        self.opened: list[WebSocketRoute] = []
        self.is_silent = False
        visit.page.route_web_socket("**/ws/quotes/", self._pass_on)

    def cut(self) -> None:
        self.opened[-1].close(code=4000)

    def _pass_on(self, socket: WebSocketRoute) -> None:
        self.opened.append(socket)
        server = socket.connect_to_server()
        server.on_message(lambda message: None if self.is_silent else socket.send(message))


@pytest.mark.parametrize("path", ["/markets/", "/markets/KRX/005930/", "/dashboard/"])
def test_prices_tick_and_nothing_on_the_page_moves(person: Visit, path: str) -> None:
    page = person.open(path)
    page.wait_for_load_state("networkidle")
    try:
        set_speed(page, "×60")
        page.wait_for_timeout(2000)  # the page after the form that set the speed
        page.evaluate(WATCH_SHIFTS)
        person.frames.clear()
        for _tenth in range(300):
            if sum('"quotes"' in frame for frame in person.frames) > TICKS:
                break
            page.wait_for_timeout(100)
        else:
            pytest.fail("no prices came")
        assert page.evaluate("() => window.shifted") < 0.001
    finally:
        set_speed(page, "×1")


def test_a_lost_stream_says_so_and_prices_move_again_once_it_is_back(person: Visit) -> None:
    stream = Stream(person)
    page = person.open("/markets/")
    gone = page.locator(".stream-state")
    page.wait_for_function(f"(before) => ({UPDATES})() !== before", arg=page.evaluate(UPDATES))
    page.context.set_offline(True)
    stream.cut()
    expect(gone).to_be_visible()
    expect(gone).to_contain_text("다시 연결하는 중")
    page.context.set_offline(False)
    expect(gone).to_be_hidden()
    page.wait_for_function(f"(before) => ({UPDATES})() !== before", arg=page.evaluate(UPDATES))
    person.complaints[:] = [
        said for said in person.complaints if "WebSocket" not in said and "ERR_INTERNET" not in said
    ]


def test_old_prices_look_old_until_new_ones_come(person: Visit) -> None:
    stream = Stream(person)
    page = person.open("/markets/")
    row = page.locator("tr[data-quote='KRX:005930']")
    expect(row).not_to_have_class(re.compile("is-stale"))
    stream.is_silent = True
    expect(row).to_have_class(re.compile("is-stale"), timeout=SILENT_MS)
    expect(row.get_by_text("오래된 시세")).to_be_visible()
    stream.is_silent = False
    expect(row).not_to_have_class(re.compile("is-stale"), timeout=SILENT_MS)


def test_red_rises_in_korean_and_green_in_english(person: Visit) -> None:
    page = person.open("/markets/")
    korean = page.evaluate(COLOUR, "rise")
    page.locator(".menu summary").click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.wait_for_load_state("load")
    english = page.evaluate(COLOUR, "rise")
    page.locator(".menu summary").click()
    page.get_by_role("button", name="한국어").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    assert korean["red"] > korean["green"]
    assert english["green"] > english["red"]


def test_the_last_trades_stand_beside_the_book_and_move_on(person: Visit) -> None:
    page = person.open("/markets/UPBIT/BTC/KRW/")
    newest = page.locator("[data-module=trades] tbody tr").first
    try:
        set_speed(page, "×60")
        expect(newest).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
        before = newest.inner_text()
        expect(newest).not_to_have_text(before)
    finally:
        set_speed(page, "×1")


def test_an_amount_of_money_becomes_a_quantity_and_the_ticket_says_why_not(person: Visit) -> None:
    page = person.open("/markets/KRX/035720/")
    ticket = page.locator("#order-ticket")
    expect(ticket.get_by_label("금액으로 수량 정하기")).to_be_visible()  # its script is there
    page.locator("tbody[data-part=bids] .book__pick").first.click()
    ticket.get_by_label("금액으로 수량 정하기").fill("1000000")
    quantity = int(ticket.get_by_label("수량", exact=True).input_value())
    price = int(ticket.locator("[name=limit_price]").input_value())
    assert quantity == 1_000_000 // price
    ticket.get_by_label("금액으로 수량 정하기").fill("900000000")
    expect(ticket.locator(".ticket__estimate")).to_contain_text("주문 가능 금액이 부족합니다")


def test_who_leaves_the_builder_with_something_unsaved_is_asked_first(person: Visit) -> None:
    page = person.open("/strategies/build/?from=swing")
    expect(page.locator("#builder[data-is-mounted]")).to_be_visible()
    page.locator("#f-risk input").first.fill("5")
    page.on("dialog", lambda dialog: dialog.dismiss())  # stay
    with page.expect_event("dialog") as asked:
        page.evaluate("() => { setTimeout(() => { location.href = '/dashboard/' }) }")
    assert asked.value.type == "beforeunload"
    assert page.url.endswith("/strategies/build/?from=swing")


def test_on_a_phone_the_sentences_wait_at_the_foot_of_the_builder(open_as_person: Callable[..., Visit]) -> None:
    page = open_as_person(viewport={"width": 390, "height": 844}).open("/strategies/build/?from=swing")
    side = page.locator("#builder-side")
    expect(side.get_by_text("이 규칙을 말로 하면")).to_be_in_viewport()
    expect(side.locator(".rule").first).to_be_hidden()
    side.get_by_text("이 규칙을 말로 하면").click()
    expect(side.locator(".rule").first).to_be_in_viewport()
