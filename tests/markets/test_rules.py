"""G12: Korean market rules as dated data. I9: rounding never raises the risk, exact over all KRX bands."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.dated import NoRuleInForce, Period, read_json
from markets.rules import (
    DATA,
    Band,
    RuleCode,
    RuleViolation,
    TickRow,
    check_order,
    on_tick,
    passive_price,
    price_band,
    require_number,
    round_to_tick,
    tick_size,
)
from markets.types import InstrumentKind, InstrumentRules, Side

D = Decimal
TODAY = date(2026, 11, 20)
BEFORE_REFORM = date(2023, 1, 24)

SAMSUNG = InstrumentRules(
    key="KRX:005930",
    kind=InstrumentKind.STOCK,
    currency="KRW",
    tick_table="krx-stock",
    calendar="krx",
    price_decimals=0,
    quantity_decimals=0,
    cash_decimals=0,
    lot=D(1),
    min_quantity=D(1),
    min_amount=D(0),
    price_limit_rate=D("0.3"),
)
BITCOIN = replace(
    SAMSUNG,
    key="UPBIT:BTC",
    kind=InstrumentKind.CRYPTO,
    tick_table="upbit-krw",
    calendar="always",
    quantity_decimals=8,
    lot=D("0.00000001"),
    min_quantity=D("0.00000001"),
    min_amount=D(5000),
    price_limit_rate=None,
)

KRX_TICKS_2023 = [
    ("1", "1"), ("999", "1"), ("1000", "1"), ("1999", "1"), ("2000", "5"), ("4995", "5"), ("5000", "10"),
    ("9990", "10"), ("10000", "10"), ("19990", "10"), ("20000", "50"), ("49950", "50"), ("50000", "100"),
    ("99900", "100"), ("100000", "100"), ("199900", "100"), ("200000", "500"), ("499500", "500"), ("500000", "1000"),
    ("1234000", "1000"),
]  # fmt: skip


@pytest.mark.parametrize(("price", "tick"), KRX_TICKS_2023)
def test_each_krx_price_band_has_its_tick(price: str, tick: str) -> None:
    assert tick_size("krx-stock", D(price), TODAY) == D(tick)


@pytest.mark.parametrize(
    ("table", "price", "day", "tick"),
    [
        ("krx-stock", "128500", "2023-01-24", "500"),
        ("krx-stock", "128500", "2023-01-25", "100"),
        ("krx-stock", "1500", "2023-01-24", "5"),
        ("krx-stock", "1500", "2023-01-25", "1"),
        ("krx-stock", "15000", "2023-01-24", "50"),
        ("krx-stock", "900", "2010-10-04", "1"),
        ("krx-stock", "900", "2010-10-03", "5"),
        ("krx-etf", "1500", "2023-12-17", "5"),
        ("krx-etf", "1500", "2023-12-18", "1"),
        ("krx-etf", "35265", "2026-11-20", "5"),
        ("krx-etf", "101915", "2026-11-20", "5"),
        ("upbit-krw", "7000", "2024-01-28", "5"),
        ("upbit-krw", "7000", "2024-01-29", "1"),
        ("upbit-krw", "7000", "2025-07-31", "5"),
        ("upbit-krw", "150000000", "2026-11-20", "1000"),
        ("btc-8", "0.00000123", "2026-11-20", "0.00000001"),
    ],
)
def test_a_tick_is_the_one_of_its_day(table: str, price: str, day: str, tick: str) -> None:
    assert tick_size(table, D(price), date.fromisoformat(day)) == D(tick)


def test_a_table_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(NoRuleInForce, match="tick table nasdaq"):
        tick_size("nasdaq", D(1), TODAY)


def test_a_table_whose_band_starts_off_its_ticks_is_refused() -> None:
    with pytest.raises(ValueError, match="band at 2001"):
        TickRow(Period(date.min, date.max), (Band(D(0), D(1)), Band(D(2001), D(5))))


@pytest.mark.parametrize("name", ["tick_tables.json", "price_limits.json"])
def test_every_rule_names_its_source_and_the_periods_leave_no_gap(name: str) -> None:
    for rows in read_json(DATA / name).values():
        assert all(row["source"] for row in rows)
        assert rows[0]["valid_from"] is None
        assert rows[-1]["valid_to"] is None
        for earlier, later in pairwise(rows):
            gap = date.fromisoformat(later["valid_from"]) - date.fromisoformat(earlier["valid_to"])
            assert gap.days == 1


@pytest.mark.parametrize(
    ("table", "price", "down", "up"),
    [
        ("krx-stock", "71250", "71200", "71300"),
        ("krx-stock", "71200", "71200", "71200"),
        ("krx-stock", "1999.5", "1999", "2000"),
        ("krx-stock", "4999", "4995", "5000"),
        ("krx-stock", "199950", "199900", "200000"),
        ("krx-stock", "499501", "499500", "500000"),
        ("krx-stock", "0.5", None, "1"),
        ("krx-etf", "35266.01", "35265", "35270"),
        ("btc-8", "0.000000014", "0.00000001", "0.00000002"),
    ],
)
def test_rounding_is_right_inside_a_band_and_over_its_border(table: str, price: str, down: str | None, up: str) -> None:
    assert round_to_tick(table, D(price), TODAY, "up") == D(up)
    if down is None:
        with pytest.raises(RuleViolation) as refused:
            round_to_tick(table, D(price), TODAY, "down")
        assert (refused.value.code, refused.value.high) == (RuleCode.WRONG_TICK, D(up))
    else:
        assert round_to_tick(table, D(price), TODAY, "down") == D(down)


prices = st.decimals(min_value="0.00000001", max_value="3000000", places=8)
near_borders = st.builds(
    lambda border, off: D(border) + D(off) / 100,
    st.sampled_from([1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000]),
    st.integers(-120_000, 120_000),
).filter(lambda price: price > 0)


@given(
    price=prices | near_borders,
    table=st.sampled_from(["krx-stock", "krx-etf", "upbit-krw", "btc-8"]),
    day=st.sampled_from([date(2009, 1, 5), BEFORE_REFORM, date(2024, 6, 3), TODAY]),
)
def test_rounding_finds_the_nearest_valid_prices_over_all_bands(price: Decimal, table: str, day: date) -> None:
    up = round_to_tick(table, price, day, "up")
    assert up >= price
    assert on_tick(table, up, day)
    try:
        down = round_to_tick(table, price, day, "down")
    except RuleViolation as refused:
        assert refused.high == up == tick_size(table, price, day)  # noqa: PT017 - not every price is refused
        return
    assert down <= price
    assert on_tick(table, down, day)
    # Nothing valid lies between: they are the same price, or one tick of the lower one apart.
    assert up - down in (0, tick_size(table, down, day))
    assert (up == down) == on_tick(table, price, day)


@given(price=prices | near_borders)
def test_a_passive_price_never_raises_the_risk(price: Decimal) -> None:
    """I9: a buy is never dearer than asked, a sell never cheaper."""
    assert passive_price("krx-stock", Side.SELL, price, TODAY) >= price
    if price >= 1:
        assert passive_price("krx-stock", Side.BUY, price, TODAY) <= price


@pytest.mark.parametrize(
    ("base", "day", "low", "high"),
    [
        ("128500", "2023-01-24", "90000", "167000"),  # the broker's own example, tick 500 then
        ("1252", "2026-11-20", "877", "1627"),  # upper end measured
        ("71200", "2026-11-20", "49900", "92500"),  # 71,200 x 0.3 = 21,360 -> 21,300
        ("1", "2026-11-20", "1", "2"),  # never less than one tick
        ("1990", "2026-11-20", "1393", "2585"),  # 2,587 is between the ticks of its band: inwards
        ("10000", "2015-06-12", "8500", "11500"),  # 15 % until 2015-06-14
        ("10000", "2015-06-15", "7000", "13000"),
        ("10000", "1998-12-04", "8800", "11200"),
    ],
)
def test_the_price_limit_follows_base_price_tick_and_day(base: str, day: str, low: str, high: str) -> None:
    assert price_band(SAMSUNG, D(base), date.fromisoformat(day)) == (D(low), D(high))


def test_a_venue_without_daily_limit_has_no_band() -> None:
    assert price_band(BITCOIN, D(150_000_000), TODAY) is None


@given(base=st.integers(1, 3_000_000).map(Decimal), day=st.sampled_from([date(2000, 5, 8), BEFORE_REFORM, TODAY]))
def test_both_ends_of_the_band_can_be_ordered_and_hold_the_base_within(base: Decimal, day: date) -> None:
    band = price_band(SAMSUNG, base, day)
    assert band is not None
    low, high = band
    tick = tick_size("krx-stock", base, day)
    assert min(D("0.7") * base, max(base - tick, tick)) <= low
    assert high <= max(D("1.3") * base, base + tick)
    if on_tick("krx-stock", base, day):
        assert low <= base <= high
    for end in band:
        check_order(SAMSUNG, Side.BUY, D(1), end, base, day)


def refusal(rules: InstrumentRules, quantity: str, limit: str | None, base: str | None = None) -> RuleViolation:
    with pytest.raises(RuleViolation) as refused:
        check_order(rules, Side.BUY, D(quantity), D(limit) if limit else None, D(base) if base else None, TODAY)
    return refused.value


def facts(refused: RuleViolation) -> tuple[str, str, Decimal | None, Decimal | None, Decimal | None]:
    return refused.code, refused.field, refused.low, refused.high, refused.step


def test_a_refusal_says_what_would_be_allowed() -> None:
    assert facts(refusal(SAMSUNG, "10", "71250")) == ("wrong_tick", "limit_price", D(71200), D(71300), D(100))
    assert facts(refusal(SAMSUNG, "10", "273250")) == ("wrong_tick", "limit_price", D(273000), D(273500), D(500))
    assert facts(refusal(SAMSUNG, "1.5", "71200")) == ("wrong_lot", "quantity", D(1), D(2), D(1))
    assert facts(refusal(SAMSUNG, "0.5", "71200")) == ("wrong_lot", "quantity", None, D(1), D(1))
    assert facts(refusal(SAMSUNG, "1", "92600", "71200")) == (
        "outside_price_limit", "limit_price", D(49900), D(92500), None,
    )  # fmt: skip
    assert facts(refusal(BITCOIN, "0.00003", "150000000")) == ("below_minimum", "amount", D(5000), None, None)
    assert facts(refusal(BITCOIN, "0.00003", None, "150000000")) == ("below_minimum", "amount", D(5000), None, None)
    few = replace(SAMSUNG, min_quantity=D(10))
    assert facts(refusal(few, "9", "71200")) == ("below_minimum", "quantity", D(10), None, None)


def test_a_tick_finer_than_our_price_unit_is_refused_at_our_unit() -> None:
    """The integer matching could not hold the price 0.5 of a KRW instrument kept in whole won."""
    coin = replace(BITCOIN, lot=D(1), min_quantity=D(1), min_amount=D(0))
    assert facts(refusal(coin, "1", "50.5")) == ("wrong_tick", "limit_price", D(50), D(51), D(1))


@pytest.mark.parametrize(
    ("rules", "quantity", "limit", "base"),
    [
        (SAMSUNG, "10", "71200", "71200"),
        (SAMSUNG, "10", "71200.000", None),
        (SAMSUNG, "1", "92500", "71200"),
        (SAMSUNG, "1", None, "71200"),
        (SAMSUNG, "1", None, None),
        (BITCOIN, "0.00003334", "150000000", None),
    ],
)
def test_an_order_within_the_rules_passes(
    rules: InstrumentRules, quantity: str, limit: str | None, base: str | None
) -> None:
    check_order(rules, Side.SELL, D(quantity), D(limit) if limit else None, D(base) if base else None, TODAY)


ABSURD = [
    "NaN", "sNaN", "Infinity", "-Infinity", "0", "-0", "-1", "1e400", "-1e400", "1e999999", "1e-400", "1e-999999",
    "1e18", "1000000000000000000", "0.0000000000000000001", "1.0000000000000000001", "9" * 1_000_000,
    "0." + "1" * 1_000_000,
]  # fmt: skip


@pytest.mark.parametrize("text", ABSURD, ids=[text[:22] for text in ABSURD])
def test_absurd_numbers_are_refused_as_quantity_and_as_price(text: str) -> None:
    assert refusal(SAMSUNG, text, "71200").code == RuleCode.BAD_NUMBER
    refused = refusal(SAMSUNG, "1", text)
    assert (refused.code, refused.field, refused.given) == (RuleCode.BAD_NUMBER, "limit_price", None)
    assert len(str(refused)) < 200


def test_the_largest_and_finest_sane_numbers_pass() -> None:
    for text in (
        "999999999999999999",
        "0.000000000000000001",
        "999999999999999999.999999999999999999",
        "71200." + "0" * 99,
    ):
        assert require_number(D(text), "price") == D(text)


def test_rounding_stays_exact_at_the_largest_numbers() -> None:
    price = D("999999999999999999.123456785")
    assert round_to_tick("btc-8", price, TODAY, "down") == D("999999999999999999.12345678")
    assert round_to_tick("btc-8", price, TODAY, "up") == D("999999999999999999.12345679")
