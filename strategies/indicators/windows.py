"""What every indicator is made of: checked input, windows that forget exactly, shifts and ratios.

Arrays are float64 of shape (n,), oldest first. Nothing here keeps a running total: a window's sum is made from that
window's values alone and always in the same order, so one huge volume a year ago leaves no trace in today's average,
and any stretch of history that holds the window gives the same bits.
"""

from collections.abc import Callable

import numpy as np

from markets.bars import FloatArray
from strategies.errors import BarsInvalid
from strategies.indicators import ta_lib

ROUNDING = 8 * np.finfo(np.float64).eps  # of a price made of three: a smaller difference is how its sum came out


def finite(values: FloatArray) -> FloatArray:
    """`values` themselves. Raises BarsInvalid if one is NaN or infinite (it would poison every later average)."""
    if values.dtype != np.float64:
        raise BarsInvalid(f"float64 is needed, not {values.dtype}")
    usable = np.isfinite(values)
    if np.count_nonzero(usable) < len(
        usable
    ):  # quicker than `all()`, and this is asked of every column of every instrument
        raise BarsInvalid(f"value {int(np.argmin(usable))} of {len(values)} is not a finite number")
    return values


def window_sum(values: FloatArray, bars: int) -> FloatArray:
    """The sum of the last `bars` values, this one included; NaN where there are fewer, or one of them is NaN.

    Sums of 1, 2, 4, … values are built by doubling, and those that make up `bars` are joined.
    """
    if len(values) < bars:
        return np.full(len(values), np.nan)
    block, size = values, 1  # block[i] is the sum of values[i : i + size]
    total, taken = np.zeros(len(values)), 0  # total[i] is the sum of values[i : i + taken]
    while taken < bars:
        if bars & size:
            joined = block[taken:]
            total = total[: len(joined)] + joined
            taken += size
        if taken < bars:
            block = block[:-size] + block[size:]
            size *= 2
    return np.concatenate([np.full(bars - 1, np.nan), total])


def window_mean(values: FloatArray, bars: int) -> FloatArray:
    """The mean of the last `bars` values, this one included; NaN as in `window_sum`."""
    return window_sum(values, bars) / bars


def lowest(values: FloatArray, bars: int) -> FloatArray:
    """The smallest of the last `bars` values, this one included; NaN as in `window_sum`."""
    if bars == 1:
        return values
    array: FloatArray = ta_lib.MIN(values, bars) if _is_whole(values) else _extreme(values, bars, np.minimum)
    return array


def highest(values: FloatArray, bars: int) -> FloatArray:
    """The largest of the last `bars` values, this one included; NaN as in `window_sum`."""
    if bars == 1:
        return values
    array: FloatArray = ta_lib.MAX(values, bars) if _is_whole(values) else _extreme(values, bars, np.maximum)
    return array


def _is_whole(values: FloatArray) -> bool:
    """Whether no figure is missing between others. TA-Lib would look past such a one, or not, as its search happens to be."""
    missing = np.isnan(values)
    first = int(np.argmin(missing)) if len(missing) else 0
    return not missing[first:].any()


def _extreme(values: FloatArray, bars: int, extreme: Callable[[FloatArray, FloatArray], FloatArray]) -> FloatArray:
    """By doubling: the extreme of 2, 4, … values, and two of those that overlap for what is left. NaN makes NaN."""
    if len(values) < bars:
        return np.full(len(values), np.nan)
    block, size = values, 1  # block[i] is the extreme of values[i : i + size]
    while size < bars:
        step = min(size, bars - size)
        block, size = extreme(block[:-step], block[step:]), size + step
    return np.concatenate([np.full(bars - 1, np.nan), block])


def before(values: FloatArray, bars: int) -> FloatArray:
    """Each value as it was `bars` bars earlier; NaN where there was none."""
    if bars == 0:
        return values
    earlier = np.full(len(values), np.nan)
    earlier[bars:] = values[:-bars]
    return earlier


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """part / whole; NaN where the whole is zero, for then there is no such figure, and no condition on it may pass."""
    shares: FloatArray = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole != 0)
    return shares


def only_where(defined: np.ndarray, values: FloatArray) -> FloatArray:
    """`values` where they are `defined`, NaN elsewhere."""
    return np.where(defined, values, np.nan)
