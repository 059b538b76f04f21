"""Which bars decide, cycle after cycle, when every order fills whole in the bar after it. From the rule's arrays alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backtests.moments import Moments
from markets.bars import IntArray
from strategies.evaluation import BoolArray

NEVER = 2**62  # a bar after all others
FIRST, SECOND, SALE = 1, 2, 3  # the steps, as `plan.STEPS` numbers them


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Decisions in order, each of shape (n,): the bar decided on, and the step it takes."""

    bars: IntArray
    steps: IntArray

    def __len__(self) -> int:
        return len(self.bars)


NOTHING = Legs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


class Cycles:
    """The cycles of one rule over `count` bars. `wait`: bars from a sale's fill to the first that may buy again.

    Where the next cycle begins depends on nothing but where this one does. So for each bar that may buy (or for each that
    sells, where those are fewer) the next one is looked up once, all in one go; a walk then goes from one to the next. Where
    every buy is followed by a sale before the next one, as of lines that cross, there is nothing to walk.
    """

    def __init__(self, moments: Moments, count: int, wait: int, *, repeat: bool) -> None:
        self._firsts = moments.first[moments.first < count - 1]  # an order needs a bar to fill in
        self._seconds = moments.second[moments.second < count - 1]
        self._sells = moments.exits[moments.exits < count - 1]
        self._sold = np.append(self._sells, NEVER)  # and never, where nothing sells
        self._steps = (FIRST, SECOND, SALE) if len(self._seconds) else (FIRST, SALE)
        self._wait, self._repeat = wait, repeat
        self._by_buys = len(self._firsts) <= len(self._sells)
        self._next_buys, self._next_sales = self._linked()
        self._is_straight = self._by_buys and bool((self._next_buys == np.arange(1, len(self._firsts) + 1)).all())

    def legs(self, bar: int, cycles: int) -> Legs:
        """The decisions of the next cycles that begin at `bar` or after it; the last one may stay open."""
        first = int(self._firsts.searchsorted(bar))
        if first == len(self._firsts):
            return NOTHING
        buys, sales = self._walked(first, cycles)
        bought, sold = self._firsts[buys], self._sold[sales]
        decided = np.empty((len(buys), len(self._steps)), dtype=np.int64)
        decided[:, 0], decided[:, -1] = bought, sold
        if len(self._seconds):
            more = np.append(self._seconds, NEVER)[self._seconds.searchsorted(bought + 1)]
            decided[:, 1] = np.where(more < sold, more, NEVER)
        steps = np.empty_like(decided)
        steps[:] = self._steps
        happen: BoolArray = decided < NEVER
        return Legs(decided[happen], steps[happen])

    def _linked(self) -> tuple[IntArray, IntArray]:
        """For each buy (or each sale) the place of the next buy, and of the sale that ends what is bought."""
        firsts, sells = self._firsts, self._sells
        if self._by_buys:
            sales = sells.searchsorted(firsts, side="right")
            begins = self._sold[sales] + (1 + self._wait)
            return firsts.searchsorted(begins), sales
        buys = firsts.searchsorted(sells + 1 + self._wait)
        return buys, sells.searchsorted(np.append(firsts, NEVER)[buys], side="right")

    def _walked(self, buy: int, cycles: int) -> tuple[IntArray, IntArray]:
        """From the buy at this place on: the places of each cycle's buy and sale."""
        if self._is_straight:
            end = min(buy + (cycles if self._repeat else 1), len(self._firsts))
            return np.arange(buy, end), self._next_sales[buy:end]
        buys, sales = self._stepped(buy, cycles)
        return np.array(buys), np.array(sales)

    @cached_property
    def _steps_on(self) -> tuple[list[int], list[int]]:
        """Both look-ups as lists, for who asks of one place after the other."""
        return self._next_buys.tolist(), self._next_sales.tolist()

    def _stepped(self, buy: int, cycles: int) -> tuple[list[int], list[int]]:
        """The same, from one cycle to the next."""
        buys: list[int] = []
        sales: list[int] = []
        last, open_end = len(self._firsts), len(self._sells)
        next_buys, next_sales = self._steps_on
        sale = -1
        while buy < last and len(buys) < cycles:
            if self._by_buys:
                sale = next_sales[buy]
            elif sale < 0:
                sale = int(self._sells.searchsorted(self._firsts[buy], side="right"))
            buys.append(buy)
            sales.append(sale)
            if sale == open_end or not self._repeat:
                break
            buy, sale = (next_buys[buy], sale) if self._by_buys else (next_buys[sale], next_sales[sale])
        return buys, sales
