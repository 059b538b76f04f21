"""The kinds of conditions: which figures each one looks at, and what it makes of them.

A formula is written once. It compares, subtracts and joins by operators that mean the same of two numbers and of two arrays,
so one bar and the whole series cannot part ways. NaN compares false: a condition never passes on a figure that is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, eq, ge, gt, itemgetter, le, lt, ne, or_
from typing import Any, assert_never

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
from strategies.figures import AboveZero, Figure, Furthest, Line, Number, Pattern, Sight, the
from strategies.indicators import Frame, IndicatorCall
from strategies.shape import known

# Value, threshold, passed, extreme, upper edge, as `rows.ConditionRow` names them: numbers, or arrays of shape (n,).
# None: this kind of condition has no such figure.
Told = tuple[Any, Any, Any, Any, Any]
PASSED = 2
Test = Callable[[Sequence[Any]], Any]  # what a group makes of the verdicts of all conditions, by their numbers


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """A condition ready to be asked: its figures, and what it tells of their values."""

    figures: tuple[Figure, ...]
    tell: Callable[..., Told]
    read: Callable[[Sight], Sequence[float]]

    @classmethod
    def of(cls, tell: Callable[..., Told], *figures: Figure) -> "Formula":
        """`figures`: two at the least."""
        return cls(figures, tell, itemgetter(*figures))

    @property
    def history(self) -> int:
        """How many bars the condition needs, its own included."""
        return max(figure.history for figure in self.figures)

    def series(self, frame: Frame) -> Told:
        return self.tell(*[figure.series(frame) for figure in self.figures])

    def at(self, sight: Sight) -> Told:
        return self.tell(*self.read(sight))


def _is_unequal(left: Any, right: Any) -> Any:
    return (left < right) | (left > right)  # a figure that is missing is not unequal


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    **{"gt": gt, "ge": ge, "lt": lt, "le": le, "eq": eq},
    "ne": _is_unequal,
}


class Formulas:
    """The conditions of one document as formulas, those that say the same but for their label once."""

    def __init__(self, indicators: Mapping[str, IndicatorSpec]) -> None:
        self.calls = {alias: call_of(spec) for alias, spec in indicators.items()}
        self.formulas: list[Formula] = []
        self._numbers: dict[Condition, int] = {}

    def number(self, condition: Condition) -> int:
        """Where the condition stands in `formulas`."""
        meant = condition.model_copy(update={"label": ""}) if condition.label else condition
        if meant not in self._numbers:
            self._numbers[meant] = len(self.formulas)
            self.formulas.append(self._formula(meant))
        return self._numbers[meant]

    def test(self, group: AllOf | AnyOf) -> Test:
        """Whether the group holds, given what its conditions, and those of all others, said."""
        join = and_ if isinstance(group, AllOf) else or_
        numbers = [self.number(each) for each in group.members if not isinstance(each, AllOf | AnyOf)]
        groups = [self.test(each) for each in group.members if isinstance(each, AllOf | AnyOf)]
        if not groups and len(numbers) > 1:
            pick = itemgetter(*numbers)
            return lambda passed: reduce(join, pick(passed))
        return lambda passed: reduce(join, [passed[n] for n in numbers] + [test(passed) for test in groups])

    def level(self, stop: StopLevel) -> Figure:
        """Where an order waits, or how far above the next open; NaN: nowhere, for want of a price or a distance above zero."""
        return the(AboveZero, self._line(stop.level))

    def _formula(self, condition: Condition) -> Formula:
        match condition:
            case Compare():
                return self._compare(condition)
            case Cross():
                return self._cross(condition)
            case Was():
                return self._was(condition)
            case Between():
                return self._between(condition)
            case Change():
                return self._change(condition)
            case Candle():
                return _candle(condition)
            case _:
                assert_never(condition)

    def _compare(self, condition: Compare) -> Formula:
        stands = OPERATORS[condition.op]

        def tell(left: Any, right: Any) -> Told:
            return left, right, stands(left, right), None, None

        return Formula.of(tell, self._figure(condition.left), self._figure(condition.right))

    def _cross(self, condition: Cross) -> Formula:
        beyond, not_yet = (gt, le) if condition.kind == "cross_above" else (lt, ge)

        def tell(left: Any, right: Any, left_before: Any, right_before: Any) -> Told:
            return left, right, beyond(left, right) & not_yet(left_before, right_before), None, None

        sides = condition.left, condition.right
        return Formula.of(tell, *map(self._figure, sides), *(self._figure(side, earlier=1) for side in sides))

    def _was(self, condition: Was) -> Formula:
        below = condition.kind == "was_below_within"
        beyond, back = (lt, gt) if below else (gt, lt)
        line, level = self._line(condition.series), self._figure(condition.threshold)
        is_fixed = isinstance(level, Number)
        furthest = the(Furthest, line, int(known(condition.bars)), below, None if is_fixed else level)

        def fixed(value: Any, threshold: Any, extreme: Any) -> Told:
            return value, threshold, beyond(extreme, threshold) & back(value, threshold), extreme, None

        def moving(value: Any, threshold: Any, extreme: Any) -> Told:
            return value, threshold, beyond(extreme, 0) & back(value - threshold, 0), extreme, None

        return Formula.of(fixed if is_fixed else moving, line, level, furthest)

    def _between(self, condition: Between) -> Formula:
        def tell(value: Any, low: Any, high: Any) -> Told:
            return value, low, (value >= low) & (value <= high), None, high

        return Formula.of(tell, self._line(condition.series), self._figure(condition.low), self._figure(condition.high))

    def _change(self, condition: Change) -> Formula:
        stands, bars = OPERATORS[condition.op], int(known(condition.bars))

        def raw(now: Any, then: Any, threshold: Any) -> Told:
            moved = now - then
            return moved, threshold, stands(moved, threshold), None, None

        def scaled(now: Any, then: Any, threshold: Any, usual: Any) -> Told:
            moved = (now - then) / usual
            return moved, threshold, stands(moved, threshold), None, None

        line = self._line(condition.series)
        figures = line, self._line(condition.series, bars), self._figure(condition.threshold)
        if condition.unit == "raw":
            return Formula.of(raw, *figures)
        usual = IndicatorCall("sma", "volume", (("period", bars),))
        return Formula.of(scaled, *figures, the(AboveZero, the(Line, usual, "value")))

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


_SIGNALS: Mapping[str, Callable[[Any, Any], Any]] = {"bullish": gt, "bearish": lt, "detected": ne}


def _candle(condition: Candle) -> Formula:
    stands = _SIGNALS[condition.signal]

    def tell(found: Any, nothing: Any) -> Told:
        return found, nothing, stands(found, nothing), None, None

    return Formula.of(tell, the(Pattern, condition.pattern), the(Number, 0.0))


def call_of(spec: IndicatorSpec) -> IndicatorCall:
    """The indicator with its numbers, of a document whose parameters have been bound."""
    return the(
        IndicatorCall, spec.kind, spec.source, tuple(sorted((name, known(n)) for name, n in spec.params.items()))
    )
