"""How far an equity curve fell from its highest so far, and where it stood at a new one.

Most stretches of a curve can be told by their highest and lowest alone: only those in which something happens are looked at
bar by bar. The figures are those of looking at every bar, to the last bit.
"""

from dataclasses import dataclass

import numpy as np

from markets.bars import FloatArray, IntArray
from strategies.evaluation import BoolArray

STRETCH = 256  # bars


@dataclass(frozen=True, slots=True, eq=False)
class Highs:
    """`lowest` is the least of equity over its highest so far (1: it never fell); `tops` are the places of bars on which
    equity was the highest so far, in order."""

    lowest: float
    tops: IntArray

    @classmethod
    def of(cls, equity: FloatArray) -> "Highs":
        """`equity`: shape (n,), n >= 1, above zero."""
        cut = _Stretches.of(equity)
        looked_at = np.flatnonzero(cut.may_top | cut.may_be_lowest)
        lowest, tops = _look(*cut.at(looked_at))
        if len(cut.rest):
            last, more = _look(*cut.at_the_end())
            lowest, tops = min(lowest, last), np.concatenate([tops, more])
        return cls(lowest, tops)


def lowest_share(equity: FloatArray) -> float:
    """`Highs.of(equity).lowest`."""
    cut = _Stretches.of(equity)
    stretches, before, _begins = cut.at(np.flatnonzero(cut.may_be_lowest))
    lowest = _least(stretches, _highest(stretches, before))
    if len(cut.rest):
        stretches, before, _begins = cut.at_the_end()
        lowest = min(lowest, _least(stretches, _highest(stretches, before)))
    return lowest


@dataclass(frozen=True, slots=True, eq=False)
class _Stretches:
    """The curve in rows, and what is left at its end; `before` each row equity was so high, `most` after the last.

    In the rows that `may_top` there may be a new highest, in those that `may_be_lowest` the least share of the highest so far.
    """

    rows: FloatArray
    before: FloatArray
    most: float
    may_top: BoolArray
    may_be_lowest: BoolArray
    rest: FloatArray

    @classmethod
    def of(cls, equity: FloatArray) -> "_Stretches":
        count = len(equity) // STRETCH
        if count < 2:
            every = np.ones(1, dtype=np.bool_)
            return cls(equity[np.newaxis], np.array([-np.inf]), -np.inf, every, every, equity[:0])
        rows = equity[: count * STRETCH].reshape(count, STRETCH)
        most, least = rows.max(axis=1), rows.min(axis=1)
        upto = np.maximum.accumulate(most)
        before = np.concatenate([[-np.inf], upto[:-1]])
        share = least / upto  # no bar of the stretch is lower than this
        bound = (least[1:] / before[1:]).min()  # some bar is at least as low as this
        return cls(rows, before, upto.item(-1), most >= before, share <= bound, equity[count * STRETCH :])

    def at(self, places: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """Some of the rows, how high equity was before each, and the bar each begins with."""
        return self.rows[places], self.before[places], places * STRETCH

    def at_the_end(self) -> tuple[FloatArray, FloatArray, IntArray]:
        """The same of the rest."""
        return self.rest[np.newaxis], np.array([self.most]), np.array([len(self.rows) * STRETCH])


def _look(stretches: FloatArray, before: FloatArray, begins: IntArray) -> tuple[float, IntArray]:
    """The least share of the highest so far, and the places of the highest; `before` each stretch equity was so high."""
    highest = _highest(stretches, before)
    row, place = np.nonzero(stretches >= highest)
    return _least(stretches, highest), begins[row] + place


def _highest(stretches: FloatArray, before: FloatArray) -> FloatArray:
    highest: FloatArray = np.maximum.accumulate(stretches, axis=1)
    return np.maximum(highest, before[:, np.newaxis], out=highest)


def _least(stretches: FloatArray, highest: FloatArray) -> float:
    """Writes over `highest`."""
    return float(np.divide(stretches, highest, out=highest).min())
