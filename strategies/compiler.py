"""From a rule document to its evaluator: bars in, a verdict for every bar out, or for one. No memory, no clock.

The same bars give the same rows, live and in a backtest; a row depends on nothing after it. What a document means is said
once, in formulas over figures, and asked in two ways: of every bar (`evaluate`) or of a single one (`see`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from markets.bars import Bars
from strategies.conditions import RiskOnly
from strategies.document import RuleDocument
from strategies.evaluation import ConditionRows, Evaluation
from strategies.figures import Figure, Sight
from strategies.formulas import PASSED, Formula, Formulas, Test
from strategies.indicators import Frame, IndicatorCall
from strategies.seen import FAILED_ENTRY, PASSED_ENTRY, EntrySeen, RowWords, Seen

__all__ = ["LEAST_WARM_UP", "ConditionRows", "Evaluation", "Evaluator", "Seen", "Sight", "compile_document"]

LEAST_WARM_UP = 250  # bars, however short the indicators are


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """What a document asks of bars, and nothing of the document itself: workers keep thousands of these."""

    formulas: tuple[Formula, ...]
    steps: tuple[tuple[Test, Figure | None], ...]  # of each entry: its rule, and the level where its order waits
    leaves: Test | None  # the exit's rule
    words: RowWords

    def see(self, sight: Sight) -> Seen:
        """The rule on one bar: what `Evaluation.row` says of it, to the last bit and byte."""
        passed = [sight[formula][PASSED] for formula in self.formulas]
        entries = [_entry_seen(holds, passed, level, sight) for holds, level in self.steps]
        return Seen(self.words, sight, entries, self.leaves is not None and self.leaves(passed))


@dataclass(frozen=True, slots=True, eq=False)
class Evaluator:
    """A compiled document.

    `warm_up` is how many bars a row needs, its own included, to be within 1e-9 of one with endless history. Earlier rows
    are computed too, from what there is, and false where that is not enough.
    """

    document: RuleDocument
    warm_up: int
    calls: Mapping[str, IndicatorCall]
    rule: CompiledRule
    numbers: tuple[int, ...]  # of each condition of the document, in order: its formula

    def evaluate(self, bars: Bars, frame: Frame | None = None) -> Evaluation:
        """The rule on every bar; a `frame` of these bars shares indicators among documents. Raises BarsInvalid."""
        frame = frame or Frame(bars)
        if frame.bars is not bars:
            raise ValueError("the frame belongs to other bars")
        rule = self.rule
        told = [formula.series(frame) for formula in rule.formulas]
        passed = [each[PASSED] for each in told]
        levels = tuple(None if level is None else np.asarray(level.series(frame)) for _, level in rule.steps)
        entries = tuple(_entered(holds, passed, level) for (holds, _), level in zip(rule.steps, levels, strict=True))
        sells = np.zeros(len(bars), dtype=np.bool_) if rule.leaves is None else rule.leaves(passed)
        placed = zip(self.document.conditions(), self.numbers, strict=True)
        rows = tuple(ConditionRows(path, condition, *told[number]) for (path, condition), number in placed)
        return Evaluation(self.document, bars, entries, sells, rows, levels)

    def see(self, sight: Sight) -> Seen:
        """The rule on one bar: what `evaluate(...).row` says of it, to the last bit and byte."""
        return self.rule.see(sight)


def _entered(holds: Test, passed: Sequence[Any], level: Any) -> Any:
    """An entry's verdict, of one bar or of all: without a level there is nothing to wait at, and so nothing to do."""
    return holds(passed) if level is None else holds(passed) & (level > 0)


def _entry_seen(holds: Test, passed: Sequence[bool], level: Figure | None, sight: Sight) -> EntrySeen:
    if level is None:
        return PASSED_ENTRY if holds(passed) else FAILED_ENTRY
    return EntrySeen(_entered(holds, passed, sight[level]), sight[level])


def compile_document(document: RuleDocument, parameters: Mapping[str, float] | None = None) -> Evaluator:
    """The document's evaluator, `parameters` in place of their defaults. Raises DocumentInvalid for unusable ones."""
    bound = document.bind(parameters) if parameters or document.parameters else document
    said = Formulas(bound.indicators)
    steps = tuple(
        (said.test(entry.when), None if entry.stop is None else said.level(entry.stop)) for entry in bound.entries
    )
    leaves = None if isinstance(bound.exit, RiskOnly) else said.test(bound.exit)
    numbers = tuple(said.number(condition) for _, condition in bound.conditions())
    levels = (level.history for _, level in steps if level is not None)
    warm_up = max(LEAST_WARM_UP, *(formula.history for formula in said.all), *levels)
    rule = CompiledRule(said.all, steps, leaves, RowWords(bound, [said.all[number] for number in numbers]))
    return Evaluator(bound, warm_up, said.calls, rule, numbers)
