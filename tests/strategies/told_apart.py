"""How far an indicator of ours is from its second source, where both are settled."""

import numpy as np

from markets.bars import Bars, FloatArray
from strategies.catalog import INDICATORS
from strategies.indicators import Frame, IndicatorCall
from tests.strategies.second_sources import SECOND_SOURCES

REAL = ("krx-daily/005930", "krx-daily/035420", "crypto/UNITTEST_BTC-1m")


def largest_difference(kind: str, bars: Bars, numbers: dict[str, float]) -> float:
    """The largest over all outputs and settled bars on which ours has a figure, relative to it or to its usual size.

    Raises AssertionError where the other source has no figure there, or there is hardly anything to compare.
    """
    theirs = SECOND_SOURCES[kind].compute(bars, numbers)
    frame, call = Frame(bars), IndicatorCall(kind, "close", tuple(sorted(numbers.items())))
    settled = INDICATORS[kind].warm_up(numbers) - 1
    assert theirs.keys() == INDICATORS[kind].outputs.keys()
    return max(_difference(frame.indicator(call, o)[settled:], theirs[o][settled:], kind) for o in theirs)


def _difference(ours: FloatArray, theirs: FloatArray, kind: str) -> float:
    if INDICATORS[kind].cumulative:  # only its changes mean anything
        ours, theirs = np.diff(ours), np.diff(theirs)
    told = ~np.isnan(ours)
    ours, theirs = ours[told], theirs[told]
    assert told.mean() > 0.8, "hardly anything to compare"
    assert np.isfinite(theirs).all(), "the second source has no figure where we have one"
    size = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), np.median(np.abs(ours)))
    apart = np.abs(ours - theirs)
    return float(np.divide(apart, size, out=np.zeros(len(size)), where=apart > 0).max())
