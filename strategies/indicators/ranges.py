"""How widely a series moves, and channels drawn from that. Prices in, prices out, unless said otherwise."""

from markets.bars import FloatArray
from strategies.indicators import ta_lib
from strategies.indicators.trend import sma
from strategies.indicators.windows import ratio, window_mean


def std(values: FloatArray, period: int) -> FloatArray:
    """Standard deviation of the last `period` values, as of a whole population (divided by `period`)."""
    array: FloatArray = ta_lib.STDDEV(values, period, 1)
    return array


def bollinger(
    values: FloatArray, period: int, deviations: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Upper, middle and lower band, the band's width in percent of its middle, and %B: 0 at the lower band, 1 at the upper.

    %B is NaN where the band has no width.
    """
    middle, reach = sma(values, period), deviations * std(values, period)
    upper, lower = middle + reach, middle - reach
    return upper, middle, lower, 100 * ratio(upper - lower, middle), ratio(values - lower, upper - lower)


def keltner(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, atr_period: int, multiplier: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Upper, middle and lower line: the EMA of (high + low + close) / 3, plus and minus so many Wilder average ranges."""
    upper, middle, lower = ta_lib.KC(high, low, close, period, atr_period, multiplier)
    return upper, middle, lower


def donchian(high: FloatArray, low: FloatArray, period: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Highest high, middle and lowest low of the last `period` bars, this one included."""
    upper, middle, lower = ta_lib.DONCHIAN(high, low, period)
    return upper, middle, lower


def atr(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's average true range."""
    array: FloatArray = ta_lib.ATR(high, low, close, period)
    return array


def atr_mean(high: FloatArray, low: FloatArray, close: FloatArray, period: int, average: int) -> FloatArray:
    """Simple average of the last `average` average true ranges."""
    return window_mean(atr(high, low, close, period), average)
