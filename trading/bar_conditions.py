"""The conditions of a compiled document as comparisons of two numbers, and the text each one's row begins with."""

from collections.abc import Callable, Sequence
from json import dumps
from math import nan
from operator import eq, ge, gt, itemgetter, le, lt
from typing import TYPE_CHECKING, Any

from strategies.conditions import (
    AllOf,
    AnyOf,
    Between,
    Change,
    ColumnOperand,
    Compare,
    Condition,
    Cross,
    IndicatorOperand,
    NumberOperand,
    Operand,
    RiskOnly,
    Was,
    operands,
    placed_members,
)
from strategies.document import StagedEntry
from strategies.rows import ConditionRow, EntryRow, Row
from strategies.shape import known
from trading.bar_figures import Sight, Slot, slot

if TYPE_CHECKING:  # NumPy and TA-Lib are loaded by the first evaluation
    from strategies.compiler import Evaluator
    from strategies.indicators import IndicatorCall

# Value, threshold, extreme, upper edge, passed; NaN: there is no such figure.
Told = tuple[float, float, float, float, bool]
Leaf = Callable[[Sight], Told]
Test = Callable[[Sequence[Told]], bool]

# Every key that these words have today. One with another key may mean more than what is computed here.
KEYS: dict[type[Any], set[str]] = {
    AllOf: {"all"},
    AnyOf: {"any"},
    RiskOnly: {"risk_only"},
    StagedEntry: {"name", "when", "stop"},
    Compare: {"label", "kind", "left", "op", "right"},
    Cross: {"label", "kind", "left", "right"},
    Was: {"label", "kind", "series", "threshold", "bars"},
    Between: {"label", "kind", "series", "low", "high"},
    Change: {"label", "kind", "series", "bars", "unit", "op", "threshold"},
    ColumnOperand: {"scale", "offset", "ago", "column"},
    IndicatorOperand: {"scale", "offset", "ago", "indicator", "output"},
    NumberOperand: {"number"},
    ConditionRow: {
        *("path", "label", "condition", "indicators"),
        *("value", "threshold", "distance", "extreme", "upper", "passed"),
    },
    EntryRow: {"name", "passed", "level", "above_open"},
    Row: {"closed_at", "close", "entries", "exit", "conditions"},
}
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    **{"gt": gt, "ge": ge, "lt": lt, "le": le, "eq": eq},
    "ne": lambda left, right: left < right or left > right,  # a figure that is missing is not unequal
}


class UnknownWord(Exception):
    """The document says something that only the compiler understands."""


