"""Indicators over float64 arrays: shape (n,) in and out, oldest first, NaN until there is enough history.

TA-Lib computes, except where it keeps running totals that one huge value would spoil for good. Nothing outside this
package loads it; what each indicator takes and needs is described in `catalog`. A figure that does not exist (a share
of nothing, a place in a range without width) is NaN on that bar, and no condition on it passes.
"""

from strategies.indicators.frame import COMPUTE, Frame, IndicatorCall
from strategies.indicators.oscillators import cci, momentum, roc, rsi, stochastic, stochrsi, williams_r
from strategies.indicators.ranges import atr, atr_mean, bollinger, donchian, keltner, std
from strategies.indicators.single_bars import bar_return, consecutive, ibs
from strategies.indicators.trend import adx, ema, ichimoku, macd, minus_di, plus_di, psar, sma, supertrend, wma
from strategies.indicators.volume import TakerVolume, cmf, fund_flow, mfi, obv, vwap
from strategies.indicators.windows import before, finite, highest, lowest, window_mean, window_sum

__all__ = [
    "COMPUTE",
    "Frame",
    "IndicatorCall",
    "TakerVolume",
    "adx",
    "atr",
    "atr_mean",
    "bar_return",
    "before",
    "bollinger",
    "cci",
    "cmf",
    "consecutive",
    "donchian",
    "ema",
    "finite",
    "fund_flow",
    "highest",
    "ibs",
    "ichimoku",
    "keltner",
    "lowest",
    "macd",
    "mfi",
    "minus_di",
    "momentum",
    "obv",
    "plus_di",
    "psar",
    "roc",
    "rsi",
    "sma",
    "std",
    "stochastic",
    "stochrsi",
    "supertrend",
    "vwap",
    "williams_r",
    "window_mean",
    "window_sum",
    "wma",
]
