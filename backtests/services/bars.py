"""The bars of a run: stored ones or an upload's, as arrays, a page at a time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from django.db.models import Count, Max, Min, Q

from backtests.errors import BarsRefused
from backtests.models import BarUpload
from backtests.packing import joined, unpack_bars
from markets.bars import Bars
from markets.models import Instrument, StoredBar
from markets.models.bars import StoredBarQuerySet
from markets.types import Interval, Source, from_epoch

PAGE = 50_000  # rows read at once
MOST_BARS = 2_000_000  # of one run: ten years of a stock's minutes are half of it
SEOUL = ZoneInfo("Asia/Seoul")
COLUMNS = ("opened_at", "closed_at", "open", "high", "low", "close", "volume")
FIRST, LAST = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Series:
    """Which bars: an instrument's stored ones of one source, or an upload's; from one day to another, Korean days."""

    instrument: Instrument
    interval: Interval
    source: str
    upload: BarUpload | None
    starts_on: date | None = None
    ends_on: date | None = None

    def edges(self) -> tuple[int, int]:
        """The period in seconds since 1970: opened at or after the first, closed at or before the second."""
        first = FIRST if self.starts_on is None else _midnight(self.starts_on)
        last = LAST if self.ends_on is None else _midnight(self.ends_on + timedelta(days=1))
        return first, last


def source_of(instrument: Instrument, interval: Interval) -> Source:
    """Whose bars a backtest reads: the imported history where there is any, else what supplies prices now."""
    has_history = StoredBar.objects.series(instrument, interval, Source.HISTORY).exists()
    return Source.HISTORY if has_history else Source(instrument.source)


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of an instrument at one interval, of the source that a backtest reads."""

    interval: Interval
    bars: int
    first_at: datetime
    last_at: datetime


def stored_of(instrument: Instrument) -> list[Stored]:
    """The stored bars of every interval that has any, the shortest first."""
    told = StoredBar.objects.filter(instrument=instrument).order_by().values_list("interval", "source")
    found = {(row[0], row[1]): row[2:] for row in told.annotate(Count("pk"), Min("opened_at"), Max("closed_at"))}
    kept = []
    for interval in Interval:
        sources = (Source.HISTORY.value, instrument.source)
        row = next((found[interval.value, source] for source in sources if (interval.value, source) in found), None)
        if row is not None:
            kept.append(Stored(interval, row[0], from_epoch(row[1]), from_epoch(row[2])))
    return kept


def count_bars(series: Series) -> int:
    """How many bars the period has, as far as is known without reading them: all of an upload's."""
    if series.upload is not None:
        return series.upload.bars
    return _stored(series, *series.edges()).count()


def read_bars(series: Series, before: int = 0) -> Bars:
    """The bars of the period and up to `before` ones before it, oldest first. Raises BarsRefused for too many."""
    count = count_bars(series)
    if count > MOST_BARS:
        raise BarsRefused("too_many_bars", bars=count, most=MOST_BARS)
    return _uploaded(series, before) if series.upload is not None else _read_stored(series, before)


def _uploaded(series: Series, before: int) -> Bars:
    first, last = series.edges()
    chunks = series.upload.chunks.order_by("number") if series.upload else ()
    bars = joined([unpack_bars(chunk.packed) for chunk in chunks])
    start = max(0, int(np.searchsorted(bars.opened_at, first)) - before)
    stop = int(np.searchsorted(bars.closed_at, last, side="right"))
    return bars if (start, stop) == (0, len(bars)) else _part(bars, start, stop)


def _read_stored(series: Series, before: int) -> Bars:
    first, last = series.edges()
    parts = []
    if before and series.starts_on is not None:
        parts.append(_select(series, "closed_at <= %s ORDER BY opened_at DESC", [first], before, newest_first=True))
    after = first - 1
    while len(page := _select(series, "opened_at > %s AND closed_at <= %s ORDER BY opened_at", [after, last], PAGE)):
        parts.append(page)
        after = int(page.opened_at[-1])
        if len(page) < PAGE:
            break
    return joined([part for part in parts if len(part)])


def _select(series: Series, where: str, values: list[int], limit: int, *, newest_first: bool = False) -> Bars:
    of = "instrument_id = %s AND source = %s AND interval = %s"
    table = StoredBar._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(COLUMNS)} FROM {table} WHERE {of} AND {where} LIMIT %s",  # noqa: S608 our own words
            [series.instrument.pk, series.source, series.interval.value, *values, limit],
        )
        rows = cursor.fetchall()
    if not rows:
        return Bars.from_rows([])
    numbers = np.array(rows, dtype=np.float64)  # seconds since 1970 are exact in it
    if newest_first:
        numbers = numbers[::-1]
    opened, closed = (numbers[:, place].astype(np.int64) for place in range(2))
    return Bars(opened, closed, *(np.ascontiguousarray(numbers[:, place]) for place in range(2, 7)))


def _stored(series: Series, first: int, last: int) -> StoredBarQuerySet:
    stored = StoredBar.objects.series(series.instrument, series.interval, Source(series.source))
    return stored.filter(Q(opened_at__gte=first), Q(closed_at__lte=last))


def _part(bars: Bars, start: int, stop: int) -> Bars:
    return Bars(*(getattr(bars, name)[start:stop] for name in Bars.__slots__))


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=SEOUL).timestamp())
