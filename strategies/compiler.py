"""From a rule document to its evaluator: bars in, a verdict for every bar out, or for one. No memory, no clock.

The same bars give the same rows, live and in a backtest; a row depends on nothing after it. What a document means is said
once, in formulas over figures, and asked in two ways: of every bar of a series (`evaluate`), or of one bar each (`see_all`),
for as many rules and series at once as there are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, repeat
from operator import itemgetter
from typing import Any

import numpy as np

from markets.bars import Bars
from strategies.conditions import RiskOnly
from strategies.document import RuleDocument
from strategies.evaluation import ConditionRows, Evaluation
from strategies.figures import Figure, Number, Sight, the
from strategies.formulas import Formula, Formulas
from strategies.indicators import Frame, IndicatorCall
from strategies.logic import Holds, Logic
from strategies.seen import FAILED_ENTRY, PASSED_ENTRY, EntrySeen, RowWords, Seen

__all__ = ["LEAST_WARM_UP", "ConditionRows", "Evaluation", "Evaluator", "Seen", "Sight", "compile_document", "see_all"]

LEAST_WARM_UP = 250  # bars, however short the indicators are


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """What a document asks of bars, and nothing of the document itself: workers keep thousands of these."""

    formulas: tuple[Formula, ...]
    levels: tuple[Figure | None, ...]  # of each entry: where its order waits
    logic: Logic
    look_up: Callable[[Sight], tuple[float, ...]]  # the figures that a bar is asked for
    numbers: tuple[float, ...]  # the document's own, whose places in `logic` follow those
    words: RowWords


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
        levels = tuple(None if level is None else np.asarray(level.series(frame)) for level in rule.levels)
        leaves = rule.logic.left(told)
        sells = np.zeros(len(bars), dtype=np.bool_) if leaves is None else leaves
        placed = zip(self.document.conditions(), self.numbers, strict=True)
        rows = tuple(ConditionRows(path, condition, *told[number]) for (path, condition), number in placed)
        return Evaluation(self.document, bars, tuple(rule.logic.entered(told, levels)), sells, rows, levels)

    def see(self, sight: Sight) -> Seen:
        """The rule on one bar: what `evaluate(...).row` says of it, to the last bit and byte."""
        return see_all([(self.rule, sight)])[0]


def see_all(asked: Iterable[tuple[CompiledRule, Sight]]) -> list[Seen]:
    """Each of these rules on its bar, as `Evaluator.see` has it: those of one logic in one go.

    Bars of one frame belong side by side: once they have been read, its indicators are let go.
    """
    alike: dict[Logic, _Alike] = defaultdict(_Alike)
    for frame, of_frame in groupby(enumerate(asked), key=_frame):
        for number, (rule, sight) in of_frame:
            alike[rule.logic].add(number, rule, sight)
        frame.forget()
    found = {number: seen for logic, each in alike.items() for number, seen in each.seen(logic)}
    return [found[number] for number in range(len(found))]


def _frame(numbered: tuple[int, tuple[CompiledRule, Sight]]) -> Frame:
    return numbered[1][1].frame


class _Alike:
    """Rules of one logic, each with its bar, and the values of all their figures."""

    def __init__(self) -> None:
        self._asked: list[tuple[int, CompiledRule, Sight]] = []
        self._values: list[float] = []  # of one after the other

    def add(self, number: int, rule: CompiledRule, sight: Sight) -> None:
        self._asked.append((number, rule, sight))
        self._values += rule.look_up(sight)
        self._values += rule.numbers

    def seen(self, logic: Logic) -> Iterator[tuple[int, Seen]]:
        """The verdict of each, and its number."""
        values = list(np.array(self._values, dtype=np.float64).reshape(len(self._asked), -1).T)
        told = logic.told(values)
        levels = [None if place is None else values[place] for _, place in logic.steps]
        entries = zip(*map(_entries, logic.entered(told, levels), levels), strict=True)
        leaves = logic.left(told)
        left = repeat(False) if leaves is None else leaves.tolist()
        for place, ((number, rule, sight), entered, is_left) in enumerate(
            zip(self._asked, entries, left, strict=False)
        ):
            yield number, Seen(rule.words, sight, entered, is_left, told, place)


def _entries(entered: Any, levels: Any) -> list[EntrySeen]:
    if levels is None:
        return [PASSED_ENTRY if passed else FAILED_ENTRY for passed in entered.tolist()]
    return list(map(EntrySeen, entered.tolist(), levels.tolist()))


def compile_document(document: RuleDocument, parameters: Mapping[str, float] | None = None) -> Evaluator:
    """The document's evaluator, `parameters` in place of their defaults. Raises DocumentInvalid for unusable ones."""
    bound = document.bind(parameters) if parameters or document.parameters else document
    said = Formulas(bound.indicators)
    entries = [
        (said.holds(entry.when), None if entry.stop is None else said.level(entry.stop)) for entry in bound.entries
    ]
    leaves = None if isinstance(bound.exit, RiskOnly) else said.holds(bound.exit)
    numbers = tuple(said.number(condition) for _, condition in bound.conditions())
    words = RowWords(bound, [(number, said.all[number]) for number in numbers])
    levels = (level.history for _, level in entries if level is not None)
    warm_up = max(LEAST_WARM_UP, *(formula.history for formula in said.all), *levels)
    return Evaluator(bound, warm_up, said.calls, _compiled(said.all, entries, leaves, words), numbers)


def _compiled(
    formulas: tuple[Formula, ...],
    entries: Sequence[tuple[Holds, Figure | None]],
    leaves: Holds | None,
    words: RowWords,
) -> CompiledRule:
    levels = tuple(level for _, level in entries)
    figures = dict.fromkeys(chain(*(formula.figures for formula in formulas), filter(None, levels)))
    looked_up = [figure for figure in figures if not isinstance(figure, Number)]
    own = [figure for figure in figures if isinstance(figure, Number)]
    places = {figure: place for place, figure in enumerate((*looked_up, *own))}
    logic = the(
        Logic,
        tuple((formula.tell, tuple(places[figure] for figure in formula.figures)) for formula in formulas),
        tuple((holds, None if level is None else places[level]) for holds, level in entries),
        leaves,
    )
    return CompiledRule(formulas, levels, logic, _look_up(looked_up), tuple(number.value for number in own), words)


def _look_up(figures: Sequence[Figure]) -> Callable[[Sight], tuple[float, ...]]:
    if len(figures) > 1:
        return itemgetter(*figures)  # which is C, and asks a sight only for what it has not looked up yet
    return lambda sight: tuple([sight[figure] for figure in figures])
