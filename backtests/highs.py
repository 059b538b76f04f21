"""How far an equity curve fell from its highest so far, and where it stood at a new one.

Most stretches of a curve can be told by their highest and lowest alone: only those in which something happens are looked at
bar by bar. The figures are those of looking at every bar, to the last bit.
"""

from dataclasses import dataclass

import numpy as np

from markets.bars import FloatArray, IntArray

STRETCH = 128  # bars


@dataclass(frozen=True, slots=True, eq=False)
class Highs:
    """`lowest` is the least of equity over its highest so far (1: it never fell); `tops` are the places of bars on which
    equity was the highest so far, in order."""

    lowest: float
    tops: IntArray

    @classmethod
    def of(cls, equity: FloatArray) -> "Highs":
        """`equity`: shape (n,), n >= 1, above zero."""
        rows = len(equity) // STRETCH
        if rows < 2:
            return cls(*_look(equity[np.newaxis], np.array([-np.inf]), np.array([0])))
        stretches, rest = equity[: rows * STRETCH].reshape(rows, STRETCH), equity[rows * STRETCH :]
        most, least = stretches.max(axis=1), stretches.min(axis=1)
        upto = np.maximum.accumulate(most)
        before = np.concatenate([[-np.inf], upto[:-1]])
        share = least / upto  # no bar of the stretch is lower than this
        bound = (least[1:] / before[1:]).min()  # some bar is at least as low as this
        looked_at = np.flatnonzero((most >= before) | (share <= bound))
        lowest, tops = _look(stretches[looked_at], before[looked_at], looked_at * STRETCH)
        if len(rest):
            last, more = _look(rest[np.newaxis], upto[-1:], np.array([rows * STRETCH]))
            lowest, tops = min(lowest, last), np.concatenate([tops, more])
        return cls(lowest, tops)


def _look(stretches: FloatArray, before: FloatArray, begins: IntArray) -> tuple[float, IntArray]:
    """The least share of the highest so far, and the places of the highest; `before` each stretch equity was so high."""
    highest = np.maximum(np.maximum.accumulate(stretches, axis=1), before[:, np.newaxis])
    row, place = np.nonzero(stretches >= highest)
    return float(np.divide(stretches, highest, out=highest).min()), begins[row] + place
