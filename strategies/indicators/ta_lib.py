"""TA-Lib's functions on arrays, as they are inside.

What TA-Lib hands out first looks through all arguments for pandas and polars, which costs as much as an average of some
hundred bars. Ours are arrays, and a frame has checked them.
"""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import talib

ADX = unwrap(talib.ADX)
ATR = unwrap(talib.ATR)
CCI = unwrap(talib.CCI)
DONCHIAN = unwrap(talib.DONCHIAN)
EMA = unwrap(talib.EMA)
KC = unwrap(talib.KC)
MACD = unwrap(talib.MACD)
MAX = unwrap(talib.MAX)
MIDPRICE = unwrap(talib.MIDPRICE)
MIN = unwrap(talib.MIN)
MINUS_DI = unwrap(talib.MINUS_DI)
MOM = unwrap(talib.MOM)
OBV = unwrap(talib.OBV)
PLUS_DI = unwrap(talib.PLUS_DI)
ROC = unwrap(talib.ROC)
RSI = unwrap(talib.RSI)
SAREXT = unwrap(talib.SAREXT)
STDDEV = unwrap(talib.STDDEV)
SUPERTREND = unwrap(talib.SUPERTREND)
WILLR = unwrap(talib.WILLR)
WMA = unwrap(talib.WMA)


def candle(function: str) -> Callable[..., Any]:
    """The candlestick function of this name."""
    found: Callable[..., Any] = unwrap(getattr(talib, function))
    return found
