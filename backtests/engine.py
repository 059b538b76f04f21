"""A backtest: one rule, one instrument's bars, one setup in; fills, equity and their hashes out. The same in, the same out.

Decisions are arrays of the compiled rule; only bars on which something can happen are walked, with live's own SIGNAL
machine, sizing, matching and costs.
"""

import hashlib
import operator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from backtests.errors import BarsRefused
from backtests.fills import Fill, Fills, UnitFill, in_plain_numbers
from backtests.ground import Ground
from backtests.setup import Setup
from backtests.simulation import Simulation
from backtests.venue import Venue
from markets.bars import Bars, FloatArray
from markets.types import InstrumentRules
from strategies.compiler import Evaluator
from strategies.document import RuleDocument
from strategies.evaluation import Evaluation

LINE = " ".join(["%s"] * len(UnitFill._fields))


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave. Arrays have shape (n,), one for each bar: `equity` and `cash` in the currency, `held` in units.

    `first_bar` is the first whose close was decided on. `version_hash` names the rule with its numbers, `inputs_hash` bars,
    setup and instrument, `result_hash` fills and equity.
    """

    setup: Setup
    ground: Ground
    venue: Venue
    first_bar: int
    filled: Fills
    equity: FloatArray
    cash: FloatArray
    held: FloatArray
    seed: int
    version_hash: str

    @property
    def bars(self) -> Bars:
        return self.ground.bars

    @cached_property
    def unit_fills(self) -> tuple[UnitFill, ...]:
        return tuple(self.filled)

    @cached_property
    def fills(self) -> tuple[Fill, ...]:
        return tuple(in_plain_numbers(fill, self.venue) for fill in self.filled)

    @cached_property
    def inputs_hash(self) -> str:
        return self.ground.inputs_hash(self.setup, self.venue.rules)

    @cached_property
    def result_hash(self) -> str:
        digest = hashlib.sha256(f"{self.version_hash} {self.inputs_hash} {self.seed}".encode())
        digest.update("\n".join([LINE % row for row in self.filled.rows()]).encode())
        digest.update(self.equity.data)
        return digest.hexdigest()


def run(
    evaluator: Evaluator, bars: Bars, rules: InstrumentRules, setup: Setup, *, ground: Ground | None = None
) -> Result:
    """The rule over the bars. A `ground` of these bars shares among runs what the bars alone decide: indicators, hash, days.

    Raises BarsRefused, SetupRefused, strategies.errors.BarsInvalid, markets.dated.NoRuleInForce.
    """
    ground = ground or Ground(bars)
    if ground.bars is not bars:
        raise ValueError("the ground belongs to other bars")
    warm_up = evaluator.warm_up if setup.warm_up is None else setup.warm_up
    if warm_up >= len(bars):
        raise BarsRefused("warm_up_longer_than_data", bars=len(bars), needed=warm_up + 1)
    ground.hash_beside()
    evaluation = evaluator.evaluate(bars, ground.frame)
    return simulate(evaluation, rules, setup, first_bar=warm_up - 1, ground=ground)


def simulate(
    evaluation: Evaluation,
    rules: InstrumentRules,
    setup: Setup,
    *,
    first_bar: int,
    ground: Ground | None = None,
    smooth: bool = True,
) -> Result:
    """What the decisions of `evaluation` come to, from the close of `first_bar` on.

    Not `smooth`: every bar that asks for something is walked by itself. The result is the same.
    """
    simulation = Simulation(evaluation, rules, setup, smooth=smooth)
    simulation.run(first_bar)
    return result_of(simulation, evaluation.document, ground or Ground(evaluation.bars), first_bar)


def result_of(simulation: Simulation, document: RuleDocument, ground: Ground, first_bar: int) -> Result:
    """What a simulation that has run to its end came to."""
    bars, setup, venue, fills = ground.bars, simulation.setup, simulation.venue, simulation.fills
    held, cash = _standing(fills, len(bars), venue, venue.cash_units(setup.cash))
    return Result(
        setup=setup,
        ground=ground,
        venue=venue,
        first_bar=first_bar,
        filled=fills,
        equity=cash + held * bars.close,
        cash=cash,
        held=held,
        seed=setup.seed,
        version_hash=document.version_hash(),
    )


def _standing(fills: Fills, count: int, venue: Venue, cash: int) -> tuple[FloatArray, FloatArray]:
    """What is held, and the cash, at the close of every bar."""
    if not len(fills):
        return np.zeros(count), np.full(count, cash / venue.cash_scale)
    lengths = np.diff([0, *fills.bar, count])
    moved = map(operator.mul, fills.quantity, fills.ways())
    held = np.array(list(accumulate(moved, initial=0)), dtype=np.float64) / venue.quantity_scale
    cashes = np.array([cash, *fills.cash_after], dtype=np.float64) / venue.cash_scale
    return np.repeat(held, lengths), np.repeat(cashes, lengths)
