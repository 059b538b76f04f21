"""One bar as a compiled rule sees it, in plain numbers: what a plan decides on, and the text its evaluation keeps.

`strategies.compiler` computes a rule on every bar, as arrays. Plans look at one bar an hour, thousands of rules on the same
bars, and there an array for each condition is nearly all the time there is. So here a rule is compiled once more, into
figures that are looked up once per bar, whichever rule asks, and comparisons of two numbers. It says the same as
`Evaluation.row`, to the last bit and byte: tests hold one against the other. What it does not know it leaves to the compiler.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from math import isfinite
from typing import TYPE_CHECKING, Protocol

from strategies.conditions import RiskOnly
from strategies.document import StagedEntry
from strategies.rows import ConditionRow, EntryRow, Row
from trading.bar_conditions import KEYS, Conditions, Test, Told, UnknownWord, require_known
from trading.bar_figures import Sight

if TYPE_CHECKING:  # NumPy and TA-Lib are loaded by the first evaluation
    from strategies.compiler import Evaluator

__all__ = ["KEYS", "BarRule", "Seen", "Sight", "UnknownWord", "Verdict"]


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
        require_known(Row, EntryRow, ConditionRow, RiskOnly, StagedEntry)
        if any(entry.stop is not None for entry in evaluator.document.entries):
            raise UnknownWord("stop")
        building, leaving = Conditions(evaluator), evaluator.document.exit
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
