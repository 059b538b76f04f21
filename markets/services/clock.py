"""What time it is in a market, whether it is open, and how fast it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from markets.calendars import Calendar, TradingDayRow, load_default
from markets.models import Instrument, LatestQuote, PriceFeed, Statements, TradingDay
from markets.types import Source

FEEDS = Statements(PriceFeed)
ALWAYS = "always"
MAX_SPEED = 3600  # market seconds per second


@dataclass(frozen=True, slots=True)
class Moment:
    """One source's present: its time, how many times faster than a watch it runs (0: as fast as the work allows)."""

    at: datetime
    speed: int
    keeps_sessions: bool


def moment(source: str) -> Moment:
    """What time it is in the market of one source: a replay of 1998 is in 1998, a broker's market is now.

    A broker's market does not stop because its feed has: its time is what the feed last told and what has passed since.
    """
    feed = FEEDS.first("source = %s", [source])
    if feed is None:
        return Moment(timezone.now(), 1, True)
    if Source(source).is_real:
        return Moment(feed.market_time + (timezone.now() - feed.heartbeat_at), 1, True)
    return Moment(feed.market_time, feed.speed, feed.keeps_sessions)


def market_time(source: str) -> datetime:
    return moment(source).at


def market_now(instrument: Instrument) -> datetime:
    return moment(instrument.source).at


def session_calendar(instrument: Instrument, present: Moment | None = None) -> Calendar:
    """When orders are taken: a simulated market keeps sessions only if told to, a replay is open whenever it has a bar."""
    present = present or moment(instrument.source)
    return calendar(instrument.calendar if present.keeps_sessions else ALWAYS)


def order_calendar(instrument: Instrument, present: Moment) -> Calendar:
    """When a day order ends. A replay has the sessions of its bars, which are the venue's own."""
    return (
        calendar(instrument.calendar) if instrument.source == Source.REPLAY else session_calendar(instrument, present)
    )


def calendar(name: str) -> Calendar:
    """The dated calendar of this name, with the days a person has reviewed laid over the file that ships with Kairos."""
    if name == ALWAYS:
        return load_default()[ALWAYS]
    seen = TradingDay.objects.filter(calendar=name).aggregate(rows=Count("id"), newest=Max("updated_at"))
    return _calendar(name, (seen["rows"], seen["newest"]))


@cache
def _calendar(name: str, _rows_seen: tuple[int, datetime | None]) -> Calendar:
    return load_default()[name].with_days(
        TradingDayRow(day.day, day.is_open, _clock(day.opens), _clock(day.closes), day.name)
        for day in TradingDay.objects.filter(calendar=name)
    )


def _clock(time: Any) -> str | None:
    return f"{time:%H:%M}" if time else None


@transaction.atomic
def take_over(instruments: Sequence[Instrument], source: Source) -> None:
    """Make `source` the one that supplies these instruments: the source before lets go at its next look."""
    Instrument.objects.filter(pk__in=[i.pk for i in instruments]).update(source=source)
    for instrument in instruments:
        instrument.source = source
    LatestQuote.objects.filter(instrument__in=instruments).exclude(source=source).delete()


@transaction.atomic
def leave_without_source(instruments: Sequence[Instrument]) -> None:
    """Nobody supplies these any more: they keep their last price, which is old from now on and shown as that."""
    chosen = [i.pk for i in instruments]
    long_ago = timezone.now() - timedelta(minutes=1)
    quotes = LatestQuote.objects.filter(instrument__in=chosen)
    quotes.filter(received_at__gt=long_ago).update(received_at=long_ago)
    quotes.update(source=Source.HISTORY)
    Instrument.objects.filter(pk__in=chosen).update(source=Source.HISTORY)
    for instrument in instruments:
        instrument.source = Source.HISTORY


def beat(source: Source, market_at: datetime, **changes: Any) -> None:
    """Record a source's clock and pulse."""
    PriceFeed.objects.update_or_create(
        source=source,
        defaults={"market_time": market_at, "heartbeat_at": timezone.now(), **changes},
    )


def set_speed(source: Source, speed: int) -> None:
    """Ask a simulated market to run `speed` times as fast as a watch. Raises ValueError outside 1…3600."""
    if not 1 <= speed <= MAX_SPEED:
        raise ValueError(f"speed must be between 1 and {MAX_SPEED}, not {speed}")
    PriceFeed.objects.filter(source=source).update(speed=speed)
