"""Whether bars are a market at all, asked of the whole arrays before anything is computed."""

import hashlib

import numpy as np

from backtests.errors import BarsRefused
from markets.bars import Bars
from markets.types import from_epoch
from strategies.evaluation import BoolArray

LEAST_BARS = 2  # one to decide on, one to trade in


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


def _check_numbers(bars: Bars) -> None:
    # The extremes say whether anything is wrong (a NaN is its own extreme); only then is it looked for.
    lowest, highest = bars.low.min(), bars.high.max()
    fits = (bars.low <= bars.open) & (bars.low <= bars.close) & (bars.open <= bars.high) & (bars.close <= bars.high)
    if lowest > 0 and np.isfinite(highest) and bars.volume.min() >= 0 and np.isfinite(bars.volume.max()) and fits.all():
        return
    columns = (bars.open, bars.high, bars.low, bars.close)
    finite = np.logical_and.reduce([np.isfinite(each) for each in (*columns, bars.volume)])
    positive = np.logical_and.reduce([each > 0 for each in columns])
    for code, good in (("not_finite", finite), ("not_positive", positive), ("negative_volume", bars.volume >= 0)):
        _refuse_unless_all(code, good, bars)
    _refuse_unless_all("not_a_range", fits, bars)


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
