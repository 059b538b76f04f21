"""The closed bars of many instruments at once: one statement for all of them, straight into arrays.

PostgreSQL sends a whole column of a series as one run of binary numbers, which numpy reads as it comes: reading rows one by
one would take longer than everything that is done with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
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
COLUMNS = ("opened_at", "closed_at", "open", "high", "low", "close", "volume")
WHOLE = ("opened_at", "closed_at")  # the others are floats
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER = 19  # bytes
_INT16, _INT32 = Struct(">h"), Struct(">i")


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
    """Each series comes as one row, each of its columns as one run of bytes: its numbers one after the other."""
    last = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE {_OF} AND closed_at <= {{until}} ORDER BY opened_at DESC LIMIT s.count"  # noqa: S608, E501
    sent = ", ".join(f"string_agg({'int8' if name in WHOLE else 'float8'}send({name}), '')" for name in COLUMNS)
    joined = f"SELECT {sent} FROM ({last.format(**_ASKED_NAMES)}) newest"  # noqa: S608
    sql = f"COPY (SELECT s.number, b.* FROM {_ASKED} JOIN LATERAL ({joined}) b ON true) TO STDOUT (FORMAT binary)"  # noqa: S608
    asked = _arrays(series, until, [counts[each] for each in series])
    with connection.cursor() as cursor, cursor.copy(sql, asked) as copy:
        told = b"".join(copy)
    return {series[number - 1]: _bars(columns) for number, columns in _rows(told)}


def _rows(told: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """The rows of a binary COPY: a number, and then runs of bytes. Raises ValueError for anything else."""
    if not told.startswith(_SIGNATURE):
        raise ValueError("this is no binary COPY")
    place = _HEADER
    while (fields := _INT16.unpack_from(told, place)[0]) != -1:
        place += _INT16.size
        row = []
        for _field in range(fields):
            (length,) = _INT32.unpack_from(told, place)
            place += _INT32.size
            row.append(told[place : place + max(length, 0)])  # -1: of no bars there is no run
            place += max(length, 0)
        number, *columns = row
        yield int.from_bytes(number, "big"), columns


def _bars(columns: Sequence[bytes]) -> Bars:
    opened_at, closed_at = (np.frombuffer(run, ">i8")[::-1].astype(np.int64) for run in columns[:2])
    bars = Bars(opened_at, closed_at, *(np.frombuffer(run, ">f8")[::-1].astype(np.float64) for run in columns[2:]))
    if (np.diff(bars.opened_at) <= 0).any():
        raise ValueError("the bars did not come newest first")
    return bars


def _selected(series: list[Series], counts: Mapping[Series, int], until: Mapping[str, datetime]) -> dict[Series, Bars]:
    columns = ", ".join(COLUMNS)
    last = f"SELECT {columns} FROM {TABLE} WHERE {_OF} AND closed_at <= {{until}} ORDER BY opened_at DESC LIMIT %s"  # noqa: S608
    found = {}
    with connection.cursor() as cursor:
        for each in series:
            cursor.execute(last.format(**_PLACES), [*each, int(until[each.source].timestamp()), counts[each]])
            found[each] = Bars.from_rows(reversed(cursor.fetchall()))
    return found
