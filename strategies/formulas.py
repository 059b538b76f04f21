"""The kinds of conditions: which figures each one looks at, and what it makes of them.

A formula is written once. It compares, subtracts and joins by operators that mean the same of two numbers and of two arrays,
so one bar and the whole series cannot part ways. NaN compares false: a condition never passes on a figure that is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any, assert_never

import numpy as np

from strategies.conditions import (
    AllOf,
    AnyOf,
    Between,
    Candle,
    Change,
    ColumnOperand,
    Compare,
    Condition,
    Cross,
    IndicatorOperand,
    NumberOperand,
    Operand,
    ParamOperand,
    StopLevel,
    Was,
)
from strategies.document import IndicatorSpec
from strategies.figures import AboveZero, Figure, Furthest, Line, Number, Pattern, the
from strategies.indicators import Frame, IndicatorCall
from strategies.logic import Holds, Tell, Told
from strategies.shape import known


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """A condition ready to be asked: its figures, and what it tells of their values. One object for each meaning (`the`).

    Formulas that differ in figures alone have one `tell`.
    """

    figures: tuple[Figure, ...]
    tell: Tell
    whole: Callable[[Frame], Told] | None = None  # what `tell` says of every bar, where there is a shorter way to it

    @property
    def history(self) -> int:
        """How many bars the condition needs, its own included."""
        return max(figure.history for figure in self.figures)

    def series(self, frame: Frame) -> Told:
        if self.whole is not None:
            return self.whole(frame)
        return self.tell(*[figure.series(frame) for figure in self.figures])


def _is_unequal(left: Any, right: Any) -> Any:
    return (left < right) | (left > right)  # a figure that is missing is not unequal


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    **{"gt": gt, "ge": ge, "lt": lt, "le": le, "eq": eq},
    "ne": _is_unequal,
}
_SIGNALS: Mapping[str, Callable[[Any, Any], Any]] = {"bullish": gt, "bearish": lt, "detected": ne}


def compared(op: str, left: Figure, right: Figure) -> Formula:
    """Where `left` stands to `right` as `op` says; equality is exact."""
    return Formula((left, right), the(_comparing, op))


def _comparing(op: str) -> Tell:
    stands = _OPERATORS[op]

    def tell(value: Any, threshold: Any) -> Told:
        return value, threshold, stands(value, threshold), None, None

    return tell


def crossed(is_above: bool, left: Figure, right: Figure, left_before: Figure, right_before: Figure) -> Formula:
    """Where `left` goes from at or below `right` to above it, or the mirror image: all four figures are needed."""
    beyond, not_yet = _WAYS[is_above]

    def whole(frame: Frame) -> Told:
        """Where each figure was a bar earlier is where the series stand a place before: nothing is copied."""
        value, threshold = left.series(frame), right.series(frame)
        passed = np.zeros(len(frame.bars), dtype=np.bool_)
        now, then = beyond(value, threshold), not_yet(value, threshold)
        if np.ndim(now):
            np.logical_and(now[1:], then[:-1], out=passed[1:])
        return value, threshold, passed, None, None

    return Formula((left, right, left_before, right_before), the(_crossing, is_above), whole)


_WAYS: Mapping[bool, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {True: (gt, le), False: (lt, ge)}


def _crossing(is_above: bool) -> Tell:
    beyond, not_yet = _WAYS[is_above]

    def tell(value: Any, threshold: Any, value_before: Any, threshold_before: Any) -> Told:
        return value, threshold, beyond(value, threshold) & not_yet(value_before, threshold_before), None, None

    return tell


def visited(is_below: bool, bars: int, line: Line, level: Figure) -> Formula:
    """Where `line` was below `level` within `bars` bars and is above it now, or the mirror image.

    Where the level moves, it is the distance from it that was below zero, and that the extreme is of.
    """
    moves = isinstance(level, Line)
    furthest = the(Furthest, line, bars, is_below, level) if moves else the(Furthest, line, bars, is_below)
    return Formula((line, level, furthest), the(_visiting, is_below, moves))


def _visiting(is_below: bool, moves: bool) -> Tell:
    beyond, back = (lt, gt) if is_below else (gt, lt)

    def fixed(value: Any, threshold: Any, extreme: Any) -> Told:
        return value, threshold, beyond(extreme, threshold) & back(value, threshold), extreme, None

    def moving(value: Any, threshold: Any, extreme: Any) -> Told:
        return value, threshold, beyond(extreme, 0) & back(value - threshold, 0), extreme, None

    return moving if moves else fixed


def enclosed(line: Line, low: Figure, high: Figure) -> Formula:
    """Where `line` lies between the edges, both counted."""
    return Formula((line, low, high), _enclosing)


def _enclosing(value: Any, lower: Any, upper: Any) -> Told:
    return value, lower, (value >= lower) & (value <= upper), None, upper


def moved(op: str, now: Line, then: Line, threshold: Figure, usual: Figure | None) -> Formula:
    """Where the change from `then` to `now`, in units of `usual` where given, stands to the threshold as `op` says."""
    figures = (now, then, threshold) if usual is None else (now, then, threshold, usual)
    return Formula(figures, the(_moving, op, usual is not None))


def _moving(op: str, is_scaled: bool) -> Tell:
    stands = _OPERATORS[op]

    def raw(value: Any, before: Any, limit: Any) -> Told:
        change = value - before
        return change, limit, stands(change, limit), None, None

    def scaled(value: Any, before: Any, limit: Any, unit: Any) -> Told:
        change = (value - before) / unit
        return change, limit, stands(change, limit), None, None

    return scaled if is_scaled else raw


def drawn(pattern: str, signal: str) -> Formula:
    """Where the candlestick pattern ends, as a rising one, a falling one or either."""
    return Formula((the(Pattern, pattern), the(Number, 0.0)), the(_drawing, signal))


def _drawing(signal: str) -> Tell:
    stands = _SIGNALS[signal]

    def tell(found: Any, nothing: Any) -> Told:
        return found, nothing, stands(found, nothing), None, None

    return tell


class Formulas:
    """The conditions of one document as formulas, those that say the same once."""

    def __init__(self, indicators: Mapping[str, IndicatorSpec]) -> None:
        self.calls = {alias: call_of(spec) for alias, spec in indicators.items()}
        self._numbers: dict[Formula, int] = {}
        self._told: dict[int, int] = {}  # by the identity of a condition, which its document keeps

    @property
    def all(self) -> tuple[Formula, ...]:
        return tuple(self._numbers)

    def number(self, condition: Condition) -> int:
        """Where the condition stands among all."""
        known = self._told.get(id(condition))
        if known is None:
            known = self._numbers.setdefault(self.formula(condition), len(self._numbers))
            self._told[id(condition)] = known
        return known

    def holds(self, group: AllOf | AnyOf) -> Holds:
        """Whether the group holds, given what its conditions, and those of all others, said."""
        numbers = tuple(self.number(each) for each in group.members if not isinstance(each, AllOf | AnyOf))
        groups = tuple(self.holds(each) for each in group.members if isinstance(each, AllOf | AnyOf))
        return the(Holds, and_ if isinstance(group, AllOf) else or_, numbers, groups)

    def level(self, stop: StopLevel) -> Figure:
        """Where an order waits, or how far above the next open; NaN: nowhere, for want of a price or a distance above zero."""
        return the(AboveZero, self._line(stop.level))

    def formula(self, condition: Condition) -> Formula:
        """What the condition asks; its label changes nothing in that."""
        line, figure = self._line, self._figure
        match condition:
            case Compare():
                return the(compared, condition.op, figure(condition.left), figure(condition.right))
            case Cross():
                sides = condition.left, condition.right
                earlier = (figure(side, earlier=1) for side in sides)
                return the(crossed, condition.kind == "cross_above", *map(figure, sides), *earlier)
            case Was():
                is_below, bars = condition.kind == "was_below_within", int(known(condition.bars))
                return the(visited, is_below, bars, line(condition.series), figure(condition.threshold))
            case Between():
                return the(enclosed, line(condition.series), figure(condition.low), figure(condition.high))
            case Change():
                return self._change(condition, int(known(condition.bars)))
            case Candle():
                return the(drawn, condition.pattern, condition.signal)
            case _:
                assert_never(condition)

    def _change(self, condition: Change, bars: int) -> Formula:
        usual = None
        if condition.unit == "average_volume":
            usual = the(AboveZero, the(Line, the(IndicatorCall, "sma", "volume", (("period", bars),)), "value"))
        now, then = self._line(condition.series), self._line(condition.series, bars)
        return the(moved, condition.op, now, then, self._figure(condition.threshold), usual)

    def _figure(self, operand: Operand, earlier: int = 0) -> Figure:
        match operand:
            case NumberOperand():
                return the(Number, float(operand.number))
            case ParamOperand():
                raise TypeError(f"parameter {operand.param} has not been bound")
            case _:
                return self._line(operand, earlier)

    def _line(self, operand: ColumnOperand | IndicatorOperand, earlier: int = 0) -> Line:
        shift = operand.ago + earlier, known(operand.scale), known(operand.offset)
        if isinstance(operand, ColumnOperand):
            return the(Line, operand.column, "", *shift)
        return the(Line, self.calls[operand.indicator], operand.output, *shift)


def call_of(spec: IndicatorSpec) -> IndicatorCall:
    """The indicator with its numbers, of a document whose parameters have been bound."""
    return the(
        IndicatorCall, spec.kind, spec.source, tuple(sorted((name, known(n)) for name, n in spec.params.items()))
    )
