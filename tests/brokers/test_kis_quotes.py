"""Prices and bars of KIS: the recorded ones exactly, pages to the end, and no bar that is not closed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from brokers.errors import ReadIncomplete
from brokers.kis import quotes
from brokers.kis.client import KisClient
from brokers.kis.frames import Record
from brokers.kis.market import KisMarket
from brokers.kis.token_memory import TokenMemory
from brokers.kis.tokens import Tokens
from brokers.protocol import Environment
from brokers.wire.values import Garbled
from markets.types import Bar, Interval, Level, Source
from tests.brokers.kis_account import MovableClock, OpenBudget, ScriptedKis, credentials, reply, token_reply
from tests.brokers.kis_examples import json_example
from tests.brokers.test_kis_frames import recorded

SAMSUNG = "KRX:005930"
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 1, 15, 30, tzinfo=UTC)  # 10:15:30 in Korea
OPENED = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
WEEKENDS = {5, 6}


def session_of(on: date) -> tuple[datetime, datetime] | None:
    opened = datetime(on.year, on.month, on.day, tzinfo=UTC)
    return None if on.weekday() in WEEKENDS else (opened, opened + timedelta(hours=6, minutes=30))


class Counter:
    """Quotations over a scripted wire."""

    def __init__(self, environment: Environment = Environment.PAPER) -> None:
        self.wire, self.clock = ScriptedKis(), MovableClock(NOW)
        self.wire.say("tokenP", token_reply("token-one", "2026-11-21 10:15:11"))
        who = credentials(environment)
        client = KisClient(self.wire, who, Tokens(self.wire, who, TokenMemory(), self.clock), OpenBudget())
        self.market = KisMarket(client, environment, self.clock, Source.HISTORY)

    def asked(self, path: str, name: str) -> list[str]:
        """What each question to `path` said under `name`."""
        targets = [urlsplit(request.target) for request in self.wire.asked]
        return [parse_qs(each.query)[name][0] for each in targets if each.path.endswith(path)]


@pytest.fixture
def counter() -> Counter:
    return Counter()


def day_row(on: date, close: int = 100) -> dict[str, str]:
    prices = dict.fromkeys(("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr"), str(close))
    return {"stck_bsop_date": on.strftime("%Y%m%d"), "acml_vol": "10", **prices}


def minute_row(at: str, on: str = "20261120") -> dict[str, str]:
    prices = dict.fromkeys(("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_prpr"), "100")
    return {"stck_bsop_date": on, "stck_cntg_hour": at, "cntg_vol": "0", **prices}


def page(rows: list[dict[str, str]]) -> Any:
    return reply({"rt_cd": "0", "msg_cd": "MCA00000", "output1": {}, "output2": rows})


def test_the_recorded_price_is_exact(counter: Counter) -> None:
    counter.wire.say("inquire-price", reply(json_example("### 4.1")))
    quote = counter.market.price(SAMSUNG)
    assert (quote.price, quote.base_price, quote.day_volume) == (Decimal(71200), Decimal(70500), Decimal(4203311))
    assert (quote.instrument, quote.at, quote.bid) == (SAMSUNG, NOW, None)


def test_the_price_of_nothing_is_no_price(counter: Counter) -> None:
    """A symbol nobody knows is answered with success and a price of 0."""
    told = json_example("### 4.1")
    counter.wire.say("inquire-price", reply({**told, "output": {**told["output"], "stck_prpr": "0"}}))
    with pytest.raises(ReadIncomplete):
        counter.market.price(SAMSUNG)


def test_the_price_of_another_instrument_is_not_taken(counter: Counter) -> None:
    counter.wire.say("inquire-price", reply(json_example("### 4.1")))
    with pytest.raises(ReadIncomplete):
        counter.market.price("KRX:000660")


def test_the_recorded_book_is_what_is_offered(counter: Counter) -> None:
    """The recorded one has quantities at the best level only."""
    counter.wire.say("inquire-asking-price-exp-ccn", reply(json_example("### 4.2")))
    book = counter.market.book(SAMSUNG)
    assert book.asks == (Level(Decimal(71200), Decimal(51230)),)
    assert book.bids == (Level(Decimal(71100), Decimal(48802)),)
    assert book.at == datetime(2026, 11, 20, 1, 15, 3, tzinfo=UTC)


def test_a_book_out_of_order_is_void() -> None:
    told = json_example("### 4.2")
    told["output1"] |= {"askp2": "71100", "askp_rsqn2": "1"}
    with pytest.raises(Garbled):
        quotes.book(told, SAMSUNG, TODAY)


def test_the_recorded_days_are_exact_and_the_open_one_is_left_out(counter: Counter) -> None:
    """The 20th is still trading."""
    counter.wire.say("inquire-daily-itemchartprice", reply(json_example("### 4.3")), page([]))
    (bar,) = counter.market.daily_bars(SAMSUNG, date(2026, 11, 1), TODAY, session_of)
    opened_at, closed_at = datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 19, 6, 30, tzinfo=UTC)
    opened, high, low, close = (Decimal(each) for each in (70100, 70900, 69800, 70500))
    assert bar == Bar(SAMSUNG, Interval.D1, opened_at, closed_at, opened, high, low, close, Decimal(10945552))


def test_days_are_read_to_the_first_page_by_page(counter: Counter) -> None:
    days = [date(2026, 11, 19) - timedelta(days=n) for n in range(300)]
    days = [each for each in days if each.weekday() not in WEEKENDS]
    fillers: list[dict[str, str]] = [{}, {}]
    rows = [day_row(each) for each in days]
    counter.wire.say(
        "inquire-daily-itemchartprice", page(rows[:100]), page(rows[100:200]), page([*rows[200:], *fillers]), page([])
    )
    bars = counter.market.daily_bars(SAMSUNG, date(2025, 1, 1), date(2026, 11, 19), session_of)
    assert [bar.opened_at.date() for bar in bars] == sorted(days)
    ends = counter.asked("inquire-daily-itemchartprice", "FID_INPUT_DATE_2")
    assert ends[:2] == ["20261119", (days[99] - timedelta(days=1)).strftime("%Y%m%d")]


@pytest.mark.parametrize(
    "rows",
    [
        [day_row(date(2026, 11, 18)), day_row(date(2026, 11, 19))],
        [day_row(date(2026, 11, 19)), day_row(date(2026, 11, 19))],
        [day_row(date(2026, 12, 1))],
        [{**day_row(date(2026, 11, 19)), "stck_hgpr": "99"}],
        [{**day_row(date(2026, 11, 19)), "stck_clpr": ""}],
        [day_row(date(2026, 11, 15))],
    ],
    ids=["oldest first", "twice", "beyond", "above the high", "no close", "on a Sunday"],
)
def test_days_that_cannot_be_are_void(counter: Counter, rows: list[dict[str, str]]) -> None:
    counter.wire.say("inquire-daily-itemchartprice", page(rows), page([]))
    with pytest.raises(ReadIncomplete):
        counter.market.daily_bars(SAMSUNG, date(2026, 11, 1), date(2026, 11, 19), session_of)


def test_a_day_without_trades_is_no_bar_and_no_end(counter: Counter) -> None:
    halted = {**day_row(date(2026, 11, 19)), "stck_oprc": "0", "stck_hgpr": "0", "stck_lwpr": "0", "acml_vol": "0"}
    counter.wire.say("inquire-daily-itemchartprice", page([halted]), page([day_row(date(2026, 11, 18))]), page([]))
    bars = counter.market.daily_bars(SAMSUNG, date(2026, 11, 1), date(2026, 11, 19), session_of)
    assert [bar.opened_at.date() for bar in bars] == [date(2026, 11, 18)]


def test_a_page_that_fails_voids_the_days(counter: Counter) -> None:
    counter.wire.say("inquire-daily-itemchartprice", page([day_row(date(2026, 11, 19))]), reply({"rt_cd": "1"}, 500))
    with pytest.raises(ReadIncomplete):
        counter.market.daily_bars(SAMSUNG, date(2026, 11, 1), date(2026, 11, 19), session_of)


def test_the_recorded_minutes_are_exact_and_the_open_one_is_left_out() -> None:
    """At 10:15:30 the minute of 10:15 still shows what came before it."""
    (bar,) = quotes.minute_bars(json_example("### 4.5"), SAMSUNG, TODAY, NOW)
    assert bar.opened_at == datetime(2026, 11, 20, 1, 14, tzinfo=UTC)
    assert bar.closed_at == datetime(2026, 11, 20, 1, 15, tzinfo=UTC)
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    assert prices == tuple(Decimal(each) for each in (71200, 71200, 71000, 71100, 15402))


def test_minutes_are_read_back_to_the_open_and_never_ahead_of_the_clock(counter: Counter) -> None:
    minutes = [f"{9 + n // 60:02d}{n % 60:02d}00" for n in range(76)][::-1]  # 10:15 back to 09:00
    rows = [minute_row(each) for each in minutes]
    yesterday = [minute_row("153000", "20261119")]
    counter.wire.say("inquire-time-itemchartprice", page(rows[:30]), page(rows[30:60]), page([*rows[60:], *yesterday]))
    bars = counter.market.minute_bars(SAMSUNG, TODAY, OPENED)
    assert [bar.opened_at for bar in bars] == [OPENED + timedelta(minutes=n) for n in range(75)]
    assert counter.asked("inquire-time-itemchartprice", "FID_INPUT_HOUR_1") == ["101530", "094500", "091500"]


def test_the_minutes_of_another_day_are_asked_of_the_other_service() -> None:
    counter = Counter(Environment.LIVE)
    counter.wire.say("inquire-time-dailychartprice", page([minute_row("090000", "20261119")]))
    yesterday = date(2026, 11, 19)
    bars = counter.market.minute_bars(SAMSUNG, yesterday, OPENED - timedelta(days=1))
    assert [bar.opened_at for bar in bars] == [OPENED - timedelta(days=1)]
    assert counter.asked("inquire-time-dailychartprice", "FID_INPUT_DATE_1") == ["20261119"]


def changed(place: int, value: str) -> Record:
    record = recorded("### 5.7").split("|", 3)[3].split("^")
    record[place] = value
    return tuple(record)


@pytest.mark.parametrize(("sign", "change", "base"), [("2", "700", 70500), ("5", "-300", 71500), ("5", "300", 71500)])
def test_the_base_price_is_found_from_the_change_however_it_is_signed(sign: str, change: str, base: int) -> None:
    record = list(changed(4, change))
    record[3] = sign
    assert quotes.trade(tuple(record), Source.HISTORY).quote.base_price == base


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, "x"), (1, "250000"), (2, "0"), (2, "-71200"), (3, "9"), (3, "3"), (4, "NaN"), (12, "0"), (33, ""), (35, "?")],
    ids=str,
)
def test_a_trade_that_cannot_be_is_not_read(place: int, value: str) -> None:
    with pytest.raises(Garbled):
        quotes.trade(changed(place, value), Source.HISTORY)
