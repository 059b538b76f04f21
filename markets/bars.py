"""Bars as arrays, for indicators. Decimal money never enters here; `trading.sizing` is where the two meet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from markets.types import from_epoch

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
        opened_at, closed_at = (np.array(column, dtype=np.int64) for column in columns[:2])
        prices = (np.array(column, dtype=np.float64) for column in columns[2:])
        return cls(opened_at, closed_at, *prices)


def fold_bars(bars: Bars, bounds: Callable[[datetime], tuple[datetime, datetime] | None]) -> Bars:
    """`bars` joined into longer ones; `bounds` says which longer bar an instant belongs to (None: the venue is closed).

    The first and the last are left out where `bars` do not cover them from open to close.
    """
    spans = [bounds(from_epoch(int(at))) for at in bars.opened_at]
    edges = [i for i, span in enumerate(spans) if span is not None and (i == 0 or span != spans[i - 1])]
    edges = [i for i in edges if int(spans[i][0].timestamp()) == bars.opened_at[i]]  # type: ignore[index]
    rows = []
    for start, stop in zip(edges, [*edges[1:], len(bars)], strict=True):
        opened, closed = (int(at.timestamp()) for at in spans[start])  # type: ignore[union-attr]
        if bars.closed_at[stop - 1] != closed:
            continue
        part = slice(start, stop)
        rows.append(
            (
                opened,
                closed,
                float(bars.open[start]),
                float(bars.high[part].max()),
                float(bars.low[part].min()),
                float(bars.close[stop - 1]),
                float(bars.volume[part].sum()),
            )
        )
    return Bars.from_rows(rows)
