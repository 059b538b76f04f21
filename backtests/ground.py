"""What all runs over the same bars share: that they are a market at all, its books, their indicators, hash and days."""

import hashlib
import json
from dataclasses import asdict
from functools import cached_property
from threading import Thread

import numpy as np

from backtests.bars import check_bars, inputs_hash, prices
from backtests.market import Market
from backtests.setup import Setup
from backtests.venue import DAY_SECONDS, SEOUL_SECONDS
from markets.bars import Bars, IntArray
from markets.types import InstrumentRules
from strategies.indicators import Frame

FEW = 16  # bars of a day, below which looking for midnights among the bars pays no more
MANY = 50_000  # bars whose hash takes longer than a thread to begin


class Ground:
    """Bars that runs stand on. Raises BarsRefused, strategies.errors.BarsInvalid."""

    def __init__(self, bars: Bars) -> None:
        check_bars(bars)
        self.bars = bars
        self._hashing: Thread | None = None
        self._hashed: list[str] = []
        self._inputs: dict[tuple[Setup, InstrumentRules], str] = {}
        self._markets: dict[tuple[Setup, InstrumentRules], Market] = {}
        self._days_since: dict[int, Days] = {}

    @cached_property
    def frame(self) -> Frame:
        return Frame(self.bars, is_checked=all(column.dtype == np.float64 for column in prices(self.bars)))

    @cached_property
    def bars_hash(self) -> str:
        if self._hashing is None:
            return inputs_hash(self.bars)
        self._hashing.join()
        return self._hashed[0]

    def inputs_hash(self, setup: Setup, rules: InstrumentRules) -> str:
        """The sha256 of bars, setup and instrument, in hexadecimal; the runs of a sweep share it."""
        known = self._inputs.get((setup, rules))
        if known is None:
            said = {"setup": setup.as_data(), "instrument": asdict(rules), "bars": self.bars_hash}
            known = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
            self._inputs[setup, rules] = known
        return known

    def hash_beside(self) -> None:
        """Begin to hash many bars beside the run, in a thread of its own; `bars_hash` waits for it."""
        if len(self.bars) >= MANY and self._hashing is None and "bars_hash" not in self.__dict__:
            self._hashing = Thread(target=lambda: self._hashed.append(inputs_hash(self.bars)))
            self._hashing.start()

    def market(self, setup: Setup, rules: InstrumentRules) -> Market:
        """The bars as the market of an instrument, on these terms."""
        known = self._markets.get((setup, rules))
        return known or self._markets.setdefault((setup, rules), Market(rules, self.bars, setup))

    @cached_property
    def days(self) -> "Days":
        return Days.of(self.bars.closed_at)

    def days_since(self, first: int) -> "Days":
        """Those of the bars from `first` on."""
        return self._days_since.get(first) or self._days_since.setdefault(first, self.days.since(first))


class Days:
    """Where the Korean days and months of some bars end: the places of the last bar of each."""

    def __init__(self, days: IntArray, months: IntArray) -> None:
        self.days, self.months = days, months

    @classmethod
    def of(cls, closed_at: IntArray) -> "Days":
        days = _day_ends(closed_at)
        months = day_numbers(closed_at[days]).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return cls(days, days[_lasts(months)])

    def since(self, first: int) -> "Days":
        """The same of the bars from `first` on."""
        return Days(*(places[np.searchsorted(places, first) :] - first for places in (self.days, self.months)))


def _day_ends(closed_at: IntArray) -> IntArray:
    """The place of each day's last bar: the days are looked up among the bars where they are few, else each bar is asked."""
    first, last = day_numbers(closed_at[:1]).item(), day_numbers(closed_at[-1:]).item()
    if (last - first) * FEW > len(closed_at):
        return _lasts(day_numbers(closed_at))
    midnights = np.arange(first + 1, last + 1) * DAY_SECONDS - SEOUL_SECONDS
    ends = np.append(closed_at.searchsorted(midnights, side="right"), len(closed_at)) - 1
    return ends[_lasts(ends)]


def day_numbers(closed_at: IntArray) -> IntArray:
    """The Korean day of each bar, counted from 1970; one that closes at midnight belongs to the day it ends."""
    return (closed_at + (SEOUL_SECONDS - 1)) // DAY_SECONDS


def _lasts(numbers: IntArray) -> IntArray:
    return np.append(np.flatnonzero(numbers[1:] != numbers[:-1]), len(numbers) - 1)
