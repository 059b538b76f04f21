"""When a venue trades: sessions, bar boundaries and session time, for any instant.

Two calendars: "krx", the regular session of the Korea Exchange, and "always", open day and night in UTC days (09:00 to
09:00 KST, as crypto venues count them). The days of "krx" are reviewed rows with a source in `data/krx_calendar.json`;
what it leaves out (after-market, lunch break before 2000-05-22, Saturdays before 1998-12-07) is said there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from markets.dated import Period, in_force, period_of, read_json
from markets.types import Interval

KRX_CALENDAR = Path(__file__).parent / "data" / "krx_calendar.json"
ONE_DAY = timedelta(days=1)
LONGEST_CLOSURE = 366  # days searched for the next session before giving up


class Session(NamedTuple):
    """One trading session, `[opened_at, closed_at)` in aware UTC.

    Trades of the KRX closing auction carry the closing time or some seconds more: they come just after it.
    """

    day: date
    opened_at: datetime
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Hours:
    """Regular hours of one period, as time after local midnight."""

    period: Period
    opens: timedelta
    closes: timedelta


@dataclass(frozen=True, slots=True)
class TradingDayRow:
    """What is special about one day: closed, or open at other hours ("HH:MM" local time; None: the regular ones)."""

    day: date
    is_open: bool
    opens: str | None
    closes: str | None
    name: str


class NoSessionAhead(LookupError):
    """The calendar knows no session within a year: its rows are wrong."""

    code = "no_session_ahead"


class Calendar:
    """The sessions of one venue. Pure and immutable; answers are cached per day, so asking for every tick is cheap.

    Beyond `coverage` it goes on with weekdays at regular hours, and `covers` is false: warn before relying on it.
    """

    def __init__(
        self,
        key: str,
        *,
        utc_offset: timedelta,
        weekdays: frozenset[int],
        hours: Iterable[Hours],
        rows: Iterable[TradingDayRow] = (),
        coverage: Period,
    ) -> None:
        self.key = key
        self.coverage = coverage
        self._zone = UTC if not utc_offset else timezone(utc_offset)
        self._utc_offset = utc_offset
        self._weekdays = weekdays  # 0 is Monday
        self._hours = tuple(hours)
        self._rows = {row.day: row for row in rows}
        for row in self._rows.values():
            self._special_session(row)  # a row that makes no sense fails here, not at 08:59
        self._session = lru_cache(maxsize=16_384)(self._find_session)

    def with_days(self, overrides: Iterable[TradingDayRow], covered_to: date | None = None) -> "Calendar":
        """The same calendar with some days replaced, say by rows an admin edits. Raises ValueError for bad hours.

        `covered_to` extends the coverage once the closed days up to it are known.
        """
        return Calendar(
            self.key,
            utc_offset=self._utc_offset,
            weekdays=self._weekdays,
            hours=self._hours,
            rows=[*self._rows.values(), *overrides],
            coverage=Period(self.coverage.first, max(self.coverage.last, covered_to or date.min)),
        )

    def covers(self, day: date) -> bool:
        """Whether the closed days around `day` are known, or this very day has a row."""
        return day in self.coverage or day in self._rows

    def name(self, day: date) -> str:
        """Why a day is special ("설날"), in Korean; empty for an ordinary day."""
        return self._rows[day].name if day in self._rows else ""

    def session(self, day: date) -> Session | None:
        """The session of a local calendar day; None when the venue is closed."""
        return self._session(day)

    def session_at(self, at: datetime) -> Session | None:
        """The session under way at an instant."""
        session = self._session(self._local_day(at))
        return session if session and session.opened_at <= at < session.closed_at else None

    def is_open(self, at: datetime) -> bool:
        return self.session_at(at) is not None

    def next_open(self, at: datetime) -> datetime:
        """The first opening at or after `at`, so of the next session when one is under way. Raises NoSessionAhead."""
        return self._session_opening_from(at).opened_at

    def trading_day(self, at: datetime) -> date:
        """The local day of `at` when the venue trades on it, at whatever hour; else the next day it does."""
        day = self._local_day(at)
        return day if self._session(day) else self._session_opening_from(at).day

    def bar_bounds(self, interval: Interval, at: datetime) -> tuple[datetime, datetime] | None:
        """Opening and closing time of the bar an instant belongs to; None outside sessions.

        Bars count from the opening of their session and the last one ends with it (KRX 1h: 09:00-10:00 ... 15:00-15:30,
        on a late opening from 10:00). A daily bar is the session.
        """
        session = self.session_at(at)
        if session is None or interval is Interval.D1:
            return session and (session.opened_at, session.closed_at)
        opened_at = at - (at - session.opened_at) % interval.duration
        return opened_at, min(opened_at + interval.duration, session.closed_at)

    def daily_bar_bounds(self, day: date) -> tuple[datetime, datetime]:
        """The bounds of an imported daily bar: of the session, or the period's regular hours where we know of none.

        Old prices also exist for Saturdays, and perhaps for days we hold to be closed.
        """
        session = self._session(day) or self._at_hours(day, self._hours_on(day))
        return session.opened_at, session.closed_at

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """Session time between two instants, in seconds, exact to the microsecond; negative if `end` comes first.

        Additive: from a to b and from b to c is always from a to c.
        """
        if end < start:
            return -self.open_seconds(end, start)
        total, day, last_day = timedelta(0), self._local_day(start), self._local_day(end)
        while day <= last_day:
            if session := self._session(day):
                total += max(min(session.closed_at, end) - max(session.opened_at, start), timedelta(0))
            day += ONE_DAY
        return total.total_seconds()

    def _local_day(self, at: datetime) -> date:
        if at.tzinfo is None:
            raise ValueError("a naive datetime is no instant: pass an aware one")
        return at.astimezone(self._zone).date()

    def _session_opening_from(self, at: datetime) -> Session:
        day = self._local_day(at)
        for _ in range(LONGEST_CLOSURE):
            session = self._session(day)
            if session and session.opened_at >= at:
                return session
            day += ONE_DAY
        raise NoSessionAhead(f"calendar {self.key}: no session within {LONGEST_CLOSURE} days of {at}")

    def _find_session(self, day: date) -> Session | None:
        if row := self._rows.get(day):
            return self._special_session(row)
        return self._at_hours(day, self._hours_on(day)) if day.weekday() in self._weekdays else None

    def _special_session(self, row: TradingDayRow) -> Session | None:
        if not row.is_open:
            return None
        regular = self._hours_on(row.day)
        opens = _after_midnight(row.opens) if row.opens else regular.opens
        closes = _after_midnight(row.closes) if row.closes else regular.closes
        if not timedelta(0) <= opens < closes <= ONE_DAY:
            raise ValueError(f"calendar {self.key}: {row.day} opens at {row.opens} and closes at {row.closes}")
        return self._at_hours(row.day, Hours(regular.period, opens, closes))

    def _hours_on(self, day: date) -> Hours:
        return in_force(self._hours, day, f"hours of calendar {self.key}")

    def _at_hours(self, day: date, hours: Hours) -> Session:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - self._utc_offset
        return Session(day, midnight + hours.opens, midnight + hours.closes)


@cache
def load_default() -> Mapping[str, Calendar]:
    """The calendars as shipped, by the key an instrument names: "krx" and "always"."""
    return MappingProxyType({calendar.key: calendar for calendar in (_krx(read_json(KRX_CALENDAR)), _always())})


def _krx(data: Mapping[str, Any]) -> Calendar:
    return Calendar(
        data["calendar"],
        utc_offset=timedelta(hours=data["utc_offset_hours"]),
        weekdays=frozenset(data["weekdays"]),
        hours=[
            Hours(period_of(row), _after_midnight(row["opens"]), _after_midnight(row["closes"]))
            for row in data["hours"]
        ],
        rows=[
            TradingDayRow(date.fromisoformat(row["day"]), row["is_open"], row["opens"], row["closes"], row["name"])
            for row in data["days"]
        ],
        coverage=Period(date.fromisoformat(data["coverage_from"]), date.fromisoformat(data["coverage_to"])),
    )


def _always() -> Calendar:
    for_ever = Period(date.min, date.max)
    return Calendar(
        "always",
        utc_offset=timedelta(0),
        weekdays=frozenset(range(7)),
        hours=[Hours(for_ever, timedelta(0), ONE_DAY)],
        coverage=for_ever,
    )


def _after_midnight(clock: str) -> timedelta:
    """ "HH:MM" as time after midnight; "24:00" is the end of the day."""
    hours, minutes = clock.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
