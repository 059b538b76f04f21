"""Candlestick patterns over bars: shape (n,), 1 where a rising one ends, -1 where a falling one does, else 0."""

import numpy as np

from markets.bars import FloatArray
from strategies.candles import PATTERNS
from strategies.indicators import ta_lib


def candle(name: str, open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Where the pattern `name` of `candles.PATTERNS` ends; 0 too on the first bars, where it could not."""
    pattern = PATTERNS[name]
    found: FloatArray = np.sign(ta_lib.candle(pattern.function)(open_, high, low, close)).astype(np.float64)
    if pattern.only == "bullish":
        found = np.maximum(found, 0)
    elif pattern.only == "bearish":
        found = np.minimum(found, 0)
    return found
