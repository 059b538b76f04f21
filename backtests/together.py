"""Several instruments on one cash account: each with its own rule and bars, all trading in the order of time."""

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from backtests import metrics
from backtests.account import Account
from backtests.engine import Result, result_of
from backtests.errors import BarsRefused, SetupRefused
from backtests.ground import Ground
from backtests.setup import Setup
from backtests.simulation import Moment, Simulation
from brokers.virtual.matching import to_units
from markets.bars import Bars, FloatArray, IntArray
from markets.types import InstrumentRules
from strategies.compiler import Evaluator
from strategies.evaluation import BoolArray, Evaluation


@dataclass(frozen=True, eq=False)
class Part:
    """One instrument of the account: what its rule says about its bars, from the close of `first_bar` on."""

    evaluation: Evaluation
    rules: InstrumentRules
    ground: Ground
    first_bar: int


def part_of(evaluator: Evaluator, bars: Bars, rules: InstrumentRules, setup: Setup) -> Part:
    """The rule over the bars of one instrument. Raises BarsRefused, strategies.errors.BarsInvalid."""
    ground = Ground(bars)
    warm_up = evaluator.warm_up if setup.warm_up is None else setup.warm_up
    if warm_up >= len(bars):
        raise BarsRefused("warm_up_longer_than_data", bars=len(bars), needed=warm_up + 1)
    return Part(evaluator.evaluate(bars, ground.frame), rules, ground, warm_up - 1)


@dataclass(frozen=True, eq=False)
class Together:
    """What the account came to. `parts` has a result for each instrument, in the order given: its fills and what it held.

    Of a part, `cash` and `equity` mean nothing by themselves: the cash is everybody's. `closed_at` are the closes of all parts
    in order, `equity` and `cash` the account's at each.
    """

    setup: Setup
    parts: tuple[Result, ...]
    closed_at: IntArray
    equity: FloatArray
    cash: FloatArray
    held: BoolArray  # whether anything was

    @cached_property
    def result_hash(self) -> str:
        digest = hashlib.sha256(" ".join(part.result_hash for part in self.parts).encode())
        digest.update(self.equity.data)
        return digest.hexdigest()

    def metrics(self) -> metrics.Metrics:
        """All figures of the account."""
        return metrics.Metrics(
            strategy=metrics.curve(self.closed_at, self.equity),
            hold=metrics.curve(self.closed_at, self.hold()),
            trades=metrics.trades_of(self.parts, float(self.equity.mean()), float(self.held[1:].mean())),
        )

    def hold(self) -> FloatArray:
        """The equity of who put an equal part of the cash into each instrument when it could first be traded, and held."""
        share = np.zeros(len(self.closed_at))
        for part in self.parts:
            held = metrics.held_from(part) / len(self.parts)
            known = part.bars.closed_at[part.first_bar :]
            places = np.searchsorted(known, self.closed_at, side="right") - 1
            share += np.where(places < 0, held[0], held[places])
        return share


def run_together(parts: Sequence[Part], setup: Setup) -> Together:
    """The parts on one account of `setup.cash`; every plan trades by this setup, from its own cash set aside.

    A `budget` is each plan's own; without one a plan may use all the cash that no other has set aside. What is decided on a
    close comes before what trades at the open of the same instant; of two at once the earlier part comes first. Raises
    BarsRefused, SetupRefused (`no_parts`, `currencies_differ`, `collar_needed`).
    """
    _refuse_unless_shared(parts, setup)
    account = Account(to_units(setup.cash, parts[0].rules.cash_decimals))
    simulations = [Simulation(part.evaluation, part.rules, setup, smooth=False, account=account) for part in parts]
    _by_turns([run.moments(part.first_bar) for run, part in zip(simulations, parts, strict=True)])
    return _summed(
        setup,
        tuple(
            result_of(run, part.evaluation.document.version_hash(), part.ground, part.first_bar)
            for run, part in zip(simulations, parts, strict=True)
        ),
    )


def _by_turns(runs: Sequence[Iterator[Moment]]) -> None:
    """Let each run go on from its next moment, the earliest first."""
    waiting = [(moment, number) for number, run in enumerate(runs) if (moment := next(run, None)) is not None]
    heapq.heapify(waiting)
    while waiting:
        _moment, number = waiting[0]
        following = next(runs[number], None)
        if following is None:
            heapq.heappop(waiting)
        else:
            heapq.heapreplace(waiting, (following, number))


def _summed(setup: Setup, parts: tuple[Result, ...]) -> Together:
    """The account at every close of any part, from the first that was decided on."""
    venue = parts[0].venue
    closed_at = np.unique(np.concatenate([part.bars.closed_at[part.first_bar :] for part in parts]))
    moved, worth = [0] * len(closed_at), np.zeros(len(closed_at))
    held = np.zeros(len(closed_at), dtype=np.bool_)
    for part in parts:
        closes, fills = part.bars.closed_at, part.filled.columns
        for place, came in zip(
            np.searchsorted(closed_at, closes[fills.bar]).tolist(), fills.moved.tolist(), strict=True
        ):
            moved[place] += came
        places = np.searchsorted(closes, closed_at, side="right") - 1
        worth += np.where(places < 0, 0.0, part.held[places] * part.bars.close[places])
        held |= (places >= 0) & (part.held[places] > 0)
    standing = accumulate(moved, initial=venue.cash_units(setup.cash))
    cash = np.array(list(standing)[1:], dtype=np.float64) / venue.cash_scale
    return Together(setup, parts, closed_at, cash + worth, cash, held)


def _refuse_unless_shared(parts: Sequence[Part], setup: Setup) -> None:
    if not parts:
        raise SetupRefused("no_parts")
    if len({(part.rules.currency, part.rules.cash_decimals) for part in parts}) > 1:
        raise SetupRefused("currencies_differ")
    if not setup.collar:  # without one nobody knows what to set aside
        raise SetupRefused("collar_needed")
