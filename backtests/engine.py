"""A backtest: one rule, one instrument's bars, one setup in; fills, equity and their hashes out. The same in, the same out.

Decisions are arrays of the compiled rule; only bars on which something can happen are walked, with live's own SIGNAL
machine, sizing, matching and costs.
"""

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from backtests.errors import BarsRefused
from backtests.fills import Fill, Fills, UnitFill, in_plain_numbers
from backtests.ground import Ground
from backtests.setup import Setup
from backtests.simulation import Simulation
from backtests.venue import Venue
from markets.bars import Bars, FloatArray, IntArray
from markets.types import InstrumentRules
from strategies.compiler import Evaluator
from strategies.evaluation import Evaluation

Ended = TypeVar("Ended")


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What is held, and the cash, before the first fill and after each: for so many closes. Arrays of shape (fills + 1,)."""

    lengths: IntArray
    held: FloatArray
    cash: FloatArray

    def each(self, values: FloatArray) -> FloatArray:
        """The same at the close of every bar."""
        return np.repeat(values, self.lengths)


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave. Arrays have shape (n,), one for each bar: `equity` and `cash` in the currency, `held` in quantity.

    `first_bar` is the first whose close was decided on. `version_hash` names the rule with its numbers, `inputs_hash` bars,
    setup and instrument, `result_hash` fills and equity.
    """

    setup: Setup
    ground: Ground
    venue: Venue
    first_bar: int
    filled: Fills
    standing: Standing
    seed: int
    version_hash: str

    @property
    def bars(self) -> Bars:
        return self.ground.bars

    @cached_property
    def equity(self) -> FloatArray:
        standing = self.standing
        equity = standing.each(standing.held)
        equity *= self.bars.close
        equity += standing.each(standing.cash)
        return equity

    @cached_property
    def cash(self) -> FloatArray:
        return self.standing.each(self.standing.cash)

    @cached_property
    def held(self) -> FloatArray:
        return self.standing.each(self.standing.held)

    @property
    def bars_held(self) -> int:
        """How many bars there are at whose close something was held."""
        return int(self.standing.lengths[self.standing.held > 0].sum())

    @property
    def is_holding(self) -> bool:
        """Whether something is held at the end."""
        return bool(self.standing.held[-1] > 0)

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
        self.filled.columns.digest(digest)
        digest.update(self.equity.data)
        return digest.hexdigest()


def run(
    evaluator: Evaluator,
    bars: Bars,
    rules: InstrumentRules,
    setup: Setup,
    *,
    ground: Ground | None = None,
) -> Result:
    """The rule over the bars. A `ground` of these bars shares among runs what the bars alone decide: indicators, hash, days.

    Raises BarsRefused, SetupRefused, strategies.errors.BarsInvalid, markets.dated.NoRuleInForce.
    """
    ground = ground or Ground(bars)
    if ground.bars is not bars:
        raise ValueError("the ground belongs to other bars")
    ground.hash_beside()
    (result,) = in_step([stages(evaluator, ground, rules, setup)])
    return result


def stages(
    evaluator: Evaluator, ground: Ground, rules: InstrumentRules, setup: Setup, version_hash: str = ""
) -> Generator[None, None, Result]:
    """The run a stage at a time, its result at the end. `version_hash`: the document's, where it is known. Raises as `run`."""
    bars = ground.bars
    warm_up = evaluator.warm_up if setup.warm_up is None else setup.warm_up
    if warm_up >= len(bars):
        raise BarsRefused("warm_up_longer_than_data", bars=len(bars), needed=warm_up + 1)
    evaluation = evaluator.evaluate(bars, ground.frame)
    yield
    simulation = Simulation(evaluation, rules, setup, market=ground.market(setup, rules))
    yield
    simulation.run(warm_up - 1)
    yield
    return result_of(simulation, version_hash or evaluation.document.version_hash(), ground, warm_up - 1)


def in_step(works: Sequence[Generator[None, None, Ended]]) -> list[Ended]:
    """What each of these comes to. All take a stage before any takes the next: the processor keeps at hand what it needs."""
    ended: dict[int, Ended] = {}
    while len(ended) < len(works):
        for number, work in enumerate(works):
            if number in ended:
                continue
            try:
                next(work)
            except StopIteration as end:
                ended[number] = end.value
    return [ended[number] for number in range(len(works))]


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
    ground = ground or Ground(evaluation.bars)
    simulation = Simulation(evaluation, rules, setup, smooth=smooth, market=ground.market(setup, rules))
    simulation.run(first_bar)
    return result_of(simulation, evaluation.document.version_hash(), ground, first_bar)


def result_of(simulation: Simulation, version_hash: str, ground: Ground, first_bar: int) -> Result:
    """What a simulation that has run to its end came to."""
    setup, venue, fills = simulation.setup, simulation.venue, simulation.fills
    return Result(
        setup=setup,
        ground=ground,
        venue=venue,
        first_bar=first_bar,
        filled=fills,
        standing=_standing(fills, len(ground.bars), venue, venue.cash_units(setup.cash)),
        seed=setup.seed,
        version_hash=version_hash,
    )


def _standing(fills: Fills, count: int, venue: Venue, cash: int) -> Standing:
    told = fills.columns
    held = np.cumsum(told.quantity * told.ways).astype(np.float64)
    return Standing(
        np.diff(np.concatenate([[0], told.bar, [count]])),
        np.concatenate([[0.0], held]) / venue.quantity_scale,
        np.concatenate([[float(cash)], told.cash_after.astype(np.float64)]) / venue.cash_scale,
    )
