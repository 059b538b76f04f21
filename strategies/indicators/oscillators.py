"""How fast a series moves, and where it stands within what it did lately. 0 to 100 unless said otherwise."""

import numpy as np

from markets.bars import FloatArray
from strategies.indicators import ta_lib
from strategies.indicators.windows import ROUNDING, before, highest, lowest, only_where, ratio, window_mean

_STILL = 1e-9  # of a point of RSI


def rsi(values: FloatArray, period: int) -> FloatArray:
    """Wilder's relative strength index, 0 to 100; NaN while nothing has moved at all."""
    strength: FloatArray = ta_lib.RSI(values, period)
    if (first := _first_move(values)) > 1:  # the very first value has none in any case
        strength[:first] = np.nan
    return strength


def _first_move(values: FloatArray) -> int:
    """The place of the first value that is not the first one's; that after the last where there is none."""
    if len(values) > 1 and values.item(0) != values.item(1):  # as nearly always
        return 1
    moved = values != values[:1]
    first = int(moved.argmax()) if len(values) else 0
    return first if first else len(values)


def stochastic(
    high: FloatArray, low: FloatArray, close: FloatArray, k_period: int, slowing: int, d_period: int
) -> tuple[FloatArray, FloatArray]:
    """%K, the place of the close in the range of `k_period` bars averaged over `slowing`, and its average, %D.

    NaN where a window holds a place in a range that has no width.
    """
    top, bottom = highest(high, k_period), lowest(low, k_period)
    return _averaged(close, top, bottom, slowing, d_period)


def stochrsi(
    values: FloatArray, rsi_period: int, stoch_period: int, k_period: int, d_period: int
) -> tuple[FloatArray, FloatArray]:
    """%K, the place of RSI in its own range of `stoch_period` bars averaged over `k_period`, and its average, %D.

    NaN where a window holds a place in a range that has no width.
    """
    strength = rsi(values, rsi_period)
    top, bottom = highest(strength, stoch_period), lowest(strength, stoch_period)
    moved = top - bottom > _STILL  # while a price stands still, RSI does too, but for its last digits
    return _averaged(strength, only_where(moved, top), bottom, k_period, d_period)


def _averaged(
    values: FloatArray, top: FloatArray, bottom: FloatArray, k_period: int, d_period: int
) -> tuple[FloatArray, FloatArray]:
    k = window_mean(100 * ratio(values - bottom, top - bottom), k_period)
    return k, window_mean(k, d_period)


def cci(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Commodity channel index, no fixed scale, mostly -200 to 200; NaN where the typical price has not moved."""
    typical = (high + low + close) / 3
    top, bottom = highest(typical, period), lowest(typical, period)
    return only_where(top - bottom > ROUNDING * top, ta_lib.CCI(high, low, close, period))


def williams_r(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Williams %R, -100 (at the bottom of the range) to 0 (at its top); NaN where the range has no width."""
    top, bottom = highest(high, period), lowest(low, period)
    return only_where(top > bottom, ta_lib.WILLR(high, low, close, period))


def roc(values: FloatArray, period: int) -> FloatArray:
    """The change from `period` bars ago in percent; NaN where there was nothing to change from."""
    return only_where(before(values, period) != 0, ta_lib.ROC(values, period))


def momentum(values: FloatArray, period: int) -> FloatArray:
    """The difference from the value of `period` bars ago, in its unit."""
    array: FloatArray = ta_lib.MOM(values, period)
    return array
