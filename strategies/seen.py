"""What a rule says about one bar, and the text its evaluation keeps: `Row.as_data()` as JSON, without making a Row.

Of that text everything but figures and verdicts is the same on every bar, and made when the rule is compiled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from math import isfinite

from strategies.conditions import Condition, IndicatorOperand, operands
from strategies.document import IndicatorSpec, RuleDocument, StagedEntry
from strategies.figures import Sight
from strategies.formulas import Formula
from strategies.logic import Told
from strategies.rows import ConditionRow

_BOOL = {True: "true", False: "false"}
_FIGURES = {"value", "threshold", "distance", "extreme", "upper", "passed"}


@dataclass(frozen=True, slots=True)
class EntrySeen:
    """Whether the entry's rule holds, and the level its order waits at: NaN where none waits, None for the next open."""

    passed: bool
    level: float | None = None


PASSED_ENTRY, FAILED_ENTRY = EntrySeen(True), EntrySeen(False)


class Seen:
    """A rule's verdict on one bar, shared by all its plans. The text is made when somebody asks for it, once."""

    __slots__ = ("_place", "_sight", "_text", "_told", "_words", "close", "closed_at", "entries", "exit")

    def __init__(
        self,
        words: "RowWords",
        sight: Sight,
        entries: Sequence[EntrySeen],
        leaves: bool,
        told: Sequence[Told],
        place: int,
    ) -> None:
        """`told`: what each formula says, arrays of the bars it was asked of, this one at `place`."""
        self._words, self._sight, self._text = words, sight, ""
        self._told, self._place = told, place
        self.closed_at, self.close = sight.closed_at, sight.close
        self.entries, self.exit = entries, leaves

    @property
    def text(self) -> str:
        """The JSON of `Row.as_data()`."""
        self._text = self._text or self._words.text(self)
        return self._text

    def figures(self, number: int, formula: Formula) -> str:
        """What the formula of this number says, as JSON; made once for each bar, whichever rules share it."""
        known = self._sight.words.get(formula)
        if known is None:
            known = self._sight.words[formula] = _figures(self._told[number], self._place)
        return known


class RowWords:
    """What the rows of one document say on every bar alike: made when the first text is asked for, which a backtest never
    does. Until then the document is kept for it, and not after."""

    def __init__(self, document: RuleDocument, formulas: Sequence[tuple[int, Formula]]) -> None:
        """`formulas`: that of each condition of the document, in order, and where it stands among all."""
        self._document: RuleDocument | None = document
        self._heads: list[str] = []
        self._formulas = formulas
        self._entries = [
            (f'{{"name": {dumps(entry.name)}, "passed": ', ', "above_open": true}' if _is_above_open(entry) else "}")
            for entry in document.entries
        ]

    def text(self, seen: Seen) -> str:
        if self._document is not None:
            indicators, placed = self._document.indicators, self._document.conditions()
            self._heads, self._document = [_head(path, condition, indicators) for path, condition in placed], None
        entries = [
            f"{head}{_BOOL[each.passed]}{_level(each)}{tail}"
            for (head, tail), each in zip(self._entries, seen.entries, strict=True)
        ]
        conditions = [head + seen.figures(*asked) for head, asked in zip(self._heads, self._formulas, strict=True)]
        return (
            f'{{"closed_at": {seen.closed_at}, "close": {seen.close!r}, "entries": [{", ".join(entries)}], '
            f'"exit": {_BOOL[seen.exit]}, "conditions": [{", ".join(conditions)}]}}'
        )


def _head(path: str, condition: Condition, indicators: Mapping[str, IndicatorSpec]) -> str:
    """What a row says of the condition before its figures."""
    aliases = [side.indicator for _, side in operands(condition) if isinstance(side, IndicatorOperand)]
    row = ConditionRow(
        path=path,
        label=condition.label or path,
        condition=condition,
        indicators={alias: indicators[alias] for alias in aliases},
        value=None,
        threshold=None,
        distance=None,
        passed=False,
    )
    said = {key: value for key, value in row.as_data().items() if key not in _FIGURES}
    return dumps(said).removesuffix("}")


def _is_above_open(entry: StagedEntry) -> bool:
    return entry.stop is not None and entry.stop.above_open


def _level(entry: EntrySeen) -> str:
    return "" if entry.level is None or not isfinite(entry.level) else f', "level": {entry.level!r}'


def _figures(told: Told, place: int) -> str:
    value, threshold, passed = (each.item(place) for each in told[:3])
    extreme, upper = (None if each is None else each.item(place) for each in told[3:])
    known_ones = isfinite(value), isfinite(threshold)
    return (
        f', "value": {repr(value) if known_ones[0] else "null"}, "threshold": {repr(threshold) if known_ones[1] else "null"}'
        f', "distance": {repr(value - threshold) if all(known_ones) else "null"}'
        f"{_if_known('extreme', extreme)}{_if_known('upper', upper)}"
        f', "passed": {_BOOL[passed]}}}'
    )


def _if_known(name: str, figure: float | None) -> str:
    return "" if figure is None or not isfinite(figure) else f', "{name}": {figure!r}'
