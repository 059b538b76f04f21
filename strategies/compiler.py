"""From a rule document to its evaluator: bars in, a verdict for every bar out. No memory, no clock.

The same bars give the same rows, live and in a backtest; a row depends on nothing after it. Live reads the last row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import isfinite

import numpy as np
import numpy.typing as npt

from markets.bars import Bars, FloatArray
from strategies.catalog import INDICATORS
from strategies.conditions import (
    AllOf,
    AnyOf,
    Change,
    ColumnOperand,
    Compare,
    Condition,
    Cross,
    IndicatorOperand,
    Level,
    Operand,
    Operator,
    ParamOperand,
    Series,
    Was,
    operands,
    placed_members,
)
from strategies.document import IndicatorSpec, RuleDocument
from strategies.indicators import Frame, IndicatorCall, before, highest, lowest
from strategies.rows import ConditionRow, EntryRow, Row
from strategies.shape import known

BoolArray = npt.NDArray[np.bool_]
Values = FloatArray | float

LEAST_WARM_UP = 250  # bars, however short the indicators are


@dataclass(frozen=True, slots=True, eq=False)
class ConditionRows:
    """One condition on every bar: arrays of shape (n,), `threshold` a single number where it is one."""

    path: str
    condition: Condition
    value: Values
    threshold: Values
    passed: BoolArray
    extreme: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a rule says about every bar, oldest first: arrays of shape (n,), one per entry and one for the exit."""

    document: RuleDocument
    bars: Bars
    entries: tuple[BoolArray, ...]
    exit: BoolArray
    conditions: tuple[ConditionRows, ...]

    def row(self, index: int = -1) -> Row:
        """The bar at `index` as plain data, by default the last. Raises IndexError where there is no such bar."""
        steps = zip(self.document.entries, self.entries, strict=True)
        return Row(
            closed_at=int(self.bars.closed_at[index]),
            close=float(self.bars.close[index]),
            entries=tuple(EntryRow(name=entry.name, passed=bool(passed[index])) for entry, passed in steps),
            exit=bool(self.exit[index]),
            conditions=tuple(self._condition_row(each, index) for each in self.conditions),
        )

    def _condition_row(self, rows: ConditionRows, index: int) -> ConditionRow:
        value, threshold = _figure(rows.value, index), _figure(rows.threshold, index)
        aliases = [side.indicator for _, side in operands(rows.condition) if isinstance(side, IndicatorOperand)]
        return ConditionRow(
            path=rows.path,
            label=rows.condition.label or rows.path,
            condition=rows.condition,
            indicators={alias: self.document.indicators[alias] for alias in aliases},
            value=value,
            threshold=threshold,
            distance=None if value is None or threshold is None else value - threshold,
            extreme=None if rows.extreme is None else _figure(rows.extreme, index),
            passed=bool(rows.passed[index]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evaluator:
    """A compiled document.

    `warm_up` is how many bars the last row needs, its own included, to be within 1e-9 of one with endless history.
    Earlier rows are computed too, from what there is, and false where that is not enough.
    """

    document: RuleDocument
    warm_up: int
    calls: Mapping[str, IndicatorCall]

    def evaluate(self, bars: Bars, frame: Frame | None = None) -> Evaluation:
        """The rule on every bar; a `frame` of these bars shares indicators among documents. Raises BarsInvalid."""
        frame = frame or Frame(bars)
        if frame.bars is not bars:
            raise ValueError("the frame belongs to other bars")
        leaves: list[ConditionRows] = []
        verdicts = [self._group(group, path, frame, leaves) for path, group in self.document.groups()]
        return Evaluation(self.document, bars, tuple(verdicts[:-1]), verdicts[-1], tuple(leaves))

    def _group(self, group: AllOf | AnyOf, path: str, frame: Frame, leaves: list[ConditionRows]) -> BoolArray:
        join = np.logical_and if isinstance(group, AllOf) else np.logical_or
        verdicts = []
        for place, member in placed_members(group, path):
            if isinstance(member, AllOf | AnyOf):
                verdicts.append(self._group(member, place, frame, leaves))
            else:
                leaves.append(self._condition(member, place, frame))
                verdicts.append(leaves[-1].passed)
        return reduce(join, verdicts)

    def _condition(self, condition: Condition, path: str, frame: Frame) -> ConditionRows:
        match condition:
            case Compare():
                left, right = self._values(condition.left, frame), self._values(condition.right, frame)
                return ConditionRows(path, condition, left, right, _compared(left, condition.op, right))
            case Cross():
                left, right = self._values(condition.left, frame), self._values(condition.right, frame)
                return ConditionRows(path, condition, left, right, _crossed(left, right, condition.kind))
            case Was():
                series, threshold = self._series(condition.series, frame), _level(condition.threshold)
                extreme, passed = _was(series, threshold, condition)
                return ConditionRows(path, condition, series, threshold, passed, extreme)
            case Change():
                moved = _moved(self._series(condition.series, frame), condition, frame)
                threshold = _level(condition.threshold)
                return ConditionRows(path, condition, moved, threshold, _compared(moved, condition.op, threshold))

    def _values(self, operand: Operand, frame: Frame) -> Values:
        if isinstance(operand, ColumnOperand | IndicatorOperand):
            return self._series(operand, frame)
        return _level(operand)

    def _series(self, operand: Series, frame: Frame) -> FloatArray:
        if isinstance(operand, ColumnOperand):
            values = frame.column(operand.column)
        else:
            values = frame.indicator(self.calls[operand.indicator], operand.output)
        values = before(values, operand.ago)
        scale, offset = known(operand.scale), known(operand.offset)
        return values if (scale, offset) == (1, 0) else values * scale + offset


def compile_document(document: RuleDocument, parameters: Mapping[str, float] | None = None) -> Evaluator:
    """The document's evaluator, `parameters` in place of their defaults. Raises DocumentInvalid for unusable ones."""
    bound = document.bind(parameters)
    calls = {alias: _call(spec) for alias, spec in bound.indicators.items()}
    longest = max(_bars_needed(condition, calls) for _, condition in bound.conditions())
    return Evaluator(bound, max(LEAST_WARM_UP, longest), calls)


def _call(spec: IndicatorSpec) -> IndicatorCall:
    return IndicatorCall(spec.kind, spec.source, tuple(sorted((name, known(n)) for name, n in spec.params.items())))


def _bars_needed(condition: Condition, calls: Mapping[str, IndicatorCall]) -> int:
    history = max(_history(operand, calls) for _, operand in operands(condition))
    match condition:
        case Compare():
            return history
        case Cross():
            return history + 1
        case Was():
            return history + int(known(condition.bars)) - 1
        case Change():
            return history + int(known(condition.bars))


def _history(operand: object, calls: Mapping[str, IndicatorCall]) -> int:
    match operand:
        case IndicatorOperand():
            call = calls[operand.indicator]
            return INDICATORS[call.kind].warm_up(dict(call.params)) + operand.ago
        case ColumnOperand():
            return 1 + operand.ago
        case _:
            return 1


def _level(operand: Level) -> float:
    if isinstance(operand, ParamOperand):
        raise TypeError(f"parameter {operand.param} has not been bound")
    return operand.number


def _compared(left: Values, op: Operator, right: Values) -> BoolArray:
    compare = {"gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal}[op]
    passed: BoolArray = compare(left, right)  # NaN compares false
    return passed


def _crossed(left: Values, right: Values, kind: str) -> BoolArray:
    if kind == "cross_below":
        left, right = right, left
    return np.asarray((left > right) & (_earlier(left) <= _earlier(right)))


def _was(series: FloatArray, threshold: float, condition: Was) -> tuple[FloatArray, BoolArray]:
    """The extreme of each window, and where it lay beyond the threshold that the series is back across now."""
    bars = int(known(condition.bars))
    if condition.kind == "was_below_within":
        extreme = lowest(series, bars)
        return extreme, (extreme < threshold) & (series > threshold)
    extreme = highest(series, bars)
    return extreme, (extreme > threshold) & (series < threshold)


def _earlier(values: Values) -> Values:
    return before(values, 1) if isinstance(values, np.ndarray) else values


def _moved(values: FloatArray, condition: Change, frame: Frame) -> FloatArray:
    """The change over the condition's bars; NaN where there was no volume to measure it by."""
    bars = int(known(condition.bars))
    change = values - before(values, bars)
    if condition.unit == "raw":
        return change
    volume = frame.indicator(IndicatorCall("sma", "volume", (("period", bars),)))
    scaled: FloatArray = np.divide(change, volume, out=np.full(len(change), np.nan), where=volume > 0)
    return scaled


def _figure(values: Values, index: int) -> float | None:
    number = float(values[index]) if isinstance(values, np.ndarray) else float(values)
    return number if isfinite(number) else None
