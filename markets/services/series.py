"""The closed bars of many instruments at once: one statement for all of them, straight into arrays.

PostgreSQL sends them in its own binary form, numbers of fixed width, which numpy reads as they come: reading rows one by
one would take longer than everything that is done with them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection

from markets.bars import Bars
from markets.models import Instrument, StoredBar
from markets.types import Interval, from_epoch


class Series(NamedTuple):
    """One instrument's bars of one interval, from the source that supplies it now."""

    instrument_id: int
    source: str
    interval: str

    @classmethod
    def of(cls, instrument: Instrument, interval: Interval) -> "Series":
        return cls(instrument.pk, instrument.source, interval.value)


TABLE = StoredBar._meta.db_table
COLUMNS = "opened_at, closed_at, open, high, low, close, volume"
# What COPY … (FORMAT binary) sends for a row: how many fields, and before each its length.
_NAMES = ("number", *COLUMNS.split(", "))
_KINDS = (">i8",) * 3 + (">f8",) * 5
_FIELDS = [(f"{part}{n}", kind) for n, of in enumerate(_KINDS) for part, kind in (("length", ">i4"), ("value", of))]
_ROW = np.dtype([("fields", ">i2"), *_FIELDS])
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER, _TRAILER = 19, 2  # bytes


def newest_closes(series: Sequence[Series], until: Mapping[str, datetime]) -> dict[Series, datetime]:
    """When the last bar of each series closed by its source's `until` closed; a series without one is left out."""
    newest = f"SELECT closed_at FROM {TABLE} WHERE {_OF} AND closed_at <= {{until}} ORDER BY opened_at DESC LIMIT 1"  # noqa: S608
    if not series:
        return {}
    if connection.vendor == "postgresql":
        sql = f"SELECT s.number, b.closed_at FROM {_ASKED} JOIN LATERAL ({newest.format(**_ASKED_NAMES)}) b ON true"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, _arrays(series, until, [1] * len(series)))
            return {series[number - 1]: from_epoch(closed) for number, closed in cursor.fetchall()}
    found = {}
    with connection.cursor() as cursor:
        for each in series:
            cursor.execute(newest.format(**_PLACES), [*each, int(until[each.source].timestamp())])
            if row := cursor.fetchone():
                found[each] = from_epoch(row[0])
    return found


def read_many_bars(counts: Mapping[Series, int], until: Mapping[str, datetime]) -> dict[Series, Bars]:
    """The last bars of each series, as many as `counts` says, closed by its source's `until`; oldest first."""
    series = list(counts)
    if not series:
        return {}
    if connection.vendor == "postgresql":
        return _copied(series, counts, until)
    return _selected(series, counts, until)


_OF = "instrument_id = {instrument} AND source = {source} AND interval = {interval}"
_PLACES = dict.fromkeys(("instrument", "source", "interval", "until"), "%s")
_ASKED = (
    "unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::int[]) WITH ORDINALITY"
    " AS s(instrument, source, interval, until, count, number)"
)
_ASKED_NAMES = {name: f"s.{name}" for name in _PLACES}


def _arrays(series: Sequence[Series], until: Mapping[str, datetime], counts: Sequence[int]) -> list[Any]:
    instruments, sources, intervals = (list(column) for column in zip(*series, strict=True))
    return [instruments, sources, intervals, [int(until[name].timestamp()) for name in sources], list(counts)]


def _copied(series: list[Series], counts: Mapping[Series, int], until: Mapping[str, datetime]) -> dict[Series, Bars]:
    last = (
        f"SELECT {COLUMNS} FROM {TABLE} WHERE {_OF} AND closed_at <= {{until}} ORDER BY opened_at DESC LIMIT s.count"  # noqa: S608
    ).format(**_ASKED_NAMES)
    sql = f"COPY (SELECT s.number, b.* FROM {_ASKED} JOIN LATERAL ({last}) b ON true) TO STDOUT (FORMAT binary)"  # noqa: S608
    with (
        connection.cursor() as cursor,
        cursor.copy(sql, _arrays(series, until, [counts[each] for each in series])) as copy,
    ):
        told = b"".join(copy)
    rows = _rows(told)
    numbers = rows["value0"].astype(np.int64)
    order = np.lexsort((rows["value1"], numbers))
    columns = [np.ascontiguousarray(rows[f"value{n}"][order]).astype(_native(n)) for n in range(1, len(_KINDS))]
    edges = np.searchsorted(numbers[order], np.arange(1, len(series) + 2))
    return {
        each: Bars(*(column[start:stop] for column in columns))
        for each, start, stop in zip(series, edges[:-1], edges[1:], strict=True)
    }


def _native(column: int) -> npt.DTypeLike:
    return np.dtype(_KINDS[column]).newbyteorder("=")


def _rows(told: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """The rows of a binary COPY. Raises ValueError for anything but eight numbers of eight bytes each."""
    if not told.startswith(_SIGNATURE) or (len(told) - _HEADER - _TRAILER) % _ROW.itemsize:
        raise ValueError("these are not the columns that were asked for")
    rows = np.frombuffer(told, _ROW, offset=_HEADER, count=(len(told) - _HEADER - _TRAILER) // _ROW.itemsize)
    if (rows["fields"] != len(_KINDS)).any() or any((rows[f"length{n}"] != 8).any() for n in range(len(_KINDS))):
        raise ValueError("a bar is not made of eight numbers")
    return rows


def _selected(series: list[Series], counts: Mapping[Series, int], until: Mapping[str, datetime]) -> dict[Series, Bars]:
    last = f"SELECT {COLUMNS} FROM {TABLE} WHERE {_OF} AND closed_at <= {{until}} ORDER BY opened_at DESC LIMIT %s"  # noqa: S608
    found = {}
    with connection.cursor() as cursor:
        for each in series:
            cursor.execute(last.format(**_PLACES), [*each, int(until[each.source].timestamp()), counts[each]])
            found[each] = Bars.from_rows(reversed(cursor.fetchall()))
    return found
