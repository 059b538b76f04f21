"""From a rule document to its evaluator: bars in, a verdict for every bar out. No memory, no clock.

The same bars give the same rows, live and in a backtest; a row depends on nothing after it. Live reads the last row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from markets.bars import Bars, FloatArray
from strategies import verdicts
from strategies.candle_arrays import candle
from strategies.candles import PATTERN_BARS
from strategies.catalog import INDICATORS
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
    Operand,
    ParamOperand,
    RiskOnly,
    Series,
    StopLevel,
    Was,
    operands,
    placed_members,
)
from strategies.document import IndicatorSpec, RuleDocument
from strategies.evaluation import BoolArray, ConditionRows, Evaluation, Values
from strategies.indicators import Frame, IndicatorCall, before
from strategies.shape import known

__all__ = ["LEAST_WARM_UP", "ConditionRows", "Evaluation", "Evaluator", "compile_document"]

LEAST_WARM_UP = 250  # bars, however short the indicators are


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
        holds = {path: self._group(group, path, frame, leaves) for path, group in self.document.groups()}
        levels = tuple(self._level(entry.stop, frame) for entry in self.document.entries)
        entries = tuple(
            holds[f"entries[{number}].when"] & (True if level is None else ~np.isnan(level))
            for number, level in enumerate(levels)
        )
        sells = np.zeros(len(bars), dtype=np.bool_) if isinstance(self.document.exit, RiskOnly) else holds["exit"]
        return Evaluation(self.document, bars, entries, sells, tuple(leaves), levels)

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
        sides = [self._values(operand, frame) for _, operand in operands(condition)]
        match condition, sides:
            case Compare(), [left, right]:
                return ConditionRows(path, condition, left, right, verdicts.compared(left, condition.op, right))
            case Cross(), [left, right]:
                return ConditionRows(path, condition, left, right, verdicts.crossed(left, right, condition.kind))
            case Was(), [np.ndarray() as series, threshold]:
                was = verdicts.was_below if condition.kind == "was_below_within" else verdicts.was_above
                extreme, passed = was(series, threshold, int(known(condition.bars)))
                return ConditionRows(path, condition, series, threshold, passed, extreme)
            case Between(), [np.ndarray() as series, low, high]:
                return ConditionRows(path, condition, series, low, verdicts.between(series, low, high), upper=high)
            case Change(), [np.ndarray() as series, threshold]:
                moved = self._moved(series, condition, frame)
                passed = verdicts.compared(moved, condition.op, threshold)
                return ConditionRows(path, condition, moved, threshold, passed)
            case Candle(), []:
                found = candle(frame, condition.pattern)
                passed = {"bullish": found > 0, "bearish": found < 0, "detected": np.abs(found) > 0}[condition.signal]
                return ConditionRows(path, condition, found, 0.0, passed)
        raise TypeError(f"{path}: no series to look at")

    def _moved(self, series: FloatArray, condition: Change, frame: Frame) -> FloatArray:
        bars = int(known(condition.bars))
        usual = None if condition.unit == "raw" else frame.indicator(_usual_volume(bars))
        return verdicts.moved(series, bars, usual)

    def _level(self, stop: StopLevel | None, frame: Frame) -> FloatArray | None:
        """NaN where there is no price above zero to wait at, or no distance to it: no range, no breakout."""
        if stop is None:
            return None
        level = self._series(stop.level, frame)
        return np.where(level > 0, level, np.nan)

    def _values(self, operand: Operand, frame: Frame) -> Values:
        if isinstance(operand, ColumnOperand | IndicatorOperand):
            return self._series(operand, frame)
        if isinstance(operand, ParamOperand):
            raise TypeError(f"parameter {operand.param} has not been bound")
        return operand.number

    def _series(self, operand: Series, frame: Frame) -> FloatArray:
        if isinstance(operand, ColumnOperand):
            values = _column(operand.column, frame)
        else:
            values = frame.indicator(self.calls[operand.indicator], operand.output)
        values = before(values, operand.ago)
        scale, offset = known(operand.scale), known(operand.offset)
        return values if (scale, offset) == (1, 0) else values * scale + offset


def compile_document(document: RuleDocument, parameters: Mapping[str, float] | None = None) -> Evaluator:
    """The document's evaluator, `parameters` in place of their defaults. Raises DocumentInvalid for unusable ones."""
    bound = document.bind(parameters)
    calls = {alias: _call(spec) for alias, spec in bound.indicators.items()}
    needed = [_bars_needed(condition, calls) for _, condition in bound.conditions()]
    needed += [_history(entry.stop.level, calls) for entry in bound.entries if entry.stop is not None]
    return Evaluator(bound, max(LEAST_WARM_UP, *needed), calls)


def _call(spec: IndicatorSpec) -> IndicatorCall:
    return IndicatorCall(spec.kind, spec.source, tuple(sorted((name, known(n)) for name, n in spec.params.items())))


def _bars_needed(condition: Condition, calls: Mapping[str, IndicatorCall]) -> int:
    history = max((_history(operand, calls) for _, operand in operands(condition)), default=1)
    match condition:
        case Cross():
            return history + 1
        case Was():
            return history + int(known(condition.bars)) - 1
        case Change():
            return history + int(known(condition.bars))
        case Candle():
            return PATTERN_BARS
        case _:
            return history


def _history(operand: object, calls: Mapping[str, IndicatorCall]) -> int:
    match operand:
        case IndicatorOperand():
            call = calls[operand.indicator]
            return INDICATORS[call.kind].warm_up(dict(call.params)) + operand.ago
        case ColumnOperand():
            return 1 + operand.ago
        case _:
            return 1


def _column(name: str, frame: Frame) -> FloatArray:
    return frame.column("high") - frame.column("low") if name == "range" else frame.column(name)


def _usual_volume(bars: int) -> IndicatorCall:
    return IndicatorCall("sma", "volume", (("period", bars),))
