"""What every source of live prices hands out, and how market time follows the watch on the wall."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from markets.types import Bar, Interval, OrderBook, Quote, Source, Tick

STANDING_STILL = timedelta(0)


@dataclass(frozen=True, slots=True)
class Batch:
    """What happened in a market up to `at` (venue time, aware UTC). Ticks are in order of time.

    `books[i]` is the book against which orders match: one per instrument as it stands at `at` (simulator), or one per
    tick, in the same order (replay). `closed_bars` are bars the source itself knows to be closed; other sources leave
    that to the folding of their ticks.
    """

    at: datetime
    ticks: tuple[Tick, ...] = ()
    books: tuple[OrderBook, ...] = ()
    quotes: tuple[Quote, ...] = ()
    closed_bars: tuple[Bar, ...] = ()


class PriceSource(Protocol):
    """A market with a clock of its own. `source.advance(source.due(pace.elapsed(now)))` is one beat of a feed."""

    @property
    def name(self) -> Source: ...

    @property
    def finest_interval(self) -> Interval:
        """Folding its ticks gives honest bars of this interval and longer ones, whatever the speed."""
        ...

    @property
    def clock(self) -> datetime:
        """The venue time reached so far."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing more will ever happen here."""
        ...

    def due(self, elapsed: timedelta) -> datetime:
        """The venue time to be at once the source has been running for `elapsed` of its own time."""
        ...

    def advance(self, to: datetime) -> Batch:
        """What happens after `clock`, at most up to `to`. A source may stop earlier: ask again while `clock < to`."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Market time running `speed` times as fast as the wall clock since `since`, after `before` at other speeds."""

    speed: float
    since: datetime
    before: timedelta = STANDING_STILL

    def __post_init__(self) -> None:
        if not 0 < self.speed < float("inf"):
            raise ValueError(f"speed must be a positive number, not {self.speed}")

    def elapsed(self, now: datetime) -> timedelta:
        """Market time passed by the wall instant `now`; a wall clock set back makes it stand still, never run back."""
        return self.before + max(now - self.since, STANDING_STILL) * self.speed

    def at_speed(self, speed: float, now: datetime) -> "Pace":
        """The same market time at `now`, going on at another speed."""
        return Pace(speed, now, self.elapsed(now))