class Conditions:
    """The leaves of one document, each number once, and for every condition the part of its text that never changes."""

    def __init__(self, evaluator: "Evaluator") -> None:
        self._calls = evaluator.calls
        self._indicators = evaluator.document.indicators
        self.leaves: list[Leaf] = []
        self.heads: list[tuple[str, int]] = []
        self._numbers: dict[str, int] = {}

    def test(self, group: AllOf | AnyOf, path: str) -> Test:
        """What the group makes of its members' verdicts; the leaves among them are added to `leaves`."""
        require_known(type(group))
        numbers: list[int] = []
        groups: list[Test] = []
        for place, member in placed_members(group, path):
            if isinstance(member, AllOf | AnyOf):
                groups.append(self.test(member, place))
            else:
                numbers.append(self._number(member))
                self.heads.append((self._head(member, place), numbers[-1]))
        join = all if isinstance(group, AllOf) else any
        if not groups:
            return lambda told: join([told[number][-1] for number in numbers])
        return lambda told: join([told[number][-1] for number in numbers] + [test(told) for test in groups])

    def _number(self, condition: Condition) -> int:
        """The number of the condition's leaf; what two steps ask alike is looked at once."""
        key = dumps(condition.as_data() | {"label": ""})
        if key not in self._numbers:
            self._numbers[key] = len(self.leaves)
            self.leaves.append(self._leaf(condition))
        return self._numbers[key]

    def _head(self, condition: Condition, path: str) -> str:
        """What `Evaluation.row` says of the condition before its figures."""
        aliases = [side.indicator for _, side in operands(condition) if isinstance(side, IndicatorOperand)]
        row = ConditionRow(
            path=path,
            label=condition.label or path,
            condition=condition,
            indicators={alias: self._indicators[alias] for alias in aliases},
            value=None,
            threshold=None,
            distance=None,
            passed=False,
        )
        said = {key: value for key, value in row.as_data().items() if key not in _FIGURES}
        return dumps(said).removesuffix("}")

    def _leaf(self, condition: Condition) -> Leaf:
        require_known(type(condition), *(type(side) for _, side in operands(condition)))
        match condition:
            case Compare():
                return _compare(self._side(condition.left), OPERATORS[condition.op], self._side(condition.right))
            case Cross():
                return self._cross(condition)
            case Was():
                return self._was(condition)
            case Between():
                return self._between(condition)
            case Change():
                return self._change(condition)
            case _:
                raise UnknownWord(condition.kind)

    def _cross(self, condition: Cross) -> Leaf:
        left, right = self._side(condition.left), self._side(condition.right)
        left_before, right_before = self._side(condition.left, 1), self._side(condition.right, 1)
        now, earlier = (gt, le) if condition.kind == "cross_above" else (lt, ge)

        def leaf(sight: Sight) -> Told:
            value, threshold = left(sight), right(sight)
            crossed = now(value, threshold) and earlier(left_before(sight), right_before(sight))
            return value, threshold, nan, nan, crossed

        return leaf

    def _was(self, condition: Was) -> Leaf:
        below = condition.kind == "was_below_within"
        window = ("lowest" if below else "highest", int(known(condition.bars)))
        series, furthest = self._figure(condition.series), self._figure(condition.series, window=window)
        threshold = _number(condition.threshold)
        then, now = (lt, gt) if below else (gt, lt)

        def leaf(sight: Sight) -> Told:
            value, extreme = sight[series], sight[furthest]
            return value, threshold, extreme, nan, then(extreme, threshold) and now(value, threshold)

        return leaf

    def _between(self, condition: Between) -> Leaf:
        series, low, high = self._figure(condition.series), self._side(condition.low), self._side(condition.high)

        def leaf(sight: Sight) -> Told:
            value, lower, upper = sight[series], low(sight), high(sight)
            return value, lower, nan, upper, lower <= value <= upper

        return leaf

    def _change(self, condition: Change) -> Leaf:
        bars, threshold = int(known(condition.bars)), _number(condition.threshold)
        now, before = self._figure(condition.series), self._figure(condition.series, earlier=bars)
        compare = OPERATORS[condition.op]
        if condition.unit == "raw":

            def raw(sight: Sight) -> Told:
                moved = sight[now] - sight[before]
                return moved, threshold, nan, nan, compare(moved, threshold)

            return raw
        volume = slot("", _volume_call(bars), "value", 0, 1, 0, None)

        def scaled(sight: Sight) -> Told:
            by = sight[volume]
            moved = (sight[now] - sight[before]) / by if by > 0 else nan
            return moved, threshold, nan, nan, compare(moved, threshold)

        return scaled

    def _side(self, operand: Operand, earlier: int = 0) -> Callable[[Sight], float]:
        if isinstance(operand, ColumnOperand | IndicatorOperand):
            return itemgetter(self._figure(operand, earlier))
        number = _number(operand)
        return lambda _sight: number

    def _figure(
        self, series: ColumnOperand | IndicatorOperand, earlier: int = 0, window: tuple[str, int] | None = None
    ) -> Slot:
        rest = series.ago + earlier, known(series.scale), known(series.offset), window
        if isinstance(series, ColumnOperand):
            if series.column == "range":
                raise UnknownWord(series.column)
            return slot(series.column, None, "", *rest)
        return slot("", self._calls[series.indicator], series.output, *rest)


_FIGURES = {"value", "threshold", "distance", "extreme", "upper", "passed"}


def _compare(
    left: Callable[[Sight], float], compare: Callable[[float, float], bool], right: Callable[[Sight], float]
) -> Leaf:
    def leaf(sight: Sight) -> Told:
        value, threshold = left(sight), right(sight)
        return value, threshold, nan, nan, compare(value, threshold)

    return leaf


def _number(level: Operand) -> float:
    if not isinstance(level, NumberOperand):
        raise UnknownWord(type(level).__name__)
    return float(level.number)


def _volume_call(bars: int) -> "IndicatorCall":
    from strategies.indicators import IndicatorCall

    return IndicatorCall("sma", "volume", (("period", bars),))


def require_known(*words: type[Any]) -> None:
    for word in words:
        if KEYS.get(word) != set(word.model_fields):
            raise UnknownWord(word.__name__)
