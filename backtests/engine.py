"""A backtest: one rule, one instrument's bars, one setup in; fills, equity and their hashes out. The same in, the same out.

Decisions are arrays of the compiled rule; only bars on which something can happen are walked, with live's own SIGNAL
machine, sizing, matching and costs.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from backtests.bars import check_bars, inputs_hash
from backtests.errors import BarsRefused
from backtests.fills import Fill, UnitFill, in_plain_numbers
from backtests.setup import Setup
from backtests.simulation import Simulation
from backtests.venue import Venue
from markets.bars import Bars, FloatArray, IntArray
from markets.types import InstrumentRules, Side
from strategies.compiler import Evaluator
from strategies.evaluation import Evaluation
from strategies.indicators import Frame

LINE = " ".join(["%s"] * len(UnitFill._fields))


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave. Arrays have shape (n,), one for each bar: `equity` and `cash` in the currency, `held` in units.

    `first_bar` is the first whose close was decided on. `version_hash` names the rule with its numbers, `inputs_hash` bars,
    setup and instrument, `result_hash` fills and equity.
    """

    setup: Setup
    bars: Bars
    venue: Venue
    first_bar: int
    unit_fills: tuple[UnitFill, ...]
    equity: FloatArray
    cash: FloatArray
    held: FloatArray
    seed: int
    version_hash: str

    @cached_property
    def fills(self) -> tuple[Fill, ...]:
        return tuple(in_plain_numbers(fill, self.venue) for fill in self.unit_fills)

    @cached_property
    def inputs_hash(self) -> str:
        said = {"setup": self.setup.as_data(), "instrument": asdict(self.venue.rules), "bars": inputs_hash(self.bars)}
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()

    @cached_property
    def result_hash(self) -> str:
        digest = hashlib.sha256(f"{self.version_hash} {self.inputs_hash} {self.seed}".encode())
        digest.update("\n".join([LINE % fill for fill in self.unit_fills]).encode())
        digest.update(self.equity.data)
        return digest.hexdigest()


def run(
    evaluator: Evaluator, bars: Bars, rules: InstrumentRules, setup: Setup, *, frame: Frame | None = None
) -> Result:
    """The rule over the bars. A `frame` of these bars shares indicators among runs.

    Raises BarsRefused, SetupRefused, strategies.errors.BarsInvalid, markets.dated.NoRuleInForce.
    """
    check_bars(bars)
    warm_up = evaluator.warm_up if setup.warm_up is None else setup.warm_up
    if warm_up >= len(bars):
        raise BarsRefused("warm_up_longer_than_data", bars=len(bars), needed=warm_up + 1)
    return simulate(evaluator.evaluate(bars, frame), rules, setup, first_bar=warm_up - 1)


def simulate(evaluation: Evaluation, rules: InstrumentRules, setup: Setup, *, first_bar: int) -> Result:
    """What the decisions of `evaluation` come to, from the close of `first_bar` on."""
    simulation = Simulation(evaluation, rules, setup)
    simulation.run(first_bar)
    bars, venue, fills = evaluation.bars, simulation.venue, simulation.fills
    held, cash = _standing(fills, len(bars), venue, venue.cash_units(setup.cash))
    return Result(
        setup=setup,
        bars=bars,
        venue=venue,
        first_bar=first_bar,
        unit_fills=tuple(fills),
        equity=cash + held * bars.close,
        cash=cash,
        held=held,
        seed=setup.seed,
        version_hash=evaluation.document.version_hash(),
    )


def _standing(fills: list[UnitFill], count: int, venue: Venue, cash: int) -> tuple[FloatArray, FloatArray]:
    """What is held, and the cash, at the close of every bar."""
    if not fills:
        return np.zeros(count), np.full(count, cash / venue.cash_scale)
    edges: IntArray = np.array([0, *(fill.bar for fill in fills), count])
    moved = (fill.quantity if fill.side is Side.BUY else -fill.quantity for fill in fills)
    held, steps = 0, [0.0]
    for quantity in moved:
        held += quantity
        steps.append(held / venue.quantity_scale)
    lengths = np.diff(edges)
    cashes = [cash / venue.cash_scale, *(fill.cash_after / venue.cash_scale for fill in fills)]
    return np.repeat(np.array(steps), lengths), np.repeat(np.array(cashes), lengths)
