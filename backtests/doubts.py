"""The same run once more with one thing changed: less history, dearer costs, other parameters. What a result rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median

import numpy as np

from backtests.engine import Result, run
from backtests.errors import BarsRefused
from backtests.ground import Ground
from backtests.results import Parameters, Point, WalkForward
from backtests.setup import Setup
from backtests.sweeps import neighbours, run_points
from backtests.walk_forward import walk
from markets.bars import Bars
from markets.types import InstrumentRules
from strategies.compiler import compile_document
from strategies.document import RuleDocument

CUTS = 5
WINDOWS = 4
MOST_NEIGHBOURS = 24


@dataclass(frozen=True)
class Doubted:
    """A run that is asked about, with everything needed to run it again."""

    document: RuleDocument
    parameters: Parameters
    bars: Bars
    rules: InstrumentRules
    setup: Setup
    ground: Ground

    @property
    def warm_up(self) -> int:
        return self.setup.warm_up or compile_document(self.document, self.parameters).warm_up

    def again(self, setup: Setup, bars: Bars | None = None) -> Result:
        """The run on other terms, or over other bars."""
        evaluator = compile_document(self.document, self.parameters)
        ground = self.ground if bars is None else Ground(bars)
        return run(evaluator, ground.bars, self.rules, setup, ground=ground)


def fills_changed_by_cutting(doubted: Doubted, result: Result, seed: int) -> tuple[int, int]:
    """Fills before a cut that are others where the bars end there, over `CUTS` cuts: (changed, compared)."""
    least, most = doubted.warm_up + 1, len(doubted.bars)
    random, changed, compared = np.random.default_rng(seed), 0, 0
    for cut in sorted(random.integers(least, most, size=CUTS).tolist()) if most > least else []:
        part = doubted.again(doubted.setup, doubted.bars.prefix(cut))
        before, seen = _traded_before(cut - 1, result), _traded_before(cut - 1, part)
        compared += len(before)
        changed += sum(ours != theirs for ours, theirs in zip(before, seen, strict=False)) + abs(
            len(before) - len(seen)
        )
    return changed, compared


def _traded_before(bar: int, result: Result) -> list[tuple[object, ...]]:
    """The fills before a bar, without the SIGNAL their order came to: it may end later."""
    return [fill[:3] + fill[4:] for fill in result.filled if fill.bar < bar]


def with_less_history(doubted: Doubted) -> tuple[Result, Result]:
    """Twice from the same bar: with twice the warm-up before it, and with as much as is declared. Raises BarsRefused."""
    warm_up = doubted.warm_up
    if len(doubted.bars) <= 2 * warm_up:
        raise BarsRefused("too_few_bars", bars=len(doubted.bars), needed=2 * warm_up + 1)
    later = Bars(*(getattr(doubted.bars, name)[warm_up:] for name in Bars.__slots__))
    return (
        doubted.again(replace(doubted.setup, warm_up=2 * warm_up)),
        doubted.again(replace(doubted.setup, warm_up=warm_up), later),
    )


def at_twice_the_costs(doubted: Doubted, result: Result) -> Result:
    """The run with commission, spread and slippage doubled; the tax is the law's."""
    setup = doubted.setup
    usual = result.venue.day(int(doubted.bars.closed_at[-1])).sizing_fee
    commission = usual if setup.commission is None else setup.commission
    dearer = replace(
        setup,
        commission=min(2 * commission, Decimal("0.99")),
        spread_ticks=2 * setup.spread_ticks,
        slippage_ticks=2 * setup.slippage_ticks,
        slippage_rate=min(2 * setup.slippage_rate, Decimal("0.99")),
    )
    return doubted.again(dearer)


def in_the_neighbourhood(doubted: Doubted) -> tuple[Point, ...]:
    """What the points one step away come to."""
    points = around(doubted)
    return run_points(doubted.document, points, doubted.bars, doubted.rules, doubted.setup, ground=doubted.ground)


def around(doubted: Doubted) -> list[Parameters]:
    """The points one step away; of very many, evenly chosen ones."""
    points = list(neighbours(doubted.document, doubted.parameters))
    if len(points) <= MOST_NEIGHBOURS:
        return points
    places = np.linspace(0, len(points) - 1, MOST_NEIGHBOURS).astype(int).tolist()
    return [points[place] for place in places]


def walked_forward(doubted: Doubted) -> WalkForward:
    """Trained and tested by turns among the neighbours and itself. Raises BarsRefused where the bars are too few."""
    points = [doubted.parameters, *around(doubted)]
    return walk(doubted.document, points, doubted.bars, doubted.rules, doubted.setup, windows=WINDOWS)


def middle_return(points: Sequence[Point]) -> float:
    return median(point.total_return or 0.0 for point in points)
