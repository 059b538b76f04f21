"""Real bars played again as if they were live, at any speed or as fast as the work allows.

**Inside a bar** only four prices are known, not their order. The low is always played before the high: a stop is met
before a target, so the assumption is never the flattering one for who holds the instrument. Each of the four ticks
carries a quarter of the volume in whole lots, the close what is left, so that folding them gives the bar back exactly.

**Between bars** no time passes. Elapsed time is time inside bars: a night, a weekend or a hole in the data is skipped,
so that at ×3600 a year of KRX sessions takes 27 minutes and not two and a half hours.

**Sessions and limits** are those of the bars: the venue is open inside a bar, and what a bar shows was possible.
Adjusted prices may lie between two ticks: ticks and bars keep them, books are rounded against whoever trades.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from brokers.simulator.events import Batch
from markets.rules import tick_size
from markets.types import Bar, InstrumentRules, Interval, Level, OrderBook, Quote, Source, Tick, from_epoch

SEOUL = timedelta(hours=9)  # tick tables change at midnight there
ONE_SECOND = timedelta(seconds=1)


class NothingToReplay(ValueError):
    """There is no bar to play."""

    code = "nothing_to_replay"


class Replay:
    """A source of live prices made of the bars of one instrument, oldest first; they are taken one at a time.

    `participation` is the share of each tick's volume the book offers on either side, `spread_ticks` how many ticks
    away from the price. Without volume the book is empty. Raises NothingToReplay, ValueError for bars out of order.
    """

    name = Source.REPLAY

    def __init__(
        self,
        rules: InstrumentRules,
        bars: Iterable[Bar],
        *,
        participation: Decimal = Decimal("0.1"),
        spread_ticks: int = 1,
    ) -> None:
        if not 0 < participation <= 1 or spread_ticks < 0:
            raise ValueError(f"participation {participation} must lie in (0, 1], spread {spread_ticks} at 0 or above")
        self._rules = rules
        self._participation = participation
        self._spread_ticks = spread_ticks
        self._source = iter(bars)
        self._ahead: deque[Bar] = deque()  # the bar being played, and those already looked at
        self._played = timedelta(0)  # time inside bars that have closed
        first = self._bar_ahead(0)
        if first is None:
            raise NothingToReplay(f"{rules.key}: no bars")
        self._clock = first.opened_at
        self._ticks = deque(bar_ticks(first, rules.lot))
        self._base = first.open
        self._day_volume = Decimal(0)
        self.finest_interval: Interval = first.interval

    @property
    def clock(self) -> datetime:
        return self._clock

    @property
    def ended(self) -> bool:
        return self._bar_ahead(0) is None

    def due(self, elapsed: timedelta) -> datetime:
        """The venue time after `elapsed` inside bars, counted from the first one; at the end, the last bar's close."""
        left, index, last_close = elapsed - self._played, 0, self._clock
        while bar := self._bar_ahead(index):
            duration = bar.closed_at - bar.opened_at
            if left < duration:
                return bar.opened_at + max(left, timedelta(0))
            left, index, last_close = left - duration, index + 1, bar.closed_at
        return last_close

    def bar_bounds(self, instrument: str, interval: Interval, at: datetime) -> tuple[datetime, datetime] | None:
        """The bounds of the bar being played when `at` lies in it: the only bar, and session, this source knows."""
        bar = self._bar_ahead(0)
        inside = (
            bar and instrument == bar.instrument and interval is bar.interval and bar.opened_at <= at < bar.closed_at
        )
        return (bar.opened_at, bar.closed_at) if bar and inside else None

    def advance(self, to: datetime) -> Batch:
        """What happens up to `to`, but never beyond the end of the present bar, which is then in `closed_bars`.

        So a decision made on that bar comes before the first tick of the next: ask again while `clock < to`.
        """
        bar = self._bar_ahead(0)
        if bar is None or to < bar.opened_at:
            return Batch(self._clock)
        ticks = []
        while self._ticks and self._ticks[0].at <= to:
            ticks.append(self._ticks.popleft())
        self._day_volume += sum(tick.quantity for tick in ticks)
        books = [self._book(tick) for tick in ticks]
        quotes = (self._quote(ticks[-1], books[-1]),) if ticks else ()
        self._clock = max(self._clock, min(to, bar.closed_at))
        closed = (bar,) if to >= bar.closed_at else ()
        if closed:
            self._turn_to_next()
        return Batch(self._clock, tuple(ticks), tuple(books), quotes, closed)

    def next_bar(self) -> Batch | None:
        """All that is left of the present bar at once (`--speed max`); None when every bar has been played."""
        bar = self._bar_ahead(0)
        return self.advance(bar.closed_at) if bar else None

    def next_trade(self) -> Batch | None:
        """The next trade of the present bar alone, or its close after the last; None when every bar has been played."""
        bar = self._bar_ahead(0)
        if bar is None:
            return None
        return self.advance(self._ticks[0].at if self._ticks else bar.closed_at)

    def _bar_ahead(self, index: int) -> Bar | None:
        """The bar `index` places after the closed ones, read from the source when it is first needed."""
        while len(self._ahead) <= index:
            bar = next(self._source, None)
            if bar is None:
                return None
            if self._ahead and bar.opened_at < self._ahead[-1].closed_at:
                raise ValueError(f"{bar.instrument}: the bar of {bar.opened_at} does not follow the one before")
            self._ahead.append(bar)
        return self._ahead[index]

    def _turn_to_next(self) -> None:
        following = self._bar_ahead(1)  # looked at before its predecessor goes, so that their order is checked
        done = self._ahead.popleft()
        self._played += done.closed_at - done.opened_at
        if following:
            self._ticks = deque(bar_ticks(following, self._rules.lot))
            if following.opened_at.date() != done.opened_at.date():  # both calendars turn the day at 00:00 UTC
                self._base, self._day_volume = done.close, Decimal(0)

    def _quote(self, tick: Tick, book: OrderBook) -> Quote:
        return Quote(
            instrument=tick.instrument,
            at=tick.at,
            source=Source.REPLAY,
            price=tick.price,
            bid=book.bids[0].price if book.bids else None,
            ask=book.asks[0].price if book.asks else None,
            base_price=self._base,
            day_volume=self._day_volume,
        )

    def _book(self, tick: Tick) -> OrderBook:
        """One level on either side: a share of the tick's volume in whole lots, or nothing where that is no lot."""
        quantity = tick.quantity * self._participation // self._rules.lot * self._rules.lot
        if not quantity:
            return OrderBook(tick.instrument, tick.at, (), ())
        on = (tick.at + SEOUL).date()
        bid, ask = self._down(tick.price, on), self._up(tick.price, on)
        for _ in range(self._spread_ticks):
            bid, ask = self._down(bid - self._smallest, on), self._up(ask + self._smallest, on)
        return OrderBook(tick.instrument, tick.at, (Level(bid, quantity),) if bid else (), (Level(ask, quantity),))

    def _down(self, price: Decimal, on: date) -> Decimal:
        """The valid price at or below `price`; 0 where there is none."""
        if price <= 0:
            return Decimal(0)
        step = self._step(price, on)
        return price // step * step

    def _up(self, price: Decimal, on: date) -> Decimal:
        step, low = self._step(price, on), self._down(price, on)
        return low if low == price else low + step

    def _step(self, price: Decimal, on: date) -> Decimal:
        """The tick at `price`, but never finer than the smallest unit the matching computes in."""
        return max(tick_size(self._rules.tick_table, price, on), self._smallest)

    @property
    def _smallest(self) -> Decimal:
        return Decimal(1).scaleb(-self._rules.price_decimals)


