"""Whether bars are a market at all, asked of the whole arrays before anything is computed."""

import hashlib

import numpy as np

from backtests.errors import BarsRefused
from markets.bars import Bars, FloatArray
from markets.types import from_epoch
from strategies.evaluation import BoolArray

LEAST_BARS = 2  # one to decide on, one to trade in
STRETCH = 16_384  # bars looked at in one go


def check_bars(bars: Bars) -> None:
    """Raise BarsRefused for the first thing that is wrong, with where it is."""
    count = len(bars)
    if not count:
        raise BarsRefused("no_bars")
    if any(len(getattr(bars, name)) != count for name in Bars.__slots__):
        raise BarsRefused("columns_differ")
    if count < LEAST_BARS:
        raise BarsRefused("too_few_bars", bars=count, needed=LEAST_BARS)
    _check_numbers(bars)
    _check_times(bars)


def inputs_hash(bars: Bars) -> str:
    """The sha256 of every column, in hexadecimal."""
    digest = hashlib.sha256()
    for name in Bars.__slots__:
        digest.update(np.ascontiguousarray(getattr(bars, name)).data)
    return digest.hexdigest()


def prices(bars: Bars) -> tuple[FloatArray, ...]:
    """Open, high, low, close, volume."""
    return bars.open, bars.high, bars.low, bars.close, bars.volume


def _check_numbers(bars: Bars) -> None:
    # A stretch at a time, which the processor holds at once; only where something is wrong it is looked for.
    columns = prices(bars)
    if all(_fits(*(column[start : start + STRETCH] for column in columns)) for start in range(0, len(bars), STRETCH)):
        return
    finite = np.logical_and.reduce([np.isfinite(each) for each in columns])
    positive = np.logical_and.reduce([each > 0 for each in columns[:4]])
    for code, good in (("not_finite", finite), ("not_positive", positive), ("negative_volume", bars.volume >= 0)):
        _refuse_unless_all(code, good, bars)
    _refuse_unless_all("not_a_range", _ranges(*columns[:4]), bars)


def _fits(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> bool:
    # A NaN is its own extreme, and compares false.
    lowest, highest, most = low.min(), high.max(), volume.max()
    is_sane = lowest > 0 and highest < np.inf and volume.min() >= 0 and most < np.inf
    return bool(is_sane and _ranges(opened, high, low, close).all())


def _ranges(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> BoolArray:
    fits: BoolArray = (low <= np.minimum(opened, close)) & (np.maximum(opened, close) <= high)
    return fits


def _check_times(bars: Bars) -> None:
    _refuse_unless_all("closes_before_it_opens", bars.closed_at > bars.opened_at, bars)
    follows = bars.opened_at[1:] >= bars.closed_at[:-1]
    if follows.all():
        return
    place = int(np.argmin(follows)) + 1
    code = "duplicate_time" if np.any(bars.opened_at[:place] == bars.opened_at[place]) else "not_ascending"
    raise BarsRefused(code, bar=place, at=from_epoch(int(bars.opened_at[place])).isoformat())


def _refuse_unless_all(code: str, good: BoolArray, bars: Bars) -> None:
    if not good.all():
        place = int(np.argmin(good))
        raise BarsRefused(code, bar=place, at=from_epoch(int(bars.opened_at[place])).isoformat())
