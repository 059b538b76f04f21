"""Closed bars: stored once, read back as arrays for rules and as rows for charts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from markets.bars import Bars
from markets.models import BarOpening, Instrument, StoredBar
from markets.types import Bar, Interval, Source, from_epoch

PAGE = 5000  # rows


def read_bars(instrument: Instrument, interval: Interval, count: int, until: datetime) -> Bars:
    """The last `count` bars closed by `until` in the instrument's present series, oldest first."""
    newest = (
        StoredBar.objects.series(instrument, interval, Source(instrument.source))
        .closed_by(until)
        .order_by("-opened_at")
        .values_list("opened_at", "closed_at", "open", "high", "low", "close", "volume")[:count]
    )
    return Bars.from_rows(reversed(newest))


def newest_close(instrument: Instrument, interval: Interval, until: datetime) -> datetime | None:
    """When the last bar closed by `until` closed, in the instrument's present series; None without one."""
    series = StoredBar.objects.series(instrument, interval, Source(instrument.source)).closed_by(until)
    closed = series.order_by("-opened_at").values_list("closed_at", flat=True).first()
    return None if closed is None else from_epoch(closed)


def history_rows(
    instrument: Instrument, interval: Interval, start: datetime | None = None
) -> Iterator[tuple[int, int, float, float, float, float, float]]:
    """Imported bars from `start` on, oldest first, a page at a time: a cursor left open would stop SQLite's writers."""
    series = StoredBar.objects.series(instrument, interval, Source.HISTORY)
    after = int(start.timestamp()) - 1 if start else -(2**62)
    while page := list(
        series.filter(opened_at__gt=after).values_list(
            "opened_at", "closed_at", "open", "high", "low", "close", "volume"
        )[:PAGE]
    ):
        yield from page
        after = page[-1][0]


def rows(instrument: Instrument, interval: Interval, limit: int) -> list[dict[str, float]]:
    """The last `limit` bars as the chart wants them, oldest first; times in seconds since 1970 UTC."""
    newest = StoredBar.objects.series(instrument, interval, Source(instrument.source)).order_by("-opened_at")
    columns = ("opened_at", "open", "high", "low", "close", "volume")
    return [
        dict(zip(("time", *columns[1:]), row, strict=True)) for row in reversed(newest.values_list(*columns)[:limit])
    ]


def store_bars(bars: Sequence[Bar], source: Source, ids: dict[str, int]) -> None:
    """Keep closed bars of a live source; a bar already kept stays as it is. `ids`: instrument key → primary key."""
    StoredBar.objects.bulk_create(
        [
            StoredBar(
                instrument_id=ids[bar.instrument],
                interval=bar.interval,
                source=source,
                opened_at=int(bar.opened_at.timestamp()),
                closed_at=int(bar.closed_at.timestamp()),
                open=float(bar.open),
                high=float(bar.high),
                low=float(bar.low),
                close=float(bar.close),
                volume=float(bar.volume),
            )
            for bar in bars
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )


def store_openings(bars: Sequence[Bar], source: Source, ids: dict[str, int]) -> None:
    """Write down that these bars, still forming, have begun. `ids`: instrument key → primary key."""
    BarOpening.objects.bulk_create(
        [
            BarOpening(
                instrument_id=ids[bar.instrument],
                source=source,
                interval=bar.interval,
                opened_at=int(bar.opened_at.timestamp()),
                closed_at=int(bar.closed_at.timestamp()),
                open=float(bar.open),
            )
            for bar in bars
        ],
        update_conflicts=True,
        unique_fields=["instrument", "source", "interval"],
        update_fields=["opened_at", "closed_at", "open"],
    )


def bar_under_way(instrument: Instrument, interval: Interval) -> BarOpening | None:
    """The last bar that has begun to trade, in the instrument's present series; it may have closed by now."""
    return BarOpening.objects.filter(instrument=instrument, source=instrument.source, interval=interval).first()
