"""The past that a rule needs before it can say anything, asked of KIS day by day, the newest first."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from brokers.kis.market import KisMarket
from brokers.kis.services import history
from markets import services as markets
from markets.calendars import Calendar, Session
from markets.models import Instrument, StoredBar
from markets.types import Interval, Source

ONE_DAY = timedelta(days=1)
LONGEST_BACK = timedelta(days=360)  # KIS keeps about a year of minutes
EMPTY_IN_A_ROW = 3  # trading days without a trade: not listed yet, or further back than KIS remembers
SPARE = 3 / 2  # days of the calendar for a trading day, closed days and holidays included


def lacks(instrument: Instrument, interval: Interval, needed: int) -> bool:
    """Whether the live series is too short."""
    return StoredBar.objects.series(instrument, interval, Source.KIS).count() < needed


def fill_past(
    market: KisMarket,
    instrument: Instrument,
    interval: Interval,
    needed: int,
    today: date,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Bars of the days before `today` until there are `needed` of them, KIS knows no more, or `is_over`; how many came.

    Hours are put together from minutes in the instrument's sessions, as the live market does. Each day is kept as it comes,
    so whoever is interrupted goes on where it stopped. Raises ReadIncomplete and, by a key of the practice server, which
    tells minutes of today alone, brokers.kis.transactions.NotOffered.
    """
    if interval is Interval.D1:
        first = today - timedelta(days=int(needed * SPARE) + 30)
        return history.import_days(market, instrument, first, today - ONE_DAY).bars
    brought = empty = 0
    for session in _sessions_before(markets.calendar(instrument.calendar), today):
        if is_over() or empty >= EMPTY_IN_A_ROW or not lacks(instrument, interval, needed):
            break
        if _is_whole(instrument, interval, session):
            continue
        told = sum(told.bars for _day, told in history.import_minutes(market, instrument, session.day, session.day))
        brought += told
        empty = 0 if told else empty + 1
    return brought


def _sessions_before(days: Calendar, today: date) -> Iterator[Session]:
    for number in range(1, LONGEST_BACK.days):
        if (session := days.session(today - number * ONE_DAY)) is not None:
            yield session


def _is_whole(instrument: Instrument, interval: Interval, session: Session) -> bool:
    """Whether every bar of the session is there. A feed that began at noon left half of its day."""
    most = -(-(session.closed_at - session.opened_at) // interval.duration)
    series = StoredBar.objects.series(instrument, interval, Source.KIS)
    inside = series.filter(opened_at__gte=_seconds(session.opened_at), opened_at__lt=_seconds(session.closed_at))
    return inside.count() >= most


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
