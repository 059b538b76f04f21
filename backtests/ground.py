"""What all runs over the same bars share: that they are a market at all, their indicators, their hash, their days."""

from functools import cached_property

import numpy as np

from backtests.bars import check_bars, inputs_hash
from backtests.venue import DAY_SECONDS, SEOUL_SECONDS
from markets.bars import Bars, IntArray
from strategies.indicators import Frame


class Ground:
    """Bars that runs stand on. Raises BarsRefused, strategies.errors.BarsInvalid."""

    def __init__(self, bars: Bars) -> None:
        check_bars(bars)
        self.bars = bars

    @cached_property
    def frame(self) -> Frame:
        return Frame(self.bars)

    @cached_property
    def bars_hash(self) -> str:
        return inputs_hash(self.bars)

    @cached_property
    def days(self) -> "Days":
        return Days.of(self.bars.closed_at)


class Days:
    """Where the Korean days and months of some bars end: the places of the last bar of each."""

    def __init__(self, days: IntArray, months: IntArray) -> None:
        self.days, self.months = days, months

    @classmethod
    def of(cls, closed_at: IntArray) -> "Days":
        days = _lasts(day_numbers(closed_at))
        months = day_numbers(closed_at[days]).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return cls(days, days[_lasts(months)])

    def since(self, first: int) -> "Days":
        """The same of the bars from `first` on."""
        return Days(*(places[np.searchsorted(places, first) :] - first for places in (self.days, self.months)))


def day_numbers(closed_at: IntArray) -> IntArray:
    """The Korean day of each bar, counted from 1970; one that closes at midnight belongs to the day it ends."""
    return (closed_at + (SEOUL_SECONDS - 1)) // DAY_SECONDS


def _lasts(numbers: IntArray) -> IntArray:
    return np.append(np.flatnonzero(numbers[1:] != numbers[:-1]), len(numbers) - 1)
