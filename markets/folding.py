"""Ticks folded into bars, exactly: what a page draws as the forming candle and what is stored once it has closed."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from markets.types import Bar, Interval, Tick

Span = tuple[datetime, datetime]  # [opened_at, closed_at), aware UTC
Bounds = Callable[[str, Interval, datetime], Span | None]  # instrument, interval, instant → the bar it belongs to


class Refusal(StrEnum):
    """Why a tick was not folded."""

    LATE = "late"  # older than what its instrument has already seen or closed
    OUTSIDE = "outside"  # at a time its venue has no bar for


class BarFolder:
    """Folds ticks into one forming bar per instrument and interval.

    `bounds` says which bar an instant belongs to (None: the venue is closed); bars of a shorter interval nest in the
    longer ones, so every interval tells the same story. A closed bar is final: a tick from before its end is refused
    and counted in `refused`, for all intervals alike. An interval without a tick has no bar.
    """

    def __init__(self, bounds: Bounds, intervals: Iterable[Interval]) -> None:
        self._bounds = bounds
        self._intervals = tuple(sorted(set(intervals), key=lambda interval: interval.duration))
        self._series: dict[str, _Series] = {}
        self.refused: Counter[Refusal] = Counter()

    def add(self, tick: Tick) -> list[Bar]:
        """Fold one tick in; the bars its time proved closed, shortest interval first."""
        series = self._series.get(tick.instrument)
        if series is None:
            series = self._series[tick.instrument] = _Series()
        if series.seen_at is not None and tick.at < series.seen_at:
            self.refused[Refusal.LATE] += 1
            return []
        if series.next_close is not None and tick.at < series.next_close:
            series.seen_at = tick.at
            for forming in series.forming.values():
                forming.fold(tick)
            return []
        return self._open_bars(series, tick)

    def close_until(self, at: datetime) -> list[Bar]:
        """Close every bar whose end is at or before `at`, also without a further tick; earliest end first."""
        closed = [bar for series in self._series.values() for bar in series.close_until(at)]
        return sorted(closed, key=lambda bar: (bar.closed_at, bar.interval.duration, bar.instrument))

    def close_one(self, instrument: str, at: datetime) -> list[Bar]:
        """As `close_until`, for one instrument alone; shortest interval first."""
        series = self._series.get(instrument)
        return series.close_until(at) if series else []

    def forget(self, instrument: str) -> None:
        """Drop what is forming of one instrument: trades of it were missed, and half a bar must not pass for a whole one."""
        self._series.pop(instrument, None)

    def open_bar(self, instrument: str, interval: Interval) -> Bar | None:
        """The forming bar as it stands; its `closed_at` is still to come. None where nothing has traded in it."""
        series = self._series.get(instrument)
        forming = series.forming.get(interval) if series else None
        return forming.as_bar() if forming else None

    def _open_bars(self, series: "_Series", tick: Tick) -> list[Bar]:
        """Close what ended before `tick`, fold it into what has not, and open the bars that are missing."""
        missing: dict[Interval, Span] = {}
        for interval in self._intervals:
            forming = series.forming.get(interval)
            if forming is None or forming.closed_at <= tick.at:
                span = self._bounds(tick.instrument, interval, tick.at)
                if span is None:
                    self.refused[Refusal.OUTSIDE] += 1
                    return []
                missing[interval] = span
        closed = series.close_until(tick.at)
        series.seen_at = tick.at
        for forming in series.forming.values():
            forming.fold(tick)
        for interval in self._intervals:
            if interval in missing:
                series.forming[interval] = _Forming(interval, missing[interval], tick)
        series.next_close = min(forming.closed_at for forming in series.forming.values())
        return closed


class _Series:
    """The forming bars of one instrument, how far its time has come, and when the first of them ends."""

    __slots__ = ("forming", "next_close", "seen_at")

    def __init__(self) -> None:
        self.forming: dict[Interval, _Forming] = {}
        self.seen_at: datetime | None = None
        self.next_close: datetime | None = None

    def close_until(self, at: datetime) -> list[Bar]:
        ended = [forming for forming in self.forming.values() if forming.closed_at <= at]
        if not ended:
            return []
        for forming in ended:
            del self.forming[forming.interval]
        self.seen_at = max(forming.closed_at for forming in ended)
        self.next_close = None  # the next tick takes the long way and opens what is missing
        ended.sort(key=lambda forming: forming.interval.duration)
        return [forming.as_bar() for forming in ended]


class _Forming:
    """One bar that has not closed yet."""

    __slots__ = ("close", "closed_at", "high", "instrument", "interval", "low", "open", "opened_at", "volume")

    def __init__(self, interval: Interval, span: Span, first: Tick) -> None:
        self.instrument = first.instrument
        self.interval = interval
        self.opened_at, self.closed_at = span
        self.open = self.high = self.low = self.close = first.price
        self.volume: Decimal = first.quantity

    def fold(self, tick: Tick) -> None:
        price = tick.price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += tick.quantity

    def as_bar(self) -> Bar:
        span = (self.opened_at, self.closed_at)
        return Bar(self.instrument, self.interval, *span, self.open, self.high, self.low, self.close, self.volume)
