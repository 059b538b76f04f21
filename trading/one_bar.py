"""One bar as a compiled rule sees it, in plain numbers: what a plan decides on, and the text its evaluation keeps.

`strategies.compiler` computes a rule on every bar, as arrays. Plans look at one bar an hour, thousands of rules on the same
bars, and there an array for each condition is nearly all the time there is. So here a rule is compiled once more, into
figures that are looked up once per bar, whichever rule asks, and comparisons of two numbers. It says the same as
`Evaluation.row`, to the last bit and byte: tests hold one against the other. What it does not know it leaves to the compiler.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json import dumps
from math import isfinite, nan
from operator import eq, ge, gt, itemgetter, le, lt
from typing import TYPE_CHECKING, Any, Protocol

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

if TYPE_CHECKING:  # NumPy and TA-Lib are loaded by the first evaluation
    from markets.bars import FloatArray
    from strategies.compiler import Evaluator
    from strategies.indicators import Frame, IndicatorCall

# Value, threshold, extreme, upper edge, passed; NaN: there is no such figure.
Told = tuple[float, float, float, float, bool]
Leaf = Callable[["Sight"], Told]
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


class HasPassed(Protocol):
    @property
    def passed(self) -> bool: ...


class Verdict(Protocol):
    """What a rule says about one closed bar, as far as a decision needs it; `strategies.rows.Row` says it too."""

    @property
    def close(self) -> float: ...

    @property
    def entries(self) -> Sequence[HasPassed]: ...

    @property
    def exit(self) -> bool: ...


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


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    passed: bool


class Seen:
    """A rule's verdict on one bar, shared by all its plans. The text is made when somebody asks for it, once."""

    __slots__ = ("_rule", "_text", "_told", "close", "closed_at", "entries", "exit")

    def __init__(self, rule: "BarRule", sight: Sight, told: list[Told], entries: list[EntryVerdict]) -> None:
        self._rule, self._told, self._text = rule, told, ""
        self.closed_at, self.close = sight.closed_at, sight.close
        self.entries, self.exit = entries, rule.sells(told)

    @property
    def text(self) -> str:
        """The JSON of `Row.as_data()`."""
        self._text = self._text or self._rule.text_of(self, self._told)
        return self._text


class BarRule:
    """A compiled document for one bar at a time. Raises UnknownWord where only the compiler understands it."""

    def __init__(self, evaluator: "Evaluator") -> None:
        _require_known(Row, EntryRow, ConditionRow, RiskOnly, StagedEntry)
        if any(entry.stop is not None for entry in evaluator.document.entries):
            raise UnknownWord("stop")
        building, leaving = _Building(evaluator), evaluator.document.exit
        tests = {path: building.test(group, path) for path, group in evaluator.document.groups()}
        self.sells: Test = _never if isinstance(leaving, RiskOnly) else tests.pop("exit")
        self._tests = list(tests.values())
        self._leaves, self._heads = building.leaves, building.heads
        self._entries = [f'{{"name": {dumps(entry.name)}, "passed": ' for entry in evaluator.document.entries]

    def see(self, sight: Sight) -> Seen:
        """The verdict on the bar of `sight`."""
        told = [leaf(sight) for leaf in self._leaves]
        return Seen(self, sight, told, [_PASSED if test(told) else _FAILED for test in self._tests])

    def text_of(self, seen: Seen, told: list[Told]) -> str:
        entries = [f"{head}{_BOOL[each.passed]}}}" for head, each in zip(self._entries, seen.entries, strict=True)]
        figures = [_figures(each) for each in told]
        conditions = [f"{head}{figures[number]}}}" for head, number in self._heads]
        return (
            f'{{"closed_at": {seen.closed_at}, "close": {seen.close!r}, "entries": [{", ".join(entries)}], '
            f'"exit": {_BOOL[seen.exit]}, "conditions": [{", ".join(conditions)}]}}'
        )


