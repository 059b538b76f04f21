"""Columns of numbers and rows of plain data as few bytes, for a row of the database."""

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from markets.bars import Bars

Packed = bytes | memoryview  # as a database gives it
LEVEL = 6
BYTES_A_BAR = 56  # seven columns


def pack_bars(bars: Bars) -> bytes:
    """Bars of any number; times as differences, bytes of like weight side by side, so that they pack well."""
    opened = np.diff(bars.opened_at, prepend=np.int64(0))
    columns = (opened, bars.closed_at - bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    body = b"".join(np.ascontiguousarray(each).view(np.uint8).reshape(-1, 8).T.tobytes() for each in columns)
    return zlib.compress(body, LEVEL)


def unpack_bars(packed: Packed) -> Bars:
    """What `pack_bars` packed."""
    body = zlib.decompress(bytes(packed))
    count = len(body) // BYTES_A_BAR
    parts = (body[place * count * 8 : (place + 1) * count * 8] for place in range(7))
    columns = [np.frombuffer(part, np.uint8).reshape(8, count).T.copy().reshape(-1) for part in parts]
    opened = np.cumsum(columns[0].view(np.int64))
    prices = (column.view(np.float64) for column in columns[2:])
    return Bars(opened, opened + columns[1].view(np.int64), *prices)


def joined(parts: list[Bars]) -> Bars:
    """The bars of several parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Bars.from_rows([])
    return Bars(*(np.concatenate([getattr(part, name) for part in parts]) for name in Bars.__slots__))


def pack_data(data: Any) -> bytes:
    """Plain data, as JSON."""
    return zlib.compress(json.dumps(data, separators=(",", ":"), allow_nan=False).encode(), LEVEL)


def unpack_data(packed: Packed) -> Any:
    """What `pack_data` packed."""
    return json.loads(zlib.decompress(bytes(packed)))


def folded(bars: Bars, most: int) -> Bars:
    """The bars, or so many at a time joined into one that at most `most` candles are left."""
    count = len(bars)
    if count <= most:
        return bars
    step = -(-count // most)
    starts = np.arange(0, count, step)
    ends = np.append(starts[1:], count) - 1
    return Bars(
        bars.opened_at[starts],
        bars.closed_at[ends],
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[ends],
        np.add.reduceat(bars.volume, starts),
    )


def compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each piece of a file, packed."""
    return (zlib.compress(piece, 1) for piece in pieces)


def decompressed(pieces: Iterator[Packed], write: Callable[[bytes], Any]) -> int:
    """Write the pieces out again; how many bytes they are."""
    total = 0
    for piece in pieces:
        part = zlib.decompress(bytes(piece))
        write(part)
        total += len(part)
    return total
