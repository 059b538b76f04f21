"""Bars as arrays, for indicators. Decimal money never enters here; `trading.sizing` is where the two meet."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Closed bars of one instrument and interval, oldest first; every array has shape (n,).

    `opened_at` and `closed_at` are whole seconds since 1970 UTC; prices are in the instrument's currency, volume in units.
    """

    opened_at: IntArray
    closed_at: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __len__(self) -> int:
        return len(self.close)

    def prefix(self, count: int) -> "Bars":
        """The oldest `count` bars, as they stood before anything after them was known."""
        return Bars(*(getattr(self, name)[:count] for name in self.__slots__))

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, int, float, float, float, float, float]]) -> "Bars":
        """Bars from (opened_at, closed_at, open, high, low, close, volume) rows, oldest first."""
        columns = list(zip(*rows, strict=True)) or [()] * 7
        times = [np.array(column, dtype=np.int64) for column in columns[:2]]
        return cls(*times, *(np.array(column, dtype=np.float64) for column in columns[2:]))
