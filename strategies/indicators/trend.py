"""Averages of a series, and lines that say which way it goes. Prices in, prices out, unless said otherwise."""

import numpy as np

from markets.bars import FloatArray
from strategies.indicators import ta_lib
from strategies.indicators.windows import before, window_mean


def ema(values: FloatArray, period: int) -> FloatArray:
    """Exponential average, weight 2 / (period + 1), started from the simple average of the first `period` values."""
    array: FloatArray = ta_lib.EMA(values, period)
    return array


def sma(values: FloatArray, period: int) -> FloatArray:
    """Simple average of the last `period` values. (TA-Lib's keeps a running total, which a huge value spoils for good.)"""
    return window_mean(values, period)


def wma(values: FloatArray, period: int) -> FloatArray:
    """Average of the last `period` values weighted 1, 2, … period, the newest the heaviest."""
    array: FloatArray = ta_lib.WMA(values, period)
    return array


def macd(values: FloatArray, fast: int, slow: int, signal: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The line (fast EMA - slow EMA), the line's own EMA, and their difference; all three start together.

    Raises ValueError unless fast < slow: TA-Lib would swap them and say nothing.
    """
    if fast >= slow:
        raise ValueError(f"the fast period must be below the slow one, not {fast} and {slow}")
    line, average, histogram = ta_lib.MACD(values, fast, slow, signal)
    return line, average, histogram


def adx(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's average directional index, 0 to 100: how strong a trend is, whichever its direction."""
    array: FloatArray = ta_lib.ADX(high, low, close, period)
    return array


def plus_di(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's upward directional indicator, 0 to 100."""
    array: FloatArray = ta_lib.PLUS_DI(high, low, close, period)
    return array


def minus_di(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's downward directional indicator, 0 to 100."""
    array: FloatArray = ta_lib.MINUS_DI(high, low, close, period)
    return array


def supertrend(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, multiplier: float
) -> tuple[FloatArray, FloatArray]:
    """The line, and its direction: 1 where it runs below a rising price, -1 where it runs above a falling one.

    The bands are the bar's middle plus and minus `multiplier` Wilder average ranges and only ever close in, until the
    close before was beyond them; the line starts on the rising side.
    """
    line, direction = ta_lib.SUPERTREND(high, low, close, period, multiplier)
    return line, np.where(np.isnan(line), np.nan, direction)


def psar(
    high: FloatArray, low: FloatArray, af_start: float, af_step: float, af_max: float
) -> tuple[FloatArray, FloatArray]:
    """Wilder's stop and reverse, and its direction: 1 where it runs below a rising price, -1 above a falling one.

    A bar's value is the stop in force on that bar: where the bar touched it, already that of the other side.
    """
    signed = ta_lib.SAREXT(high, low, 0, 0, af_start, af_step, af_max, af_start, af_step, af_max)
    return np.abs(signed), np.sign(signed)


def ichimoku(
    high: FloatArray, low: FloatArray, close: FloatArray, tenkan: int, kijun: int, senkou_b: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Conversion, base, leading A, leading B, lagging line, each as it can be known on its bar: nothing looks ahead.

    A chart draws the leading lines `kijun` bars ahead, so those at a bar were computed `kijun` bars before it. It draws
    the close `kijun` bars back; asked on the newest bar, that compares with the close of `kijun` bars ago, given here.
    """
    conversion, base, wide = (_middle(high, low, bars) for bars in (tenkan, kijun, senkou_b))
    return (
        conversion,
        base,
        before((conversion + base) / 2, kijun),
        before(wide, kijun),
        before(close, kijun),
    )


def _middle(high: FloatArray, low: FloatArray, bars: int) -> FloatArray:
    array: FloatArray = ta_lib.MIDPRICE(high, low, bars)
    return array
