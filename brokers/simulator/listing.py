"""One instrument listed on the simulated market: its trades, book, quote and bars, session by session."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from brokers.simulator.depth import Depth
from brokers.simulator.path import PricePath
from brokers.simulator.universe import SimulatedInstrument
from markets.bars import Bars, FloatArray, IntArray
from markets.calendars import Calendar, Session
from markets.rules import price_band
from markets.types import Interval, OrderBook, Quote, Source, Tick, from_epoch

ONE_DAY = timedelta(days=1)
_LOOK_BACK = 600  # seconds computed at once in search of the last trade
_LONGEST_CLOSURE = 60  # days


class NeverTraded(LookupError):
    """No trade can be found before a session: the calendar knows none for weeks."""

    code = "simulator_never_traded"


class Span(NamedTuple):
    """The seconds [start, stop) of one session."""

    session: Session
    start: int
    stop: int


class Happened(NamedTuple):
    """What happened to one instrument; book and quote stand as of the last second its venue was open."""

    ticks: list[Tick]
    book: OrderBook
    quote: Quote


class Listing:
    """One instrument. What it remembers is only today's sums; asked for any moment it works them out again."""

    def __init__(self, seed: int, instrument: SimulatedInstrument, calendar: Calendar) -> None:
        self.instrument = instrument
        self.calendar = calendar
        self._path = PricePath(seed, instrument)
        self._depth = Depth(instrument, self._path)
        self._price_unit = Decimal(1).scaleb(-instrument.rules.price_decimals)
        self._session: Session | None = None
        self._base = self._last = self._traded = 0  # price units, price units, trade steps
        self._limits: tuple[Decimal, Decimal] | None = None

    def advance(self, start: int, stop: int) -> Happened | None:
        """What happens in the seconds [start, stop), which follow those of the last call; None while closed."""
        ticks: list[Tick] = []
        span = None
        for span in self._open_spans(start, stop):
            if span.session != self._session:
                self._begin(span.session, span.start)
            ticks += self._trade(span)
        if span is None:
            return None
        book = self._depth.book(span.stop - 1, self._limits)
        return Happened(ticks, book, self._quote(book))

    def history(self, start: int, stop: int, interval: Interval) -> Bars:
        """The closed bars that lie within [start, stop)."""
        parts = [self._bars_of(span, interval) for span in self._open_spans(start, stop)]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [np.array([])] * 7
        opened, closed = (column.astype(np.int64) for column in columns[:2])
        return Bars(opened, closed, *columns[2:])

    def _open_spans(self, start: int, stop: int) -> Iterator[Span]:
        """The parts of [start, stop) in which the venue is open, one per session."""
        day, last = from_epoch(start).date() - ONE_DAY, from_epoch(stop).date() + ONE_DAY
        while day <= last:
            if session := self.calendar.session(day):
                first = max(start, int(session.opened_at.timestamp()))
                end = min(stop, int(session.closed_at.timestamp()))
                if first < end:
                    yield Span(session, first, end)
            day += ONE_DAY

    def _begin(self, session: Session, at: int) -> None:
        """Take up a session, from its opening or from any moment in it."""
        opened = int(session.opened_at.timestamp())
        self._session = session
        self._base = self._last = self._last_price_before(session)
        self._traded = 0
        self._limits = price_band(self.instrument.rules, self._price(self._base), session.day)
        if opened < at:
            trades = self._path.trades(opened, at)
            traded = np.flatnonzero(trades.size)
            self._traded = int(trades.size.sum())
            self._last = int(trades.price[traded[-1]]) if len(traded) else self._base

    def _last_price_before(self, session: Session) -> int:
        """The last trade of the session before this one, in price units: what the daily limit is measured from."""
        for before in self._sessions_before(session.day):
            opened, stop = int(before.opened_at.timestamp()), int(before.closed_at.timestamp())
            while stop > opened:
                start = max(opened, stop - _LOOK_BACK)
                trades = self._path.trades(start, stop)
                traded = np.flatnonzero(trades.size)
                if len(traded):
                    return int(trades.price[traded[-1]])
                stop = start
        raise NeverTraded(f"{self.instrument.key}: no session in the {_LONGEST_CLOSURE} days before {session.day}")

    def _sessions_before(self, day: date) -> Iterator[Session]:
        for days in range(1, _LONGEST_CLOSURE + 1):
            if session := self.calendar.session(day - days * ONE_DAY):
                yield session

    def _trade(self, span: Span) -> list[Tick]:
        """The telling trades of each minute: at most first, highest, lowest and last, the volume of all on them."""
        trades = self._path.trades(span.start, span.stop)
        traded = np.flatnonzero(trades.size)
        if not len(traded):
            return []
        price = trades.price[traded]
        told = _telling(price, (span.start + traded) // 60)
        volume = np.cumsum(trades.size[traded])
        self._last, self._traded = int(price[-1]), self._traded + int(volume[-1])
        sizes = np.diff(volume[told], prepend=0)
        return [
            Tick(self.instrument.key, from_epoch(at), self._price(p), size * self.instrument.trade_step)
            for at, p, size in zip(
                (span.start + traded[told]).tolist(), price[told].tolist(), sizes.tolist(), strict=True
            )
        ]

    def _quote(self, book: OrderBook) -> Quote:
        return Quote(
            instrument=self.instrument.key,
            at=book.at,
            source=Source.SIMULATOR,
            price=self._price(self._last),
            bid=book.bids[0].price if book.bids else None,
            ask=book.asks[0].price if book.asks else None,
            base_price=self._price(self._base),
            day_volume=self._traded * self.instrument.trade_step,
        )

    def _bars_of(self, span: Span, interval: Interval) -> tuple[IntArray | FloatArray, ...]:
        """The seven columns of the bars within one span; bars count from the opening and end with the session."""
        opened, closed = (int(at.timestamp()) for at in (span.session.opened_at, span.session.closed_at))
        step = closed - opened if interval is Interval.D1 else int(interval.duration.total_seconds())
        edges = np.append(np.arange(opened, closed, step), closed)
        edges = edges[(edges >= span.start) & (edges <= span.stop)]
        if len(edges) < 2:
            return tuple(np.array([]) for _ in range(7))
        trades = self._path.trades(int(edges[0]), int(edges[-1]))
        traded = np.flatnonzero(trades.size)
        firsts = np.searchsorted(traded, edges - edges[0])  # of each bar, among the trades
        kept = np.flatnonzero(np.diff(firsts))  # an interval without a trade has no bar
        starts, ends = firsts[kept], firsts[kept + 1] - 1
        price, size = trades.price[traded], trades.size[traded]
        if not len(kept):
            return tuple(np.array([]) for _ in range(7))
        prices = (price[starts], np.maximum.reduceat(price, starts), np.minimum.reduceat(price, starts), price[ends])
        units = 10**self.instrument.rules.price_decimals
        volume = np.add.reduceat(size, starts) / float(1 / self.instrument.trade_step)
        return (edges[kept], edges[kept + 1], *(p / units for p in prices), volume)

    def _price(self, units: int) -> Decimal:
        return units * self._price_unit


def _telling(price: IntArray, minute: IntArray) -> IntArray:
    """Indices of the first, highest, lowest and last trade of each minute, in order of time."""
    cuts = [0, *(np.flatnonzero(np.diff(minute)) + 1).tolist(), len(price)]
    told: list[int] = []
    for first, stop in pairwise(cuts):
        if stop - first <= 4:
            told += range(first, stop)
        else:
            part = price[first:stop]
            told += sorted({first, first + int(part.argmax()), first + int(part.argmin()), stop - 1})
    return np.array(told, dtype=np.int64)
