"""The figures of one bar: each looked up once in a frame's arrays, whichever rule asks."""

from dataclasses import dataclass
from functools import lru_cache
from math import nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # NumPy and TA-Lib are loaded by the first evaluation
    from markets.bars import FloatArray
    from strategies.indicators import Frame, IndicatorCall


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A figure that rules ask of a bar. One object in a process for each meaning, so that its identity is the key.

    `window`: the lowest or highest of so many bars instead of the value itself.
    """

    column: str
    call: "IndicatorCall | None"
    output: str
    ago: int
    scale: float
    offset: float
    window: tuple[str, int] | None = None

    def array(self, frame: "Frame") -> "FloatArray":
        """The series that `ago`, scale, offset and window are taken of."""
        return frame.column(self.column) if self.call is None else frame.indicator(self.call, self.output)


class Sight(dict[Slot, float]):
    """One bar of a frame: its figures, each looked up once."""

    def __init__(self, frame: "Frame", index: int) -> None:
        super().__init__()
        self.frame, self.index = frame, index
        self.closed_at, self.close = int(frame.bars.closed_at[index]), float(frame.bars.close[index])

    def __missing__(self, slot: Slot) -> float:
        figure = self[slot] = self._extreme(slot) if slot.window else self._value(slot)
        return figure

    def _value(self, slot: Slot) -> float:
        place = self.index - slot.ago
        if place < 0:
            return nan
        value = float(slot.array(self.frame)[place])
        return value if (slot.scale, slot.offset) == (1, 0) else value * slot.scale + slot.offset

    def _extreme(self, slot: Slot) -> float:
        from strategies.indicators import before
        from strategies.verdicts import was_above, was_below

        way, bars = slot.window or ("", 0)
        series = before(slot.array(self.frame), slot.ago)
        series = series if (slot.scale, slot.offset) == (1, 0) else series * slot.scale + slot.offset
        extreme, _passed = (was_below if way == "lowest" else was_above)(series, 0.0, bars)
        return float(extreme[self.index])


slot = lru_cache(maxsize=65_536)(Slot)
