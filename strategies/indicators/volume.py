"""What volume says about a move. Figures are NaN where nothing was traded to measure them by."""

from dataclasses import dataclass

import numpy as np

from markets.bars import FloatArray
from strategies.errors import BarsInvalid
from strategies.indicators import ta_lib
from strategies.indicators.windows import ROUNDING, before, ratio, window_sum


@dataclass(frozen=True, slots=True, eq=False)
class TakerVolume:
    """How much of each bar's turnover takers bought: arrays of shape (n,), in the quote currency, NaN where not known.

    A taker is who trades at once at the price offered; what takers did not buy, they sold.
    """

    bought: FloatArray
    total: FloatArray

    def __post_init__(self) -> None:
        known = ~(np.isnan(self.bought) | np.isnan(self.total))
        if not (np.isfinite(self.bought[known]) & np.isfinite(self.total[known])).all():
            raise BarsInvalid("taker volume must be finite where it is known")


def obv(close: FloatArray, volume: FloatArray) -> FloatArray:
    """On-balance volume, in units: a running total since the first bar given, so only its changes mean anything."""
    array: FloatArray = ta_lib.OBV(close, volume)
    return array


def mfi(high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, period: int) -> FloatArray:
    """Money flow index, 0 to 100: of typical price x volume, the share of the bars whose typical price rose.

    Bars whose typical price stood still count on neither side. (TA-Lib's keeps running totals.)
    """
    typical = (high + low + close) / 3
    change, money = typical - before(typical, 1), typical * volume
    change[np.abs(change) <= ROUNDING * typical] = 0.0
    rising = window_sum(np.where(change > 0, money, 0.0), period)
    falling = window_sum(np.where(change < 0, money, 0.0), period)
    share = 100 * ratio(rising, rising + falling)
    share[:period] = np.nan  # the first bar has no change: it would have counted as standing still
    return share


def cmf(high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, period: int) -> FloatArray:
    """Chaikin money flow, -1 to 1: where bars closed in their range, averaged by volume; a bar without range counts 0."""
    place = ratio(2 * close - high - low, high - low)
    flow = np.where(high > low, place, 0.0) * volume
    return ratio(window_sum(flow, period), window_sum(volume, period))


def vwap(high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, period: int) -> FloatArray:
    """Typical price of the last `period` bars averaged by volume, in price: a rolling window, not a session's."""
    typical = (high + low + close) / 3
    return ratio(window_sum(typical * volume, period), window_sum(volume, period))


def fund_flow(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    period: int,
    taker: TakerVolume | None = None,
) -> FloatArray:
    """(What takers bought - what they sold) / all turnover over `period` bars, -1 to 1.

    Chaikin money flow stands in on every bar whose window holds one without taker volume.
    """
    stand_in = cmf(high, low, close, volume, period)
    if taker is None:
        return stand_in
    turnover = window_sum(taker.total, period)
    flow = window_sum(2 * taker.bought - taker.total, period)
    known = ~(np.isnan(flow) | np.isnan(turnover))
    return np.where(known, ratio(flow, turnover), stand_in)
