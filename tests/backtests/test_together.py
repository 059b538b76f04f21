"""Several instruments on one cash account: nobody spends what another has set aside, and time decides who comes first."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from backtests.engine import simulate
from backtests.errors import SetupRefused
from backtests.ground import Ground
from backtests.reports import report_together
from backtests.setup import Setup
from backtests.together import Part, Together, run_together
from markets.types import InstrumentRules
from strategies.evaluation import Evaluation
from tests.backtests.scenes import COIN, evaluation, flat, free, rule
from tests.backtests.test_smooth import scenes

OTHER = replace(COIN, key="TEST:OTHER")


def part(seen: Evaluation, rules: InstrumentRules = COIN) -> Part:
    return Part(seen, rules, Ground(seen.bars), 0)


def shared(**changes: Any) -> Setup:
    return free(**({"collar": True, "quantity": None, "first_share": Decimal(1)} | changes))


def told(together: Together) -> list[list[tuple[int, str, int]]]:
    """(bar, side, quantity) of each fill, by instrument."""
    return [[(fill.bar, str(fill.side), int(fill.quantity)) for fill in part.fills] for part in together.parts]


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_one_instrument_on_an_account_is_the_run_by_itself(scene: tuple[Evaluation, InstrumentRules, Setup]) -> None:
    seen, rules, setup = scene
    setup = replace(setup, collar=True)
    alone = simulate(seen, rules, setup, first_bar=0)
    together = run_together([part(seen, rules)], setup)
    assert list(map(repr, together.parts[0].filled)) == list(map(repr, alone.filled))
    assert together.equity == pytest.approx(alone.equity, rel=1e-12)
    assert np.array_equal(together.cash, alone.cash)


def test_the_second_of_two_that_want_all_the_cash_gets_none() -> None:
    """100,000 at a worst price of 105: 952 units for the first, who sets 99,960 aside; 40 pay for nothing more."""
    first, second = (evaluation(flat(*[100] * 4), first=[0]) for _ in range(2))
    together = run_together([part(first), part(second, OTHER)], shared())
    assert told(together) == [[(1, "buy", 952)], []]


def test_two_with_a_budget_each_share_the_cash() -> None:
    first, second = (evaluation(flat(*[100] * 4), first=[0]) for _ in range(2))
    together = run_together([part(first), part(second, OTHER)], shared(budget=Decimal(50_000)))
    assert told(together) == [[(1, "buy", 476)], [(1, "buy", 476)]]
    assert together.cash.tolist() == [100_000, 4_800, 4_800, 4_800]
    assert together.equity.tolist() == [100_000] * 4


def test_what_one_sells_at_an_open_the_other_may_spend_on_that_bars_close() -> None:
    """Sold at the open of bar 3: who decides on the close of bar 2 has 4,800 left, a bar later everything."""
    first = evaluation(flat(*[100] * 6), first=[0], sells=[2])
    early = evaluation(flat(*[100] * 6), first=[2])
    later = evaluation(flat(*[100] * 6), first=[3])
    assert told(run_together([part(first), part(early, OTHER)], shared()))[1] == [(3, "buy", 45)]
    assert told(run_together([part(first), part(later, OTHER)], shared()))[1] == [(4, "buy", 952)]


def test_cash_set_aside_for_an_order_on_its_way_is_not_spent_by_another() -> None:
    """The first order fills 10 a bar; what it still waits for stays its own."""
    slow = evaluation(flat(*[100] * 6, volume=100), first=[0])
    other = evaluation(flat(*[100] * 6), first=[2])
    setup = shared(participation=(1, 10), cash=Decimal(6_000), budget=Decimal(5_000))
    together = run_together([part(slow), part(other, OTHER)], setup)
    # 5,000 / 105 = 47 units: 10 in each of five bars; at the close of bar 2 27 are to come for 2,835 at worst
    assert told(together)[0] == [(1, "buy", 10), (2, "buy", 10), (3, "buy", 10), (4, "buy", 10), (5, "buy", 7)]
    assert told(together)[1] == []  # 6,000 - 2,000 - 2,835 = 1,165, and its budget of 5,000 wants 4,935


def test_a_position_keeps_within_its_share_of_all_that_the_account_is_worth() -> None:
    """Half of 100,000 in one at 100; then a quarter of the account, not of the cash, in the other."""
    first = evaluation(flat(*[100] * 5), first=[0])
    limited = evaluation(flat(*[100] * 5), first=[2], document=rule(max_position_rate=0.25))
    together = run_together([part(first), part(limited, OTHER)], shared(quantity=Decimal(500)))
    assert told(together) == [[(1, "buy", 500)], [(3, "buy", 250)]]


def test_instruments_that_trade_at_other_hours_are_summed_at_every_close() -> None:
    first = evaluation(flat(100, 100, 110, 120), first=[0])
    later = evaluation(flat(50, 50, 60, start=1_600_002_000 // 3600 * 3600 + 7 * 3600), first=[0])
    together = run_together([part(first), part(later, OTHER)], shared(quantity=Decimal(100)))
    assert len(together.closed_at) == 7
    assert together.equity.tolist() == [100_000, 100_000, 101_000, 102_000, 102_000, 102_000, 103_000]


def test_a_report_of_an_account_tells_the_trades_of_all() -> None:
    first = evaluation(flat(100, 100, 110, 110, 110), first=[0], sells=[2])
    second = evaluation(flat(200, 200, 200, 180, 180), first=[1], sells=[3])
    report = report_together(run_together([part(first), part(second, OTHER)], shared(quantity=Decimal(10))))
    assert [(each.number, each.instrument, str(each.profit)) for each in report.trades] == [
        (1, "TEST:COIN", "100"),
        (2, "TEST:OTHER", "-200"),
    ]
    figures = report.metrics.trades
    assert (figures.count, figures.wins, figures.expectancy, figures.is_open) == (2, 1, -50, False)
    assert figures.exposure == 3 / 4  # of the four closes that could be traded, the first three held something
    assert report.metrics.hold.final_equity == pytest.approx(50_000 * 110 / 100 + 50_000 * 180 / 200)


@pytest.mark.parametrize(
    ("setup", "rules", "code"),
    [
        (free(), OTHER, "collar_needed"),
        (shared(), replace(OTHER, currency="USDT"), "currencies_differ"),
    ],
)
def test_what_cannot_share_an_account_is_refused(setup: Setup, rules: InstrumentRules, code: str) -> None:
    seen = evaluation(flat(100, 100))
    with pytest.raises(SetupRefused) as refused:
        run_together([part(seen), part(seen, rules)], setup)
    assert refused.value.code == code
    with pytest.raises(SetupRefused):
        run_together([], setup)
