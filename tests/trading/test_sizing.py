"""Quantities are rounded down, and never cost more than the plan may spend: G18, I20."""

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trading.sizing import SizingInvalid, level_price, most_within, size_buy, size_sell, to_decimal

D = Decimal
STOCK = {"lot": D(1), "min_quantity": D(1), "min_amount": D(0)}
CRYPTO = {"lot": D("0.00000001"), "min_quantity": D(0), "min_amount": D(5000)}


def buy(**keys: Any) -> Decimal:
    asked = {"budget": D(1_000_000), "share": D(1), "price": D(71_000), "fee_rate": D("0.00015"), "already_spent": D(0)}
    return size_buy(**(asked | STOCK | keys))


@pytest.mark.parametrize(
    ("keys", "quantity"),
    [
        ({}, "14"),  # 14 cost 994,149; 15 would cost 1,065,160
        ({"share": D("0.5")}, "7"),
        ({"share": D("0.5"), "already_spent": D(497_075)}, "7"),
        ({"already_spent": D(900_000)}, "1"),
        ({"already_spent": D(1_000_000)}, "0"),
        ({"already_spent": D(1_200_000)}, "0"),
        ({"budget": D(0)}, "0"),
        ({"price": D(1_000_000), "fee_rate": D(0)}, "1"),
        ({"price": D(1_000_000)}, "0"),  # the fee no longer fits
        ({"lot": D(10)}, "10"),
        ({"min_quantity": D(15)}, "0"),
        ({"min_amount": D(994_000)}, "14"),
        ({"min_amount": D(994_001)}, "0"),
        ({**CRYPTO, "price": D(90_000_000), "fee_rate": D("0.0005")}, "0.01110555"),
        ({**CRYPTO, "budget": D(4_999), "price": D(90_000_000)}, "0"),
    ],
)
def test_a_buy_is_the_most_whole_lots_the_money_pays_for(keys: dict[str, Any], quantity: str) -> None:
    assert buy(**keys) == D(quantity)


def test_a_hair_less_than_the_price_of_a_lot_buys_one_lot_less() -> None:
    almost_three = D("2." + "9" * 70)
    assert buy(budget=almost_three, price=D(1), fee_rate=D(0)) == 2
    assert size_sell(held=almost_three, lot=D(1)) == 2


@pytest.mark.parametrize(
    "keys",
    [
        {"price": D(0)},
        {"price": D(-1)},
        {"price": D("NaN")},
        {"budget": D("Infinity")},
        {"budget": D(-1)},
        {"share": D(0)},
        {"share": D("1.01")},
        {"fee_rate": D("-0.1")},
        {"lot": D(0)},
        {"already_spent": D(-1)},
    ],
)
def test_senseless_numbers_are_refused_and_nothing_is_guessed(keys: dict[str, Any]) -> None:
    with pytest.raises(SizingInvalid):
        buy(**keys)


amounts = st.decimals("0", "1e12", places=8, allow_nan=False)
prices = st.decimals("0.00000001", "1e9", places=8, allow_nan=False)
rates = st.decimals("0", "0.05", places=6, allow_nan=False)
shares = st.decimals("0.0001", "1", places=4, allow_nan=False)
lots = st.sampled_from([D(1), D(10), D("0.0001"), D("0.00000001"), D(3)])


@given(budget=amounts, share=shares, price=prices, fee_rate=rates, lot=lots, already_spent=amounts)
def test_a_buy_never_costs_more_than_it_may_and_one_lot_more_would(
    budget: Decimal, share: Decimal, price: Decimal, fee_rate: Decimal, lot: Decimal, already_spent: Decimal
) -> None:
    money = {"budget": budget, "share": share, "price": price, "fee_rate": fee_rate, "already_spent": already_spent}
    quantity = buy(**money, lot=lot, min_quantity=D(0))
    with localcontext(prec=80):
        spendable = max(D(0), min(budget * share, budget - already_spent))
        assert quantity % lot == 0
        assert 0 <= quantity * price * (1 + fee_rate) <= spendable
        assert (quantity + lot) * price * (1 + fee_rate) > spendable


@given(budget=amounts, more=amounts, price=prices, fee_rate=rates)
def test_more_money_never_buys_less(budget: Decimal, more: Decimal, price: Decimal, fee_rate: Decimal) -> None:
    assume(budget <= more)
    assert buy(budget=budget, price=price, fee_rate=fee_rate) <= buy(budget=more, price=price, fee_rate=fee_rate)


@given(held=amounts, lot=lots)
def test_a_sale_is_the_whole_position_in_whole_lots(held: Decimal, lot: Decimal) -> None:
    sold = size_sell(held=held, lot=lot)
    assert sold % lot == 0
    assert 0 <= held - sold < lot


def test_a_negative_holding_is_never_sold() -> None:
    with pytest.raises(SizingInvalid):
        size_sell(held=D(-1), lot=D(1))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_becomes_the_number_it_shows_itself_as(value: float) -> None:
    """I20."""
    assert to_decimal(value) == D(repr(value))
    assert float(to_decimal(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_never_becomes_money(value: float) -> None:
    with pytest.raises(SizingInvalid):
        to_decimal(value)


@pytest.mark.parametrize(
    ("keys", "quantity"),
    [
        ({}, "20"),  # a fifth of 10,000 at 100
        ({"held": D(15)}, "5"),
        ({"held": D(25)}, "0"),
        ({"rate": D(1)}, "100"),
        ({"lot": D(30)}, "0"),
        ({"price": D(99)}, "20"),
        ({"worth": D(0)}, "0"),
    ],
)
def test_a_position_grows_to_its_share_of_the_account(keys: dict[str, Any], quantity: str) -> None:
    asked = {"rate": D("0.2"), "worth": D(10_000), "price": D(100), "held": D(0), "lot": D(1)}
    assert most_within(**(asked | keys)) == D(quantity)


@given(st.decimals("0.001", 1, places=3), st.decimals(0, 10**9, places=0), st.decimals("0.01", 10**6, places=2))
def test_a_position_limit_is_kept_and_one_lot_more_would_break_it(
    rate: Decimal, worth: Decimal, price: Decimal
) -> None:
    most = most_within(rate=rate, worth=worth, price=price, held=D(0), lot=D(1))
    with localcontext(prec=80):
        assert most * price <= rate * worth < (most + 1) * price


@pytest.mark.parametrize(
    ("level", "decimals", "price"),
    [
        (100.0, 0, "100"),
        (100.01, 0, "101"),
        (100.1 + 0.2, 1, "100.3"),
        (100.31, 1, "100.4"),
        (0.00000001, 8, "0.00000001"),
    ],
)
def test_a_level_is_the_lowest_price_that_reaches_it(level: float, decimals: int, price: str) -> None:
    assert level_price(level, decimals) == D(price)


@pytest.mark.parametrize("level", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_level_is_refused(level: float) -> None:
    with pytest.raises(SizingInvalid):
        level_price(level, 0)
