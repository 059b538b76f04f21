"""Bars of the past, asked of KIS page by page and kept in a series of their own, for plans and backtests."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from brokers.kis.market import KisMarket
from markets import services as markets
from markets.calendars import Calendar
from markets.merging import merged
from markets.models import Instrument
from markets.services.imports import keep_told_bars
from markets.types import Bar, Interval, Source

LONGER = (Interval.M5, Interval.M15, Interval.H1, Interval.H4)  # put together from minutes, as the live market does


@dataclass(frozen=True, slots=True)
class Told:
    """What one import brought."""

    bars: int
    days: int


def import_days(market: KisMarket, instrument: Instrument, first: date, last: date) -> Told:
    """Adjusted daily bars from `first` to `last`. Raises ReadIncomplete, and then nothing of them is kept; Unsendable."""
    days = markets.calendar(instrument.calendar)
    bars = market.daily_bars(instrument.key, first, last, days.daily_bar_bounds)
    return Told(keep_told_bars(bars, instrument, Source.KIS), len(bars))


def import_minutes(market: KisMarket, instrument: Instrument, first: date, last: date) -> Iterator[tuple[date, Told]]:
    """Minutes of each trading day from `first` to `last`, and the longer bars they make; each day is kept as it comes.

    Minutes without a trade have no bar, as in the live market. Raises as `import_days`, and brokers.kis.transactions.NotOffered
    for a day before today by a key of the practice server.
    """
    days, now = markets.calendar(instrument.calendar), timezone.now()
    for day in _trading_days(days, first, last):
        session = days.session(day)
        if session is None or session.opened_at >= now:
            continue
        told = market.minute_bars(instrument.key, day, session.opened_at)
        minutes = [bar for bar in told if bar.volume and bar.closed_at <= session.closed_at]
        bars = [*minutes, *_longer(minutes, days, now)]
        yield day, Told(keep_told_bars(bars, instrument, Source.KIS), 1)


def _longer(minutes: list[Bar], days: Calendar, now: datetime) -> Iterator[Bar]:
    for interval in LONGER:
        whole = merged(minutes, interval, lambda _instrument, each, at: days.bar_bounds(each, at))
        yield from (bar for bar in whole if bar.closed_at <= now)


def _trading_days(days: Calendar, first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if days.session(day) is not None:
            yield day
