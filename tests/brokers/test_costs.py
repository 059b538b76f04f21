"""G12: dated costs with a source. G13: fills carry fee and tax. A reservation covers every way an order may fill."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.virtual.costs import (
    COSTS,
    Charges,
    ChargeState,
    Fill,
    charge_state,
    charges,
    highest_rates,
    incremental_charges,
    rates,
    worst_case,
)
from markets.calendars import load_default
from markets.dated import NoRuleInForce, read_json
from markets.types import InstrumentKind, InstrumentRules, Side

D = Decimal
TODAY = date(2026, 11, 20)
BUY, SELL = Side.BUY, Side.SELL

STOCK = InstrumentRules(
    key="KRX:005930", kind=InstrumentKind.STOCK, currency="KRW", tick_table="krx-stock", calendar="krx",
    price_decimals=0, quantity_decimals=0, cash_decimals=0, lot=D(1), min_quantity=D(1), min_amount=D(0),
    price_limit_rate=D("0.3"),
)  # fmt: skip
ETF = replace(STOCK, key="KRX:069500", kind=InstrumentKind.ETF, tick_table="krx-etf")
COIN = replace(
    STOCK, key="UPBIT:BTC", kind=InstrumentKind.CRYPTO, tick_table="upbit-krw", calendar="always", price_decimals=8,
    quantity_decimals=8, lot=D("0.00000001"), price_limit_rate=None,
)  # fmt: skip
PAIR = replace(COIN, key="X:ETH-BTC", currency="BTC", cash_decimals=8, tick_table="btc-8")


def test_a_stock_pays_commission_on_both_sides_and_tax_on_sells() -> None:
    assert charges(STOCK, BUY, D(71200), D(10), TODAY) == Charges(D(712000), D(106), D(0))
    assert charges(STOCK, SELL, D(71200), D(10), TODAY) == Charges(D(712000), D(106), D(1424))
    assert charges(STOCK, BUY, D(71200), D(10), TODAY).cash(BUY) == D(-712106)
    assert charges(STOCK, SELL, D(71200), D(10), TODAY).cash(SELL) == D(710470)


def test_etfs_and_coins_pay_no_tax() -> None:
    assert charges(ETF, SELL, D(35265), D(100), TODAY) == Charges(D(3526500), D(528), D(0))
    assert charges(COIN, SELL, D(150_000_000), D("0.01"), TODAY) == Charges(D(1500000), D(750), D(0))
    assert charges(PAIR, BUY, D("0.03"), D("1.5"), TODAY) == Charges(D("0.045"), D("0.000045"), D(0))


def test_an_amount_finer_than_the_currency_is_rounded_against_us() -> None:
    """21.25 KRW x 10 is 212.5 KRW: 213 to pay, 212 to get."""
    assert charges(COIN, BUY, D("21.25"), D(10), TODAY).amount == 213
    assert charges(COIN, SELL, D("21.25"), D(10), TODAY).amount == 212


def test_an_account_may_have_agreed_another_commission_while_the_tax_stays() -> None:
    agreed = D("0.000042")
    assert charges(STOCK, SELL, D(71200), D(10), TODAY, commission=agreed) == Charges(D(712000), D(29), D(1424))
    assert worst_case(STOCK, BUY, D(71200), D(10), TODAY, commission=agreed) == 712029


@pytest.mark.parametrize(
    ("day", "tax"),
    [
        ("1995-06-30", "0.0050"),
        ("1996-03-29", "0.0045"),
        ("2019-05-29", "0.0030"),
        ("2019-05-30", "0.0025"),
        ("2020-12-28", "0.0025"),
        ("2020-12-29", "0.0023"),
        ("2023-06-01", "0.0020"),
        ("2024-12-26", "0.0018"),
        ("2024-12-27", "0.0015"),
        ("2025-12-26", "0.0015"),
        ("2025-12-29", "0.0020"),
        ("2026-11-20", "0.0020"),
    ],
)
def test_the_tax_is_the_one_of_the_day(day: str, tax: str) -> None:
    on = date.fromisoformat(day)
    assert rates(STOCK, SELL, on).tax == D(tax)
    assert rates(STOCK, BUY, on).tax == rates(ETF, SELL, on).tax == 0


def test_a_yearly_rate_starts_with_the_last_two_trading_days_of_the_year_before() -> None:
    """The law counts the settlement day, two trading days later."""
    krx = load_default()["krx"]
    starts = [date.fromisoformat(row["valid_from"]) for row in read_json(COSTS)["tax"] if row["valid_from"]]
    for first in (day for day in starts if day.month == 12):
        rest_of_year = (first + timedelta(days=n) for n in range((date(first.year, 12, 31) - first).days + 1))
        assert len([day for day in rest_of_year if krx.session(day)]) == 2
    assert len([day for day in starts if day.month == 12]) == 5


@pytest.mark.parametrize("subject", ["commission", "tax"])
def test_every_rate_has_a_source_and_exactly_one_rate_holds_on_any_day(subject: str) -> None:
    rows = read_json(COSTS)[subject]
    assert all(row["source"] for row in rows)
    pairs = [("stock", "KRW"), ("etf", "KRW"), ("crypto", "KRW"), ("crypto", "BTC"), ("crypto", "USDT")]
    for (kind, currency), side in product(pairs, Side):
        mine = [row for row in rows if kind in row["kinds"] and currency in row["currencies"] and side in row["sides"]]
        assert mine[0]["valid_from"] is None
        assert mine[-1]["valid_to"] is None
        for earlier, later in pairwise(mine):
            assert date.fromisoformat(later["valid_from"]) - date.fromisoformat(earlier["valid_to"]) == timedelta(1)


def test_a_rate_we_do_not_know_is_refused_and_never_zero() -> None:
    with pytest.raises(NoRuleInForce, match="commission of stock in USD"):
        charges(replace(STOCK, currency="USD"), BUY, D(190), D(1), TODAY)


def test_each_fill_is_charged_what_it_adds_to_the_order() -> None:
    state, told = ChargeState(), []
    for quantity in (1, 1, 1):
        step, state = incremental_charges(STOCK, SELL, state, Fill(D(3400), D(quantity), TODAY))
        told.append([int(step.amount), int(step.fee), int(step.tax)])
    # fee 0.51 a piece in all 1.53, tax 6.8 a piece in all 20.4
    assert told == [[3400, 0, 6], [3400, 1, 7], [3400, 0, 7]]
    assert charges(STOCK, SELL, D(3400), D(3), TODAY) == Charges(D(10200), D(1), D(20))


def test_an_order_that_rests_over_the_turn_of_the_year_pays_each_fill_by_its_own_day() -> None:
    before, after = date(2025, 12, 26), date(2025, 12, 29)
    filled = charge_state(STOCK, SELL, [Fill(D(71200), D(5), before), Fill(D(71200), D(5), after)])
    assert filled.tax == D(71200) * 5 * (D("0.0015") + D("0.0020"))


def test_a_reservation_looks_ahead_to_dearer_rates_but_not_back() -> None:
    assert highest_rates(STOCK, SELL, date(2025, 6, 2)).tax == D("0.0020")
    assert highest_rates(STOCK, SELL, date(2024, 1, 2)).tax == D("0.0020")
    assert highest_rates(STOCK, SELL, date(1996, 1, 4)).tax == D("0.0045")
    assert highest_rates(STOCK, SELL, TODAY, commission=D("0.00004")).commission == D("0.00004")


INSTRUMENTS = st.sampled_from([STOCK, ETF, COIN, PAIR])
DAYS = st.dates(date(1995, 1, 3), TODAY)


@st.composite
def bought(draw: st.DrawFn) -> tuple[InstrumentRules, Decimal, Decimal, list[Fill]]:
    """An instrument, a limit, a quantity, and fills at or below the limit that add up to no more than the quantity."""
    rules = draw(INSTRUMENTS)
    price_unit, quantity_unit = D(1).scaleb(-rules.price_decimals), D(1).scaleb(-rules.quantity_decimals)
    limit = draw(st.integers(1, 10**10))
    pieces = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
    rest = draw(st.integers(0, 10**9))
    fills = [
        Fill(draw(st.integers(1, limit) | st.just(limit)) * price_unit, piece * quantity_unit, draw(DAYS))
        for piece in pieces
    ]
    return rules, limit * price_unit, (sum(pieces) + rest) * quantity_unit, fills


def charged(rules: InstrumentRules, side: Side, fills: list[Fill]) -> list[Charges]:
    state, steps = ChargeState(), []
    for fill in fills:
        step, state = incremental_charges(rules, side, state, fill)
        steps.append(step)
    return steps


@given(bought())
def test_no_way_to_fill_at_or_below_the_limit_costs_more_than_was_reserved(
    case: tuple[InstrumentRules, Decimal, Decimal, list[Fill]],
) -> None:
    """Reliability 3.10: reserve the worst case. Only the charges of the fills so far may be taken from it."""
    rules, limit, quantity, fills = case
    reserved = worst_case(rules, BUY, limit, quantity, min(fill.on for fill in fills))
    spent = D(0)
    for step in charged(rules, BUY, fills):
        spent -= step.cash(BUY)
        assert spent <= reserved


@given(bought(), st.sampled_from(list(Side)), st.randoms(use_true_random=False))
def test_charges_are_whole_units_never_negative_and_add_up_in_any_order(
    case: tuple[InstrumentRules, Decimal, Decimal, list[Fill]], side: Side, random: Random
) -> None:
    rules, _, _, fills = case
    steps = charged(rules, side, fills)
    unit = D(1).scaleb(-rules.cash_decimals)
    for step in steps:
        for money in (step.amount, step.fee, step.tax):
            assert money >= 0
            assert money % unit == 0
    total = charge_state(rules, side, random.sample(fills, len(fills))).rounded(side, rules.cash_decimals)
    assert total.amount == sum(step.amount for step in steps)
    assert total.fee == sum(step.fee for step in steps)
    assert total.tax == sum(step.tax for step in steps)


@given(bought())
def test_a_sell_never_costs_more_than_it_brings(case: tuple[InstrumentRules, Decimal, Decimal, list[Fill]]) -> None:
    rules, limit, quantity, fills = case
    total = charge_state(rules, SELL, fills).rounded(SELL, rules.cash_decimals)
    assert total.cash(SELL) >= 0
    assert worst_case(rules, SELL, limit, quantity, TODAY) == 0


@given(bought())
def test_rounding_is_against_us_and_less_than_one_unit(
    case: tuple[InstrumentRules, Decimal, Decimal, list[Fill]],
) -> None:
    rules, _, _, fills = case
    unit = D(1).scaleb(-rules.cash_decimals)
    exact = sum(fill.price * fill.quantity for fill in fills)
    for side, sign in ((BUY, 1), (SELL, -1)):
        rounded = charge_state(rules, side, fills).rounded(side, rules.cash_decimals).amount
        assert 0 <= sign * (rounded - exact) < unit
