"""Indicators over float64 arrays, by TA-Lib: shape (n,) in and out, oldest first, NaN until there is enough history.

The only module that loads TA-Lib; what each indicator takes and needs is described in `catalog.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import talib

from markets.bars import Bars, FloatArray
from strategies.errors import BarsInvalid

_COLUMNS = ("open", "high", "low", "close", "volume")


def ema(values: FloatArray, period: int) -> FloatArray:
    """Exponential average, weight 2 / (period + 1), started from the simple average of the first `period` values."""
    array: FloatArray = talib.EMA(finite(values), period)
    return array


def sma(values: FloatArray, period: int) -> FloatArray:
    """Simple average of the last `period` values."""
    array: FloatArray = talib.SMA(finite(values), period)
    return array


def rsi(values: FloatArray, period: int) -> FloatArray:
    """Wilder's relative strength index, 0 to 100; 0 while nothing has moved at all."""
    array: FloatArray = talib.RSI(finite(values), period)
    return array


def adx(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's average directional index, 0 to 100: how strong a trend is, whichever its direction."""
    array: FloatArray = talib.ADX(finite(high), finite(low), finite(close), period)
    return array


def plus_di(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's upward directional indicator, 0 to 100."""
    array: FloatArray = talib.PLUS_DI(finite(high), finite(low), finite(close), period)
    return array


def minus_di(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Wilder's downward directional indicator, 0 to 100."""
    array: FloatArray = talib.MINUS_DI(finite(high), finite(low), finite(close), period)
    return array


def obv(close: FloatArray, volume: FloatArray) -> FloatArray:
    """On-balance volume, in units: a running total since the first bar given, so only its changes mean anything."""
    array: FloatArray = talib.OBV(finite(close), finite(volume))
    return array


def lowest(values: FloatArray, bars: int) -> FloatArray:
    """The smallest of the last `bars` values, this one included. Leading NaN stay NaN."""
    array: FloatArray = values if bars == 1 else talib.MIN(values, bars)
    return array


def highest(values: FloatArray, bars: int) -> FloatArray:
    """The largest of the last `bars` values, this one included. Leading NaN stay NaN."""
    array: FloatArray = values if bars == 1 else talib.MAX(values, bars)
    return array


def before(values: FloatArray, bars: int) -> FloatArray:
    """Each value as it was `bars` bars earlier; NaN where there was none."""
    if bars == 0:
        return values
    earlier = np.full(len(values), np.nan)
    earlier[bars:] = values[:-bars]
    return earlier


def finite(values: FloatArray) -> FloatArray:
    """`values` themselves. Raises BarsInvalid if one is NaN or infinite (it would poison every later average)."""
    if values.dtype != np.float64:
        raise BarsInvalid(f"float64 is needed, not {values.dtype}")
    usable = np.isfinite(values)
    if not usable.all():
        raise BarsInvalid(f"value {int(np.argmin(usable))} of {len(values)} is not a finite number")
    return values


@dataclass(frozen=True, slots=True)
class IndicatorCall:
    """One indicator with its numbers: what a frame computes once, whichever documents ask for it."""

    kind: str
    source: str
    params: tuple[tuple[str, float], ...]

    def period(self) -> int:
        return int(dict(self.params)["period"])


class Frame:
    """The bars of one instrument with every indicator asked of them so far, each computed once.

    Documents evaluated on the same frame share the arrays; nobody writes into them. Raises BarsInvalid for NaN.
    """

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self._columns = {name: finite(getattr(bars, name)) for name in _COLUMNS}
        self._computed: dict[tuple[IndicatorCall, str], FloatArray] = {}

    def column(self, name: str) -> FloatArray:
        return self._columns[name]

    def indicator(self, call: IndicatorCall, output: str = "value") -> FloatArray:
        """The array `call` names, shape (n,)."""
        key = (call, output)
        if key not in self._computed:
            self._computed[key] = COMPUTE[call.kind, output](self, call)
        return self._computed[key]


def _directional(
    function: Callable[[FloatArray, FloatArray, FloatArray, int], FloatArray],
) -> Callable[[Frame, IndicatorCall], FloatArray]:
    return lambda frame, call: function(frame.column("high"), frame.column("low"), frame.column("close"), call.period())


def _of_source(function: Callable[[FloatArray, int], FloatArray]) -> Callable[[Frame, IndicatorCall], FloatArray]:
    return lambda frame, call: function(frame.column(call.source), call.period())


COMPUTE: Mapping[tuple[str, str], Callable[[Frame, IndicatorCall], FloatArray]] = {
    ("ema", "value"): _of_source(ema),
    ("sma", "value"): _of_source(sma),
    ("rsi", "value"): _of_source(rsi),
    ("adx", "value"): _directional(adx),
    ("adx", "plus_di"): _directional(plus_di),
    ("adx", "minus_di"): _directional(minus_di),
    ("obv", "value"): lambda frame, call: obv(frame.column("close"), frame.column("volume")),
}
