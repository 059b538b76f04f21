"""The words every app shares: sides, intervals, quotes, books, and what an instrument allows.

Plain data, no Django and no clock. Prices and quantities are Decimal here; arrays live in `bars.py`, integers in the matching.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Interval(StrEnum):
    """How long one bar lasts."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def duration(self) -> timedelta:
        return _DURATIONS[self]


_DURATIONS = {
    Interval.M1: timedelta(minutes=1),
    Interval.M5: timedelta(minutes=5),
    Interval.M15: timedelta(minutes=15),
    Interval.H1: timedelta(hours=1),
    Interval.H4: timedelta(hours=4),
    Interval.D1: timedelta(days=1),
}


class InstrumentKind(StrEnum):
    """What an instrument is, where a rule (tax, tick, short name) depends on it."""

    STOCK = "stock"
    ETF = "etf"
    CRYPTO = "crypto"


class Source(StrEnum):
    """Where a price came from. Bars of different sources are never mixed in one series."""

    HISTORY = "history"  # imported, or read back from a broker
    SIMULATOR = "simulator"  # our seeded market, marked 모의
    REPLAY = "replay"  # history played again as if it were live
    KIS = "kis"  # Korea Investment & Securities, as it trades

    @property
    def is_real(self) -> bool:
        """Whether a broker's live market speaks: its clock is the one on the wall, and it goes on while nobody looks."""
        return self is Source.KIS


@dataclass(frozen=True, slots=True)
class InstrumentRules:
    """What one instrument allows, as far as orders, matching and costs need to know it.

    `price_decimals` and `quantity_decimals` give the smallest units the integer matching computes in;
    `cash_decimals` is the smallest unit of the currency (KRW 0, BTC 8). `lot` and `min_quantity` count units,
    `min_amount` is in `currency`. `price_limit_rate` is a fraction of the base price, None where the venue has no daily limit.
    """

    key: str  # "KRX:005930"
    kind: InstrumentKind
    currency: str
    tick_table: str
    calendar: str
    price_decimals: int
    quantity_decimals: int
    cash_decimals: int
    lot: Decimal
    min_quantity: Decimal
    min_amount: Decimal
    price_limit_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Tick:
    """One market trade. `at` is venue time, aware UTC."""

    instrument: str
    at: datetime
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Level:
    """One price of an order book with the quantity offered there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The quoted book, best level first on both sides. `at` is venue time, aware UTC."""

    instrument: str
    at: datetime
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """The latest price of one instrument, with its source and venue time: a page never shows a price without both."""

    instrument: str
    at: datetime
    source: Source
    price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    base_price: Decimal  # the close before today: change and price limits are measured from it
    day_volume: Decimal

    @property
    def change_rate(self) -> Decimal:
        """Change since the base price, as a fraction."""
        return self.price / self.base_price - 1 if self.base_price else Decimal(0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed interval `[opened_at, closed_at)`, aware UTC. Exact numbers; `bars.Bars` holds many as float64 arrays."""

    instrument: str
    interval: Interval
    opened_at: datetime
    closed_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


_SEOUL = timedelta(hours=9)  # no daylight saving since 1988


def market_day(at: datetime) -> date:
    """The Korean calendar day of an instant: dated rules (ticks, taxes, price limits) turn at midnight there."""
    return (at + _SEOUL).date()


def from_epoch(seconds: int) -> datetime:
    """The aware UTC instant `seconds` after 1970."""
    return datetime.fromtimestamp(seconds, UTC)
