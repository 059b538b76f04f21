"""What a rule looks at: figures. Each says, side by side, what it is on every bar and what it is on one.

A backtest and a chart ask for the series; an hourly run asks thousands of rules about one bar each, where an array for each
condition of each rule would be nearly all the time there is. Everything above figures (`formulas`, `logic`) is written once
and means the same of a series' values as of those of many bars.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from math import nan
from typing import Any, Protocol, TypeVar

import numpy as np

from markets.bars import FloatArray
from strategies.candles import PATTERN_BARS
from strategies.indicators import Frame, IndicatorCall, before, highest, lowest

Values = FloatArray | float


class Figure(Protocol):
    """A value on every bar, NaN where it does not exist. What it says of one bar is what its series says there, bit by bit."""

    def __hash__(self) -> int: ...

    @property
    def history(self) -> int:
        """How many bars a settled value needs, its own included."""

    def series(self, frame: Frame) -> Values:
        """The figure on every bar: an array of shape (n,), or one number that is the same on all of them."""

    def at(self, sight: "Sight") -> float:
        """The figure on one bar."""


class Sight(dict[Figure, float]):
    """One bar of a frame. A figure is looked up once, whichever rule asks, and so is what is said of a condition (`words`).

    Raises IndexError where there is no such bar.
    """

    __slots__ = ("close", "closed_at", "frame", "index", "words")

    def __init__(self, frame: Frame, index: int = -1) -> None:
        super().__init__()
        self.frame, self.index = frame, range(len(frame.bars))[index]
        self.closed_at, self.close = int(frame.bars.closed_at[index]), float(frame.bars.close[index])
        self.words: dict[Hashable, str] = {}

    def __missing__(self, figure: Figure) -> float:
        value = self[figure] = figure.at(self)
        return value


Kind = TypeVar("Kind")


def the(kind: Callable[..., Kind], *parts: Hashable) -> Kind:
    """The one thing of this meaning in the process, so that whoever asks for it finds what was looked up before."""
    made: Kind = _the(kind, parts)
    return made


@lru_cache(maxsize=65_536)
def _the(kind: Callable[..., Any], parts: tuple[Hashable, ...]) -> Any:
    return kind(*parts)


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """The same on every bar."""

    value: float

    @property
    def history(self) -> int:
        return 1

    def series(self, frame: Frame) -> float:
        return self.value

    def at(self, sight: Sight) -> float:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A bar's column or an indicator's output: that of `ago` bars earlier, times `scale`, plus `offset`."""

    source: str | IndicatorCall
    output: str = ""
    ago: int = 0
    scale: float = 1
    offset: float = 0

    @property
    def history(self) -> int:
        return (1 if isinstance(self.source, str) else self.source.history) + self.ago

    def series(self, frame: Frame) -> FloatArray:
        return self._moved(before(self._array(frame), self.ago))

    def window(self, frame: Frame, first: int, stop: int) -> FloatArray:
        """The figure on the bars from `first` until before `stop`."""
        if first < self.ago:
            return self.series(frame)[first:stop]
        return self._moved(self._array(frame)[first - self.ago : stop - self.ago])

    def at(self, sight: Sight) -> float:
        place = sight.index - self.ago
        if place < 0:
            return nan
        source, frame = self.source, sight.frame
        array = frame.column(source) if isinstance(source, str) else frame.indicator(source, self.output)
        value: float = array.item(place)
        return value if self.scale == 1 and self.offset == 0 else value * self.scale + self.offset

    def _array(self, frame: Frame) -> FloatArray:
        return frame.column(self.source) if isinstance(self.source, str) else frame.indicator(self.source, self.output)

    def _moved(self, values: FloatArray) -> FloatArray:
        return values if self.scale == 1 and self.offset == 0 else values * self.scale + self.offset


@dataclass(frozen=True, slots=True, eq=False)
class AboveZero:
    """A line that means nothing unless it is above zero: a price to wait at, a volume to measure by."""

    line: Line

    @property
    def history(self) -> int:
        return self.line.history

    def series(self, frame: Frame) -> FloatArray:
        values = self.line.series(frame)
        return np.where(values > 0, values, nan)

    def at(self, sight: Sight) -> float:
        value: float = sight[self.line]
        return value if value > 0 else nan


@dataclass(frozen=True, slots=True, eq=False)
class Furthest:
    """The lowest (else the highest) that `line` was in the last `bars` bars, this one counted; NaN where one is missing.

    With a `level` that moves: of the distance from it.
    """

    line: Line
    bars: int
    is_lowest: bool
    level: Line | None = None

    @property
    def history(self) -> int:
        lines = (self.line,) if self.level is None else (self.line, self.level)
        return max(line.history for line in lines) + self.bars - 1

    def series(self, frame: Frame) -> FloatArray:
        values = self.line.series(frame)
        apart = values if self.level is None else values - self.level.series(frame)
        extremes: FloatArray = _unsigned((lowest if self.is_lowest else highest)(apart, self.bars))
        return extremes

    def at(self, sight: Sight) -> float:
        frame, first, stop = sight.frame, sight.index + 1 - self.bars, sight.index + 1
        if first < 0:
            return nan
        values = self.line.window(frame, first, stop)
        apart = values if self.level is None else values - self.level.window(frame, first, stop)
        return float(_unsigned(apart.min() if self.is_lowest else apart.max()))  # NaN, where there is one


def _unsigned(values: Any) -> Any:
    """A zero has no sign: which of two zeros a search comes upon is nobody's business."""
    return values + 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A candlestick pattern: 1 on a bar that completes a rising one, -1 a falling one, else 0."""

    name: str

    @property
    def history(self) -> int:
        return PATTERN_BARS

    def series(self, frame: Frame) -> FloatArray:
        return frame.candle(self.name)

    def at(self, sight: Sight) -> float:
        return float(sight.frame.candle(self.name)[sight.index])