def bar_ticks(bar: Bar, lot: Decimal) -> list[Tick]:
    """Open, low, high and close of a bar as ticks within it; their fold is the bar."""
    duration = bar.closed_at - bar.opened_at
    times = (bar.opened_at, bar.opened_at + duration / 3, bar.opened_at + duration * 2 / 3, bar.closed_at - ONE_SECOND)
    quarter = bar.volume / 4 // lot * lot
    quantities = (quarter, quarter, quarter, bar.volume - 3 * quarter)
    prices = (bar.open, bar.low, bar.high, bar.close)
    return [
        Tick(bar.instrument, at, price, quantity) for at, price, quantity in zip(times, prices, quantities, strict=True)
    ]


def stored_bars(
    instrument: str, interval: Interval, rows: Iterable[tuple[int, int, float, float, float, float, float]]
) -> Iterator[Bar]:
    """Bars from (opened, closed, open, high, low, close, volume) rows as they are stored: each number as it reads."""
    for opened, closed, *numbers in rows:
        yield Bar(instrument, interval, from_epoch(opened), from_epoch(closed), *(_as_it_reads(n) for n in numbers))


def _as_it_reads(number: float) -> Decimal:
    whole = int(number)
    return Decimal(whole) if whole == number else Decimal(f"{number:.15g}")
