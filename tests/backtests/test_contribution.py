"""What each of several instruments brought to their account: together it is what the account made."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.contribution import contributions
from backtests.reports import report_together
from backtests.together import run_together
from tests.backtests.scenes import evaluation, flat
from tests.backtests.test_together import OTHER, part, shared


def test_each_instrument_is_told_apart() -> None:
    """10 bought at 100 and sold at 110; 10 bought at 200 and still held at 180."""
    first = evaluation(flat(100, 100, 110, 110, 110), first=[0], sells=[2])
    second = evaluation(flat(200, 200, 200, 180, 180), first=[1])
    one, two = contributions(run_together([part(first), part(second, OTHER)], shared(quantity=Decimal(10))))
    assert one.instrument == "TEST:COIN"
    assert [int(each) for each in (one.profit, one.realised, one.held_worth)] == [100, 100, 0]
    assert (one.trades, one.wins, one.fills, one.share) == (1, 1, 2, 0.001)
    assert one.hold_return == pytest.approx(0.1)
    assert [int(each) for each in (two.profit, two.realised, two.held_worth)] == [-200, 0, 1800]
    assert (two.trades, two.fills, two.exposure) == (0, 1, 3 / 4)


@settings(max_examples=40, deadline=None)
@given(
    prices=st.lists(st.lists(st.integers(50, 200), min_size=8, max_size=8), min_size=2, max_size=3),
    sells=st.integers(2, 9),
    commission=st.sampled_from(["0", "0.001"]),
)
def test_what_all_brought_is_what_the_account_made(prices: list[list[int]], sells: int, commission: str) -> None:
    parts = [
        part(evaluation(flat(*each), first=[0, 4], sells=[sells] if sells < 8 else []), replace(OTHER, key=f"TEST:{n}"))
        for n, each in enumerate(prices)
    ]
    together = run_together(parts, shared(budget=Decimal(20_000), commission=Decimal(commission)))
    made = sum(each.profit for each in contributions(together))
    assert float(made) == pytest.approx(together.equity[-1] - float(together.setup.cash), abs=1e-6)


def test_the_rule_of_all_parts_is_the_rule_of_the_account() -> None:
    """One rule over several instruments keeps its own hash; of several rules all are named."""
    seen = evaluation(flat(100, 100, 110), first=[0])
    together = run_together([part(seen), part(seen, OTHER)], shared(budget=Decimal(20_000)))
    assert report_together(together).version_hash == seen.document.version_hash()
