"""Which bars need a look: everything between them is arrays. A bar found here may come to nothing; none is missed."""

from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property

import numpy as np

from markets.bars import FloatArray, IntArray
from strategies.evaluation import BoolArray, Evaluation

FIRST_STRETCH = 64  # bars looked at in one go, doubled as long as nothing is found
# Levels are Decimal where they decide; here they are float64, widened so that rounding hides no bar.
WIDER = 1e-9

NOWHERE: IntArray = np.empty(0, dtype=np.int64)

Touched = Callable[[int, int], BoolArray]


class Moments:
    """The bars of an evaluation that ask for something, by what they ask: `first` and `second` to buy, `exits` to sell."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.exits: IntArray = np.flatnonzero(evaluation.exit)
        self.first: IntArray = _buys(evaluation, 0)
        self.second: IntArray = _buys(evaluation, 1) if len(evaluation.entries) > 1 else NOWHERE

    def first_buy(self, since: int, end: int) -> int:
        """The next bar at or after `since` that may ask for the first buy; `end` where there is none."""
        return _next(self._firsts, since, end)

    def while_held(self, since: int, end: int, *, second: bool) -> int:
        """The next bar on which the rule sells or, where `second`, buys more."""
        sells = _next(self._sells, since, end)
        return min(sells, _next(self._seconds, since, sells)) if second else sells

    # The same as lists, for who asks of one bar after the other

    @cached_property
    def _firsts(self) -> list[int]:
        return list(self.first.tolist())

    @cached_property
    def _seconds(self) -> list[int]:
        return list(self.second.tolist())

    @cached_property
    def _sells(self) -> list[int]:
        return list(self.exits.tolist())


def first_touch(touched: Touched, start: int, end: int) -> int:
    """The first bar in [start, end) for which `touched(from, to)` is true; `end` where there is none."""
    stretch = FIRST_STRETCH
    while start < end:
        stop = min(start + stretch, end)
        found = touched(start, stop)
        place = int(found.argmax())
        if found[place]:
            return start + place
        start, stretch = stop, stretch * 2
    return end


def at_or_below(values: FloatArray, level: float) -> Touched:
    bound = level * (1 + WIDER)
    return lambda start, stop: values[start:stop] <= bound


def at_or_above(values: FloatArray, level: float) -> Touched:
    bound = level * (1 - WIDER)
    return lambda start, stop: values[start:stop] >= bound


class Falling:
    """Whether `values` fell by `rate` from the highest close of bars `held_since` on, `lag` bars before counted last."""

    def __init__(self, values: FloatArray, close: FloatArray, held_since: int, rate: float, lag: int) -> None:
        self._values, self._close, self._lag = values, close, lag
        self._kept = (1 - rate) * (1 + WIDER)
        self._known, self._highest = held_since, -np.inf

    def __call__(self, start: int, stop: int) -> BoolArray:
        """Asked of stretches in order: what was seen before is remembered as its highest close."""
        known_to = max(start - self._lag, self._known)
        if known_to > self._known:
            self._highest = max(self._highest, float(self._close[self._known : known_to].max()))
            self._known = known_to
        closes = np.full(stop - start, -np.inf)
        last = max(stop - self._lag, known_to)
        if last > known_to:
            closes[len(closes) - (last - known_to) :] = self._close[known_to:last]
        highest = np.maximum(np.maximum.accumulate(closes), self._highest)
        return self._values[start:stop] <= highest * self._kept


def _buys(evaluation: Evaluation, entry: int) -> IntArray:
    """The bars that ask for an entry and not for the exit; of one that waits at a price inside the next bar, only those
    whose next one gets there."""
    places = np.flatnonzero(evaluation.entries[entry])
    places = places[~evaluation.exit[places]]
    prices = evaluation.stop_prices(entry)
    if prices is None:
        return places
    places = places[places < len(prices) - 1]
    return places[evaluation.bars.high[places + 1] >= prices[places + 1] * (1 - WIDER)]


def _next(places: list[int], since: int, end: int) -> int:
    at = bisect_left(places, since)
    return min(places[at], end) if at < len(places) else end
