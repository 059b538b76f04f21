"""The scorecard says of a good run that it is good, and finds what is wrong with a bad one (G11)."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from backtests import chances, doubts, scorecard
from backtests.doubts import Doubted
from backtests.engine import Result, run
from backtests.ground import Ground
from backtests.results import Check, Scorecard, Verdict
from backtests.setup import Setup
from markets.bars import Bars
from strategies.compiler import compile_document
from tests.backtests.scenes import COIN, cross_rule, evaluation, flat, free, played, waves

SETUP = Setup(cash=Decimal(10_000_000), cooldown_bars=0, seed=7)
GOOD = waves(30_000, noise=0.0005)
# Averages of a price that goes nowhere, with costs that eat what is left.
HOPELESS = waves(4_000, noise=0.01, swing=0, drift=-0.0002, seed=11)


def scored(bars: Bars, setup: Setup = SETUP) -> Scorecard:
    return scorecard.score(cross_rule(), {"fast": 5, "slow": 20}, bars, COIN, setup)


def doubted(bars: Bars, setup: Setup = SETUP) -> tuple[Doubted, Result]:
    ground = Ground(bars)
    result = run(compile_document(cross_rule()), bars, COIN, setup, ground=ground)
    return Doubted(cross_rule(), {}, bars, COIN, setup, ground), result


def verdicts(card: Scorecard) -> dict[str, Verdict]:
    return {check.code: check.verdict for check in card.checks}


def test_a_rule_that_fits_its_market_is_graded_well() -> None:
    card = scored(GOOD)
    told = verdicts(card)
    assert tuple(told) == scorecard.CHECKS
    assert {told[code] for code in ("trade_count", "look_ahead", "warm_up", "neighbourhood", "walk_forward")} == {
        "pass"
    }
    assert card.grade in ("A", "B")


def test_a_rule_that_loses_is_failed_and_told_why() -> None:
    card = scored(HOPELESS, replace(SETUP, slippage_rate=Decimal("0.003")))
    told = verdicts(card)
    assert (told["costs_doubled"], told["neighbourhood"], told["look_ahead"]) == ("fail", "fail", "pass")
    assert card.grade == "F"


def test_the_same_seed_gives_the_same_card_and_its_hashes() -> None:
    bars = waves(1500)
    card = scored(bars)
    assert card == scored(bars)
    result = run(compile_document(cross_rule(), {"fast": 5, "slow": 20}), bars, COIN, SETUP)
    assert (card.version_hash, card.inputs_hash, card.result_hash) == (
        result.version_hash,
        result.inputs_hash,
        result.result_hash,
    )
    assert scored(bars, replace(SETUP, seed=8)) != card


def test_what_cannot_be_asked_is_unknown_and_says_why() -> None:
    card = scored(waves(300))
    why = {check.code: check.facts.get("why") for check in card.checks if check.verdict == "unknown"}
    assert why["warm_up"] == why["walk_forward"] == "too_few_bars"
    assert why["block_bootstrap"] == "too_few_days"


def test_fills_that_change_when_the_future_is_cut_off_are_counted() -> None:
    """A run that knew another market is as good as one that looked ahead."""
    asked, honest = doubted(waves(1500))
    assert doubts.fills_changed_by_cutting(asked, honest, seed=1)[0] == 0
    _, of_another_market = doubted(waves(1500, seed=99, noise=0.01))
    changed, compared = doubts.fills_changed_by_cutting(asked, of_another_market, seed=1)
    assert changed > 0
    assert compared > 0


def test_costs_are_doubled_but_the_tax_is_not() -> None:
    asked, result = doubted(waves(1500), replace(SETUP, commission=Decimal("0.001"), slippage_rate=Decimal("0.002")))
    setup = doubts.at_twice_the_costs(asked, result).setup
    assert (setup.commission, setup.slippage_rate, setup.spread_ticks) == (Decimal("0.002"), Decimal("0.004"), 2)


def test_trades_in_another_order_are_as_deep_as_their_losses_in_a_row() -> None:
    """Half lost and then won back: whatever the order, two losses of 50 % in a row are the deepest there is."""
    rates = np.array([-0.5, -0.5, 1.0, 1.0])
    drawn = chances.drawdowns_of_other_orders(rates, seed=1)
    assert drawn.low == pytest.approx(-0.75)
    assert drawn.high == pytest.approx(-0.5)
    assert drawn.draws == 1000


def test_days_drawn_again_are_as_long_as_the_days_there_were() -> None:
    spread, lost = chances.returns_of_other_days(np.full(45, 0.01), seed=1)
    assert spread.low == pytest.approx(1.01**45 - 1)
    assert spread.high == pytest.approx(1.01**45 - 1)
    assert lost == 0
    assert chances.returns_of_other_days(np.full(45, -0.01), seed=1)[1] == 1


def test_a_trade_is_measured_against_all_the_worth_before_it() -> None:
    """10 bought at 100 and sold at 150 of 100,000; then 10 at 150 and sold at 100 of 100,500."""
    seen = evaluation(flat(100, 100, 150, 150, 150, 100, 100), first=[0, 2, 3], sells=[1, 4])
    assert chances.trade_rates(played(seen, free())).tolist() == pytest.approx([500 / 100_000, -500 / 100_500])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (["pass"] * 9, "A"),
        (["pass"] * 8 + ["warn"], "B"),
        (["pass"] * 6 + ["warn"] * 3, "C"),
        (["pass"] * 8 + ["fail"], "C"),
        (["pass"] * 7 + ["fail"] * 2, "D"),
        (["pass"] * 6 + ["fail"] * 3, "F"),
        (["pass", "fail"] + ["pass"] * 7, "F"),  # the second question is whether it looked ahead
    ],
)
def test_grades(told: list[Verdict], expected: str) -> None:
    checks = [
        Check(code=code, verdict=verdict, number=0, facts={})
        for code, verdict in zip(scorecard.CHECKS, told, strict=True)
    ]
    assert scorecard.grade(checks) == expected
