"""When orders are taken outside the regular session of the Korea Exchange: at closing prices, and in the after-market. Pure.

Source: the exchange's notice of 2026-09-09. The hours move with the session of the day; that they do so on days with special
hours is an assumption, and whoever asks too early or too late is refused by the venue as well.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from markets.calendars import Session

KST = timezone(timedelta(hours=9))
AFTER_SINCE = date(2026, 9, 14)
AFTER_ENDS = time(20)
PRE_OPEN_BEGINS, PRE_OPEN_ENDS = timedelta(minutes=30), timedelta(minutes=20)  # before the opening
POST_CLOSE_LASTS = timedelta(minutes=30)


class OffHours(StrEnum):
    PRE_OPEN = "pre_open"  # at the close of the day before
    POST_CLOSE = "post_close"  # at the day's close
    AFTER = "after"  # a continuous market of its own


class Window(NamedTuple):
    """`[opens_at, closes_at)` in aware UTC."""

    opens_at: datetime
    closes_at: datetime

    def holds(self, at: datetime) -> bool:
        return self.opens_at <= at < self.closes_at


def window(which: OffHours, session: Session) -> Window | None:
    """The hours beside one regular session; None where there are none on that day."""
    if which is OffHours.PRE_OPEN:
        return Window(session.opened_at - PRE_OPEN_BEGINS, session.opened_at - PRE_OPEN_ENDS)
    begins = session.closed_at + POST_CLOSE_LASTS
    if which is OffHours.POST_CLOSE:
        return Window(session.closed_at, begins)
    ends = datetime.combine(session.day, AFTER_ENDS, KST).astimezone(UTC)
    return Window(begins, ends) if session.day >= AFTER_SINCE and begins < ends else None
