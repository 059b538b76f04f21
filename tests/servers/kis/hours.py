"""When the sandbox's market takes and matches orders (Korean time), before and after the reform of September 2026."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from markets.calendars import load_default
from tests.servers.kis.clock import KST

REFORM = date(2026, 9, 14)
CLOSE, AFTER_CLOSE = time(15, 30), time(20)


class Phase(StrEnum):
    CLOSED_DAY = "closed day"
    BEFORE = "before"
    OPENING = "opening auction"
    OPEN = "continuous"
    CLOSING = "closing auction"
    POST = "post-close"
    AFTER = "after-market"
    ENDED = "ended"


class Hours:
    """`always`: continuous trading at any hour of any day, for trying things out; regular orders then never expire."""

    def __init__(self, *, always: bool = False) -> None:
        self.always = always
        self.days: dict[date, bool] = {}  # told by hand
        self._calendar = load_default()["krx"]

    def is_trading_day(self, day: date) -> bool:
        if self.always:
            return True
        return self.days[day] if day in self.days else self._calendar.session(day) is not None

    def phase(self, at: datetime) -> Phase:
        if self.always:
            return Phase.OPEN
        if not self.is_trading_day(at.date()):
            return Phase.CLOSED_DAY
        reformed = at.date() >= REFORM
        ends: list[tuple[time, Phase]] = [
            (time(8, 20) if reformed else time(8, 30), Phase.BEFORE),
            (time(9), Phase.OPENING),
            (time(15, 20), Phase.OPEN),
            (CLOSE, Phase.CLOSING),
            (time(16), Phase.POST),
            *([(AFTER_CLOSE, Phase.AFTER)] if reformed else []),
        ]
        return next((phase for end, phase in ends if at.time() < end), Phase.ENDED)

    def is_closing_price_time(self, at: datetime) -> bool:
        """08:30 to 08:40, trading at the close of the day before."""
        return self.always or (self.is_trading_day(at.date()) and time(8, 30) <= at.time() < time(8, 40))

    def trading_day_from(self, day: date, steps: int) -> date:
        """So many trading days after this one (before it if negative)."""
        step = timedelta(days=1 if steps > 0 else -1)
        is_day: Callable[[date], bool] = self.is_trading_day
        for _ in range(abs(steps)):
            day += step
            while not is_day(day):
                day += step
        return day


def at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, KST)
