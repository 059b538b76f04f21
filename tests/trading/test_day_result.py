"""What a market day has brought (§3.12, daily loss): sums by hand, and that they do not depend on how the day was traded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.types import Side
from trading.day_result import Traded, loss_rate, result

SIZES = st.integers(1, 1000).map(Decimal)
PRICES = st.integers(1, 100_000).map(Decimal)
FILLS = st.lists(st.tuples(st.sampled_from(list(Side)), SIZES, PRICES, st.integers(0, 100).map(Decimal)), max_size=8)


def traded(*fills: tuple[Side, int, int, int]) -> Traded:
    day = Traded()
    for side, quantity, price, costs in fills:
        day = day.with_fill(side, Decimal(quantity), Decimal(quantity * price), Decimal(costs))
    return day


@pytest.mark.parametrize(
    ("fills", "units", "price", "base", "brought"),
    [
        ([], 10, 90, 100, -100),  # held over night, and fallen
        ([], 0, 90, 100, 0),
        ([(Side.BUY, 10, 100, 5)], 10, 90, 120, -105),  # bought today: its base price is no matter
        ([(Side.SELL, 10, 90, 5)], 0, 80, 100, -105),  # held over night and sold: what came after is no matter
        ([(Side.BUY, 10, 100, 0), (Side.SELL, 10, 110, 0)], 0, 1, 1, 100),  # in and out
        ([(Side.BUY, 10, 100, 0)], 30, 110, 100, 300),  # twenty from before, ten from today
        ([(Side.SELL, 5, 95, 1)], 5, 90, 100, -76),  # half realised, half open
    ],
)
def test_a_day_by_hand(
    fills: list[tuple[Side, int, int, int]], units: int, price: int, base: int, brought: int
) -> None:
    assert result(Decimal(units), traded(*fills), Decimal(price), Decimal(base)) == brought


@given(FILLS, SIZES, PRICES, PRICES)
def test_the_days_result_is_the_change_of_what_one_owns(
    fills: list[tuple[Side, Decimal, Decimal, Decimal]], before: Decimal, price: Decimal, base: Decimal
) -> None:
    """Cash and units, at the base price when the day began and at the last price now."""
    day, cash, units = Traded(), Decimal(0), before
    for side, quantity, each, costs in fills:
        day = day.with_fill(side, quantity, quantity * each, costs)
        cash += (quantity * each if side is Side.SELL else -quantity * each) - costs
        units += -quantity if side is Side.SELL else quantity
    assert result(units, day, price, base) == cash + units * price - before * base


@pytest.mark.parametrize(
    ("brought", "before", "rate"), [(-30, 1000, "0.03"), (30, 1000, "0"), (0, 0, "0"), (-1, 0, "1"), (-1, -5, "1")]
)
def test_a_loss_is_a_fraction_of_what_there_was(brought: int, before: int, rate: str) -> None:
    assert loss_rate(Decimal(brought), Decimal(before)) == Decimal(rate)
