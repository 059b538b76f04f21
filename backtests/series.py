"""The curves of a run: kept small, thinned for a chart, whole for an export."""

import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from markets.bars import FloatArray, IntArray

MAGIC = b"KBT1"  # what a packed series begins with, and its version


class SeriesUnreadable(ValueError):
    """These bytes are no packed series."""

    code = "series_unreadable"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Equity at each close, and that of who held instead: arrays of shape (n,), times in whole seconds since 1970 UTC."""

    closed_at: IntArray
    equity: FloatArray
    hold: FloatArray

    def __len__(self) -> int:
        return len(self.closed_at)

    @property
    def drawdown(self) -> FloatArray:
        """How far equity is below its highest so far, as a fraction: 0 or below."""
        below: FloatArray = self.equity / np.maximum.accumulate(self.equity) - 1
        return below

    def pack(self) -> bytes:
        """The series in few bytes, nothing lost: times as differences, everything compressed."""
        steps = np.diff(self.closed_at, prepend=np.int64(0))
        parts = (steps, self.equity, self.hold)
        body = b"".join(_shuffled(np.ascontiguousarray(part)) for part in parts)
        return MAGIC + struct.pack("<q", len(self)) + zlib.compress(body, 6)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """What `pack` made. Raises SeriesUnreadable."""
        if packed[:4] != MAGIC or len(packed) < 12:
            raise SeriesUnreadable("no packed series")
        (count,) = struct.unpack("<q", packed[4:12])
        try:
            body = zlib.decompress(packed[12:])
        except zlib.error as e:
            raise SeriesUnreadable(str(e)) from e
        if len(body) != count * 24:
            raise SeriesUnreadable(f"{len(body)} bytes for {count} bars")
        steps, equity, hold = (_plain(body[n * count * 8 : (n + 1) * count * 8], count) for n in range(3))
        return cls(np.cumsum(steps.view(np.int64)), equity.view(np.float64), hold.view(np.float64))

    def thinned(self, most: int) -> "Series":
        """At most about `most` bars for a chart: the first and last, and of each stretch its lowest and highest equity."""
        if len(self) <= most:
            return self
        edges = np.linspace(0, len(self), max(1, most // 2) + 1).astype(np.int64)
        kept = {0, len(self) - 1}
        for start, stop in pairwise(edges.tolist()):
            part = self.equity[start:stop]
            kept |= {start + int(part.argmin()), start + int(part.argmax())}
        places = np.array(sorted(kept), dtype=np.int64)
        return Series(self.closed_at[places], self.equity[places], self.hold[places])

    def as_data(self) -> dict[str, list[float]]:
        columns = {"closed_at": self.closed_at, "equity": self.equity, "hold": self.hold, "drawdown": self.drawdown}
        return {name: column.tolist() for name, column in columns.items()}


def _shuffled(values: IntArray | FloatArray) -> bytes:
    """The bytes of like weight side by side: what changes slowly packs well."""
    return values.view(np.uint8).reshape(-1, 8).T.tobytes()


def _plain(part: bytes, count: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.frombuffer(part, dtype=np.uint8).reshape(8, count).T.copy().reshape(-1).view(np.uint64)
