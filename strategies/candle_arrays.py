"""Candlestick patterns over bars: shape (n,), 1 where a rising one ends, -1 where a falling one does, else 0."""

import numpy as np
import talib

from markets.bars import FloatArray
from strategies.candles import PATTERNS
from strategies.indicators import Frame


def candle(frame: Frame, name: str) -> FloatArray:
    """Where the pattern `name` of `candles.PATTERNS` ends; 0 too on the first bars, where it could not."""
    pattern = PATTERNS[name]
    prices = (frame.column(column) for column in ("open", "high", "low", "close"))
    found: FloatArray = np.sign(getattr(talib, pattern.function)(*prices)).astype(np.float64)
    if pattern.only == "bullish":
        found = np.maximum(found, 0)
    elif pattern.only == "bearish":
        found = np.minimum(found, 0)
    return found
