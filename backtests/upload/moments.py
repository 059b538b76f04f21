"""Dates and times as the usual sources write them: ISO, with dots or slashes, packed digits, seconds since 1970."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from markets.types import Interval

_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
_YEAR_FIRST = re.compile(r"(\d{4})[-./] ?(\d{1,2})[-./] ?(\d{1,2})\.?")
_DAY_FIRST = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})")  # dots with the year last: always the day first
_CLOCK = re.compile(r"(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?")
EPOCH_DIGITS = {10: 1, 13: 1_000, 16: 1_000_000}  # digits → parts of a second
DAY = 86_400


class NotAMoment(ValueError):
    """This text names no date or time that we know."""


def read_moment(text: str, clock: str, zone: tzinfo) -> tuple[datetime, bool]:
    """The instant in UTC, and whether the text said a day alone. `clock` is the text of a time column, '' without one.

    A time without a zone is one of `zone`. Raises NotAMoment.
    """
    text = text.strip()
    if text.isdigit() and len(text) in EPOCH_DIGITS and not _PACKED.fullmatch(text):
        return _epoch(int(text), EPOCH_DIGITS[len(text)])
    day, rest = _day(text)
    clock = clock.strip() or rest
    if not clock:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC), True
    at, said_zone = _clock(clock)
    return (datetime.combine(day, at, said_zone or zone).astimezone(UTC)), False


def read_day(text: str, clock: str, zone: tzinfo) -> date:
    """The day of a daily bar: as it is written, where a time stands beside it too. Raises NotAMoment."""
    text = text.strip()
    if text.isdigit() and len(text) in EPOCH_DIGITS and not _PACKED.fullmatch(text):
        at, _is_day = _epoch(int(text), EPOCH_DIGITS[len(text)])
        return at.date() if not at.timestamp() % DAY else at.astimezone(zone).date()
    day, rest = _day(text)
    clock = clock.strip() or rest
    if not clock:
        return day
    at_clock, said_zone = _clock(clock)
    if at_clock == time(0) or said_zone is None:
        return day
    return datetime.combine(day, at_clock, said_zone).astimezone(zone).date()


def interval_of(moments: Sequence[datetime]) -> Interval | None:
    """The interval whose bars begin so far apart: a day where there are too few to say; None: no interval of ours."""
    apart = [abs((b - a).total_seconds()) for a, b in pairwise(moments) if a != b]
    if not apart:
        return Interval.D1
    shortest = timedelta(seconds=min(apart))
    if shortest >= timedelta(days=1):
        return Interval.D1
    return next((each for each in Interval if each.duration == shortest), None)


def _epoch(number: int, parts: int) -> tuple[datetime, bool]:
    seconds, rest = divmod(number, parts)
    try:
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest * (1_000_000 // parts)), False
    except (OverflowError, OSError, ValueError):
        raise NotAMoment(str(number)) from None


def _day(text: str) -> tuple[date, str]:
    """The day at the beginning, and what stands after it."""
    if packed := _PACKED.fullmatch(text):
        year, month, day, *rest = packed.groups()
        return _checked(year, month, day), ":".join(part for part in rest if part)
    if found := _YEAR_FIRST.match(text):
        return _checked(*found.groups()), text[found.end() :].lstrip(" T")
    if found := _DAY_FIRST.match(text):
        day, month, year = found.groups()
        return _checked(year, month, day), text[found.end() :].lstrip(" T")
    raise NotAMoment(text)


def _checked(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise NotAMoment(f"{year}-{month}-{day}") from None


def _clock(text: str) -> tuple[time, tzinfo | None]:
    text = text.strip()
    place = text.removesuffix("UTC").removesuffix("GMT").strip()
    said_utc = place != text
    try:  # an offset as ISO has it: Z, +09:00, +0900
        whole = time.fromisoformat(place.replace(" ", ""))
    except ValueError:
        whole = None
    if whole is not None and (whole.tzinfo is not None or ":" in place):
        return whole.replace(tzinfo=None, microsecond=0), whole.tzinfo or (UTC if said_utc else None)
    found = _CLOCK.fullmatch(place.zfill(6) if place.isdigit() and len(place) in (5, 6) else place)
    if found is None:
        raise NotAMoment(text)
    hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return time(hour, minute, second), UTC if said_utc else None
    except ValueError:
        raise NotAMoment(text) from None
