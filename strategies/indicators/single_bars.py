"""What single bars look like, one by one or in a row."""

import numpy as np

from markets.bars import FloatArray
from strategies.catalog.warm_up import LONGEST_RUN
from strategies.indicators import ta_lib
from strategies.indicators.windows import before, only_where, ratio


def ibs(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Where the close stands between the bar's low (0) and high (1); NaN for a bar without range."""
    return ratio(close - low, high - low)


def consecutive(close: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How many closes in a row were above, and below, the one before; NaN on the first bar. Counted to LONGEST_RUN."""
    change = close - before(close, 1)
    return _run(change > 0), _run(change < 0)


def _run(holds: np.ndarray) -> FloatArray:
    place = np.arange(len(holds), dtype=np.float64)
    ended = np.maximum.accumulate(np.where(holds, -np.inf, place))  # the first bar ends every run: nothing is before it
    return only_where(place > 0, np.minimum(place - ended, LONGEST_RUN))


def bar_return(close: FloatArray) -> FloatArray:
    """The change of the close from the one before, in percent; NaN where that was zero."""
    return only_where(before(close, 1) != 0, ta_lib.ROC(close, 1))
