"""When the money of a sale may leave an account: so many trading days after the trade, by dated rows with their source.

Until then it buys again at once, as Korean brokers allow, but cannot be withdrawn. The days are those of the venue's
dated calendar: a holiday in between moves the date.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from markets.calendars import LONGEST_CLOSURE, Calendar, NoSessionAhead
from markets.dated import Period, in_force, period_of, read_json

SETTLEMENT = Path(__file__).parent / "data" / "settlement.json"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LagRow:
    """How many trading days after the trade a venue settles, in one period of trade days."""

    period: Period
    trading_days: int


@cache
def _rows() -> dict[str, tuple[LagRow, ...]]:
    data = read_json(SETTLEMENT).items()
    return {key: tuple(LagRow(period_of(row), row["trading_days"]) for row in rows) for key, rows in data}


def delaying_calendars() -> tuple[str, ...]:
    """The calendars whose venues ever settle later than they trade."""
    return tuple(key for key, rows in _rows().items() if any(row.trading_days for row in rows))


def settles_on(calendar: Calendar, traded_on: date) -> date:
    """The day from which the proceeds of a sale on `traded_on` may be withdrawn.

    Raises markets.dated.NoRuleInForce for a venue we know no settlement of, NoSessionAhead.
    """
    lag = in_force(_rows().get(calendar.key, ()), traded_on, f"settlement of {calendar.key}").trading_days
    return _sessions_away(calendar, traded_on, lag, ONE_DAY)


def first_unsettled(calendar: Calendar, today: date) -> date:
    """No trade before this day can still be waiting for its settlement on `today`. Raises NoSessionAhead."""
    longest = max((row.trading_days for row in _rows().get(calendar.key, ())), default=0)
    return _sessions_away(calendar, today + ONE_DAY, longest, -ONE_DAY)


def _sessions_away(calendar: Calendar, day: date, count: int, step: timedelta) -> date:
    """The day of the `count`-th session after `day`, or before it; `day` itself for none."""
    searched = 0
    while count:
        day, searched = day + step, searched + 1
        if calendar.session(day):
            count, searched = count - 1, 0
        if searched > LONGEST_CLOSURE:
            raise NoSessionAhead(f"calendar {calendar.key}: no session within {LONGEST_CLOSURE} days of {day}")
    return day
