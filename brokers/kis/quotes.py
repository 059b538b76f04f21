"""Prices, books and bars of KIS in our words, from answers and from frames. Pure; what cannot be is Garbled.

Times without a day get it from the caller, who knows the venue's clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from brokers.kis.calls import instrument_key
from brokers.kis.envelope import field
from brokers.kis.frames import Record
from brokers.kis.instants import SEOUL, day, instant, time_of_day
from brokers.wire.values import Garbled, not_negative, number, positive, rows
from markets.types import Bar, Interval, Level, OrderBook, Quote, Source, Tick

LEVELS = 10
DOWN = frozenset({"4", "5"})
UP = frozenset({"1", "2"})
FLAT = "3"


@dataclass(frozen=True, slots=True)
class Trade:
    """One market trade with the quote it left behind. `day_volume` grows with every trade, so it puts them in order."""

    tick: Tick
    quote: Quote
    top: OrderBook  # the best level of either side, as the trade left it
    is_halted: bool
    session: str  # NEW_MKOP_CLS_CODE: "20" is the regular session


def price(body: Mapping[str, Any], instrument: str, at: datetime, source: Source) -> Quote:
    """The latest price; the answer has no time of its own. Raises Garbled, also for a symbol nobody knows (price 0)."""
    row = body.get("output")
    if not isinstance(row, Mapping):
        raise Garbled("no price")
    told_code = field(row, "stck_shrn_iscd")
    if told_code and instrument_key(told_code) != instrument:
        raise Garbled("the price of another instrument")
    return Quote(
        instrument=instrument,
        at=at,
        source=source,
        price=positive(field(row, "stck_prpr")),
        bid=None,
        ask=None,
        base_price=positive(field(row, "stck_sdpr")),
        day_volume=not_negative(field(row, "acml_vol")),
    )


def book(body: Mapping[str, Any], instrument: str, on: date) -> OrderBook:
    """Raises Garbled. A level without price is not there; of one without quantity nothing is offered."""
    row = body.get("output1")
    if not isinstance(row, Mapping):
        raise Garbled("no book")
    told = {
        side: [(field(row, f"{side}{n}"), field(row, f"{side}_rsqn{n}")) for n in range(1, LEVELS + 1)]
        for side in ("askp", "bidp")
    }
    return _book(instrument, instant(on, field(row, "aspr_acpt_hour")), told["bidp"], told["askp"])


def trade(record: Record, source: Source) -> Trade:
    """A record of the channel of trades. Raises Garbled."""
    instrument, at = instrument_key(record[0]), instant(day(record[33]), record[1])
    last, quantity = positive(record[2]), positive(record[12])
    bids, asks = _levels([(record[11], record[37])]), _levels([(record[10], record[36])])
    return Trade(
        Tick(instrument, at, last, quantity),
        Quote(
            instrument=instrument,
            at=at,
            source=source,
            price=last,
            bid=_offered(record[11]),
            ask=_offered(record[10]),
            base_price=_base(last, record[4], record[3]),
            day_volume=not_negative(record[13]),
        ),
        OrderBook(instrument, at, bids, asks),
        is_halted=_flag(record[35]),
        session=record[34],
    )


def streamed_book(record: Record, on: date) -> OrderBook:
    """A record of the channel of books. Raises Garbled."""
    asks = list(zip(record[3:13], record[23:33], strict=True))
    bids = list(zip(record[13:23], record[33:43], strict=True))
    return _book(instrument_key(record[0]), instant(on, record[1]), bids, asks)


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day; who knows the calendar makes a bar of it. Prices are 0 on a day the instrument did not trade."""

    on: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def is_traded(self) -> bool:
        return self.volume > 0


def day_rows(body: Mapping[str, Any]) -> list[DayRow]:
    """One page of days, newest first as it came; empty fillers left out. Raises Garbled."""
    found = [_day_row(row) for row in rows(body.get("output2")) if row]
    if any(later.on <= earlier.on for later, earlier in pairwise(found)):
        raise Garbled("days out of order")
    return found


def minute_bars(body: Mapping[str, Any], instrument: str, on: date, now: datetime) -> list[Bar]:
    """One page of closed minutes of `on`, newest first. Raises Garbled.

    Rows of other days come along where a page has room. The minute still open is left out: it shows the volume of the one
    before until its first trade.
    """
    found = []
    for row in rows(body.get("output2")):
        if row and day(field(row, "stck_bsop_date")) == on:
            bar = _minute(row, instrument, on)
            if bar.closed_at <= now:
                found.append(bar)
    if any(later.opened_at <= earlier.opened_at for later, earlier in pairwise(found)):
        raise Garbled("minutes out of order")
    return found


def _minute(row: Mapping[str, Any], instrument: str, on: date) -> Bar:
    told = time_of_day(field(row, "stck_cntg_hour")).replace(second=0)
    opened_at = datetime.combine(on, told, SEOUL).astimezone(UTC)
    opened, high, low, close = _ohlc(row, "stck_prpr")
    volume = not_negative(field(row, "cntg_vol"))
    closed_at = opened_at + timedelta(minutes=1)
    return Bar(instrument, Interval.M1, opened_at, closed_at, opened, high, low, close, volume)


def _day_row(row: Mapping[str, Any]) -> DayRow:
    on, volume = day(field(row, "stck_bsop_date")), not_negative(field(row, "acml_vol"))
    if not volume and not not_negative(field(row, "stck_oprc") or "0"):
        return DayRow(on, *[Decimal(0)] * 5)
    return DayRow(on, *_ohlc(row, "stck_clpr"), volume)


def _ohlc(row: Mapping[str, Any], close: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    opened, high, low, last = (positive(field(row, name)) for name in ("stck_oprc", "stck_hgpr", "stck_lwpr", close))
    if not low <= min(opened, last) <= max(opened, last) <= high:
        raise Garbled("a bar beyond its own high or low")
    return opened, high, low, last


def _book(instrument: str, at: datetime, bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> OrderBook:
    read_bids, read_asks = _levels(bids), _levels(asks)
    if not _falls(read_bids) or not _falls(reversed(read_asks)):
        raise Garbled("levels out of order")
    return OrderBook(instrument, at, read_bids, read_asks)


def _levels(told: Sequence[tuple[str, str]]) -> tuple[Level, ...]:
    read = [(not_negative(price or "0"), not_negative(quantity or "0")) for price, quantity in told]
    return tuple(Level(price, quantity) for price, quantity in read if price and quantity)


def _falls(levels: Iterable[Level]) -> bool:
    prices = [level.price for level in levels]
    return all(first > second for first, second in pairwise(prices))


def _offered(told: str) -> Decimal | None:
    return not_negative(told or "0") or None


def _base(last: Decimal, told_change: str, sign: str) -> Decimal:
    """The close the change is measured from. The change has a sign of its own, and a code that says it again."""
    change = number(told_change)
    size = abs(change)
    if sign not in UP | DOWN | {FLAT} or (sign == FLAT and size) or (sign in UP and change < 0):
        raise Garbled("a change of two directions")
    base = last + size if sign in DOWN else last - size
    if base <= 0:
        raise Garbled("no base price")
    return base


def _flag(told: str) -> bool:
    if told not in {"Y", "N", ""}:
        raise Garbled("neither yes nor no")
    return told == "Y"
