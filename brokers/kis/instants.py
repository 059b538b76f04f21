"""KIS tells Korean wall-clock time as digits: here it becomes aware UTC, and the trading day is found again."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from brokers.wire.values import Garbled

SEOUL = timezone(timedelta(hours=9))
_DAY = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{6}")


def day(digits: str) -> date:
    """YYYYMMDD. Raises Garbled."""
    try:
        if _DAY.fullmatch(digits) and digits.isascii():
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        pass
    raise Garbled("no day")


def time_of_day(digits: str) -> time:
    """HHMMSS. Raises Garbled."""
    try:
        if _TIME.fullmatch(digits) and digits.isascii():
            return time(int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        pass
    raise Garbled("no time of day")


def instant(on: date, digits: str) -> datetime:
    """A Korean day and HHMMSS as aware UTC. Raises Garbled."""
    return datetime.combine(on, time_of_day(digits), SEOUL).astimezone(UTC)


def korean_day(at: datetime) -> date:
    return at.astimezone(SEOUL).date()


def day_of(digits: str, now: datetime) -> date:
    """The Korean day on which it was HHMMSS last, or will be in a moment: the nearest to `now`. Raises Garbled.

    An order's reply tells the time alone, and the answer to one of 23:59:59 may be read tomorrow.
    """
    today = korean_day(now)
    near = [today + timedelta(days=shift) for shift in (-1, 0, 1)]
    return min(near, key=lambda each: abs(instant(each, digits) - now))


def digits_of_day(on: date) -> str:
    return on.strftime("%Y%m%d")