def _never(_told: Sequence[Told]) -> bool:
    return False


_PASSED, _FAILED = EntryVerdict(True), EntryVerdict(False)
_BOOL = {True: "true", False: "false"}


def _figures(told: Told) -> str:
    value, threshold, extreme, upper, passed = told
    known_ones = isfinite(value), isfinite(threshold)
    return (
        f', "value": {repr(value) if known_ones[0] else "null"}, "threshold": {repr(threshold) if known_ones[1] else "null"}'
        f', "distance": {repr(value - threshold) if all(known_ones) else "null"}'
        f'{f""", "extreme": {extreme!r}""" if isfinite(extreme) else ""}'
        f'{f""", "upper": {upper!r}""" if isfinite(upper) else ""}, "passed": {_BOOL[passed]}'
    )


class _Building:
    """The leaves of one document, each number once, and for every condition the part of its text that never changes."""

    def __init__(self, evaluator: "Evaluator") -> None:
        self._calls = evaluator.calls
        self._indicators = evaluator.document.indicators
        self.leaves: list[Leaf] = []
        self.heads: list[tuple[str, int]] = []
        self._numbers: dict[str, int] = {}

    def test(self, group: AllOf | AnyOf, path: str) -> Test:
        """What the group makes of its members' verdicts; the leaves among them are added to `leaves`."""
        _require_known(type(group))
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
        _require_known(type(condition), *(type(side) for _, side in operands(condition)))
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
        series, furthest = self._slot(condition.series), self._slot(condition.series, window=window)
        threshold = _number(condition.threshold)
        then, now = (lt, gt) if below else (gt, lt)

        def leaf(sight: Sight) -> Told:
            value, extreme = sight[series], sight[furthest]
            return value, threshold, extreme, nan, then(extreme, threshold) and now(value, threshold)

        return leaf

    def _between(self, condition: Between) -> Leaf:
        series, low, high = self._slot(condition.series), self._side(condition.low), self._side(condition.high)

        def leaf(sight: Sight) -> Told:
            value, lower, upper = sight[series], low(sight), high(sight)
            return value, lower, nan, upper, lower <= value <= upper

        return leaf

    def _change(self, condition: Change) -> Leaf:
        bars, threshold = int(known(condition.bars)), _number(condition.threshold)
        now, before = self._slot(condition.series), self._slot(condition.series, earlier=bars)
        compare = OPERATORS[condition.op]
        if condition.unit == "raw":

            def raw(sight: Sight) -> Told:
                moved = sight[now] - sight[before]
                return moved, threshold, nan, nan, compare(moved, threshold)

            return raw
        volume = _slot("", _volume_call(bars), "value", 0, 1, 0, None)

        def scaled(sight: Sight) -> Told:
            by = sight[volume]
            moved = (sight[now] - sight[before]) / by if by > 0 else nan
            return moved, threshold, nan, nan, compare(moved, threshold)

        return scaled

    def _side(self, operand: Operand, earlier: int = 0) -> Callable[[Sight], float]:
        if isinstance(operand, ColumnOperand | IndicatorOperand):
            return itemgetter(self._slot(operand, earlier))
        number = _number(operand)
        return lambda _sight: number

    def _slot(
        self, series: ColumnOperand | IndicatorOperand, earlier: int = 0, window: tuple[str, int] | None = None
    ) -> Slot:
        rest = series.ago + earlier, known(series.scale), known(series.offset), window
        if isinstance(series, ColumnOperand):
            if series.column == "range":
                raise UnknownWord(series.column)
            return _slot(series.column, None, "", *rest)
        return _slot("", self._calls[series.indicator], series.output, *rest)


_FIGURES = {"value", "threshold", "distance", "extreme", "upper", "passed"}
_slot = lru_cache(maxsize=65_536)(Slot)


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


def _require_known(*words: type[Any]) -> None:
    for word in words:
        if KEYS.get(word) != set(word.model_fields):
            raise UnknownWord(word.__name__)
