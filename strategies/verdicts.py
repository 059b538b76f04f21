"""Where a condition holds, given the arrays it compares: shape (n,), false wherever a figure it needs is missing."""

from collections.abc import Callable

import numpy as np

from markets.bars import FloatArray
from strategies.conditions import Operator
from strategies.evaluation import BoolArray, Values
from strategies.indicators import before, highest, lowest, window_sum

_COMPARE = {
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}


def compared(left: Values, op: Operator, right: Values) -> BoolArray:
    """Where `left` stands to `right` as `op` says; equality is exact."""
    passed: BoolArray = _COMPARE[op](left, right)  # NaN compares false
    return passed & ~np.isnan(left) & ~np.isnan(right) if op == "ne" else passed  # except as unequal


def crossed(left: Values, right: Values, kind: str) -> BoolArray:
    """Where `left` goes from at or below `right` to above it, or the mirror image: all four values are needed."""
    if kind == "cross_below":
        left, right = right, left
    return np.asarray((left > right) & (_earlier(left) <= _earlier(right)))


def was_below(series: FloatArray, threshold: Values, bars: int) -> tuple[FloatArray, BoolArray]:
    """Where `series` was below `threshold` in the last `bars` bars and is above it now, and the lowest it was.

    Under a moving threshold the lowest is of the distance from it.
    """
    if isinstance(threshold, np.ndarray):
        distance = series - threshold
        extreme = _extreme(distance, bars, lowest)
        return extreme, (extreme < 0) & (distance > 0)
    extreme = _extreme(series, bars, lowest)
    return extreme, (extreme < threshold) & (series > threshold)


def was_above(series: FloatArray, threshold: Values, bars: int) -> tuple[FloatArray, BoolArray]:
    """The mirror image of `was_below`."""
    if isinstance(threshold, np.ndarray):
        distance = series - threshold
        extreme = _extreme(distance, bars, highest)
        return extreme, (extreme > 0) & (distance < 0)
    extreme = _extreme(series, bars, highest)
    return extreme, (extreme > threshold) & (series < threshold)


def between(series: FloatArray, low: Values, high: Values) -> BoolArray:
    """Where `series` lies between the edges, both counted."""
    return (series >= low) & (series <= high)


def moved(values: FloatArray, bars: int, usual: FloatArray | None) -> FloatArray:
    """The change over `bars` bars, in units of `usual` where given; NaN where that is not above zero."""
    change = values - before(values, bars)
    if usual is None:
        return change
    scaled: FloatArray = np.divide(change, usual, out=np.full(len(change), np.nan), where=usual > 0)
    return scaled


def _extreme(values: FloatArray, bars: int, pick: Callable[[FloatArray, int], FloatArray]) -> FloatArray:
    """The extreme of each window; NaN where the window misses a value."""
    missing = np.isnan(values)
    if not missing.any():
        return pick(values, bars)
    incomplete = ~(window_sum(missing.astype(np.float64), bars) == 0)
    return np.where(incomplete, np.nan, pick(np.where(missing, 0.0, values), bars))


def _earlier(values: Values) -> Values:
    return before(values, 1) if isinstance(values, np.ndarray) else values
