"""Importing bars from a file: all of it, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, cast

from django.db import connection, transaction

from markets.bar_csv import BarFile, BarRow
from markets.models import Instrument, StoredBar
from markets.services.clock import ALWAYS, calendar
from markets.types import Bar, Interval, Source

CHUNK = 20_000  # rows held in memory at once
COLUMNS = ("instrument_id", "interval", "source", "opened_at", "closed_at", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `replaced` bars of the same times stood there before; `tolerated` counts oddities by code."""

    rows: int
    replaced: int
    tolerated: dict[str, int]


@transaction.atomic
def import_bars(stream: BinaryIO, instrument: Instrument, interval: Interval) -> Imported:
    """Store a CSV file's bars as the instrument's history; bars of the same times are replaced.

    Raises markets.bar_problems.BarFileInvalid with line numbers, and then nothing of the file is kept.
    """
    days = calendar(instrument.calendar)
    file = BarFile(
        stream,
        interval,
        day_bounds=days.daily_bar_bounds,
        bounds=None if instrument.calendar == ALWAYS else days.bar_bounds,
        session=None if instrument.calendar == ALWAYS else days.session,
    )
    before = StoredBar.objects.series(instrument, interval, Source.HISTORY).count()
    rows = iter(file)
    while chunk := list(islice(rows, CHUNK)):
        _write(instrument.pk, interval, chunk)
    after = StoredBar.objects.series(instrument, interval, Source.HISTORY).count()
    return Imported(file.rows, file.rows - (after - before), dict(file.tolerated))


@transaction.atomic
def keep_told_bars(bars: Sequence[Bar], instrument: Instrument, source: Source) -> int:
    """Store closed bars as a broker tells them of the past, in the series of its own; those of the same times are replaced.

    A price told today is adjusted for what happened since: the newer telling counts. How many there were.
    """
    for interval in {bar.interval for bar in bars}:
        rows = [_row(bar) for bar in bars if bar.interval is interval]
        for start in range(0, len(rows), CHUNK):
            _write(instrument.pk, interval, rows[start : start + CHUNK], source)
    return len(bars)


def _row(bar: Bar) -> BarRow:
    return (
        int(bar.opened_at.timestamp()),
        int(bar.closed_at.timestamp()),
        float(bar.open),
        float(bar.high),
        float(bar.low),
        float(bar.close),
        float(bar.volume),
    )


def _write(instrument_id: int, interval: Interval, chunk: list[BarRow], source: Source = Source.HISTORY) -> None:
    head = (instrument_id, interval.value, source.value)
    rows = [head + row for row in chunk]
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        _insert(rows)


_ON_CONFLICT = (
    "ON CONFLICT (instrument_id, source, interval, opened_at) DO UPDATE SET closed_at = excluded.closed_at, "
    "open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume"
)
_NAMES = ", ".join(COLUMNS)
_TABLE = StoredBar._meta.db_table


def _insert(rows: Sequence[tuple[str | float, ...]]) -> None:
    marks = ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_TABLE} ({_NAMES}) VALUES ({marks}) {_ON_CONFLICT}", rows)  # noqa: S608


def _copy(rows: Sequence[tuple[str | float, ...]]) -> None:
    """COPY into a table of this transaction's own, then one insert: COPY itself cannot replace rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE incoming_bars ON COMMIT DROP AS SELECT {_NAMES} FROM {_TABLE} WITH NO DATA"  # noqa: S608
        )
        with cast("Any", cursor.cursor).copy(f"COPY incoming_bars ({_NAMES}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO {_TABLE} ({_NAMES}) SELECT {_NAMES} FROM incoming_bars {_ON_CONFLICT}"  # noqa: S608
        )
        cursor.execute("DROP TABLE incoming_bars")
