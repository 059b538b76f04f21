"""G13: honest paper fills from one matching model. C24: a market order fills at the quote, with spread and slippage."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.virtual.matching import (
    Depth,
    Level,
    Match,
    NotInUnits,
    Resting,
    Terms,
    Ticks,
    bar_depth,
    floor_units,
    from_units,
    match,
    to_units,
)
from markets.rules import round_to_tick
from markets.types import InstrumentKind, InstrumentRules, Side

D = Decimal
TODAY = date(2026, 11, 20)
BUY, SELL = Side.BUY, Side.SELL


def rules(tick_table: str = "krx-stock", price_decimals: int = 0) -> InstrumentRules:
    return InstrumentRules(
        key="X:1", kind=InstrumentKind.STOCK, currency="KRW", tick_table=tick_table, calendar="krx",
        price_decimals=price_decimals, quantity_decimals=0, cash_decimals=0, lot=D(1), min_quantity=D(1),
        min_amount=D(0), price_limit_rate=D("0.3"),
    )  # fmt: skip


KRX = Ticks.of(rules(), TODAY)
ONE = Ticks((0,), (1,))


def book(bids: str = "", asks: str = "") -> Depth:
    """A book from "price x quantity" pairs, best first: book(asks="71200x10 71300x5")."""

    def levels(text: str) -> tuple[Level, ...]:
        return tuple(Level(*map(int, level.split("x"))) for level in text.split())

    return Depth(levels(bids), levels(asks))


def buy(
    name: str, quantity: int, limit: int | None = None, sequence: int = 0, collar: int | None = None
) -> Resting[str]:
    return Resting(name, BUY, quantity, limit, sequence, collar)


def sell(
    name: str, quantity: int, limit: int | None = None, sequence: int = 0, collar: int | None = None
) -> Resting[str]:
    return Resting(name, SELL, quantity, limit, sequence, collar)


def fills(resting: list[Resting[str]], depth: Depth, terms: Terms) -> list[tuple[str, int, int]]:
    return [(fill.id, fill.quantity, fill.price) for fill in match(resting, depth, terms)]


def test_a_market_order_walks_the_book_level_by_level() -> None:
    depth = book(asks="71200x10 71300x5 71400x100")
    assert fills([buy("a", 20)], depth, Terms(KRX)) == [("a", 10, 71200), ("a", 5, 71300), ("a", 5, 71400)]


def test_a_market_order_larger_than_the_book_fills_in_part() -> None:
    assert fills([sell("a", 20)], book(bids="71100x7"), Terms(KRX)) == [("a", 7, 71100)]


def test_a_limit_order_takes_what_its_limit_allows_and_keeps_resting() -> None:
    depth = book(bids="71100x3 71000x9", asks="71200x10 71300x5")
    terms = Terms(KRX, slippage_ticks=5)
    assert fills([buy("a", 20, limit=71200)], depth, terms) == [("a", 10, 71200)]
    assert fills([sell("a", 20, limit=71100)], depth, terms) == [("a", 3, 71100)]
    assert fills([buy("a", 20, limit=71100)], depth, terms) == []


def test_market_orders_come_first_then_better_limits_then_the_earlier_order() -> None:
    depth = book(asks="100x10")
    waiting = [buy("late", 4, 110, 9), buy("early", 4, 110, 1), buy("better", 4, 120, 5), buy("market", 4, None, 7)]
    assert fills(waiting, depth, Terms(ONE)) == [("market", 4, 100), ("better", 4, 100), ("early", 2, 100)]
    selling = [sell("late", 4, 90, 9), sell("early", 4, 90, 1), sell("better", 4, 80, 5), sell("market", 4, None, 7)]
    assert fills(selling, book(bids="100x10"), Terms(ONE)) == [
        ("market", 4, 100),
        ("better", 4, 100),
        ("early", 2, 100),
    ]


def test_our_own_orders_never_trade_with_each_other() -> None:
    assert fills([buy("a", 5, limit=120), sell("b", 5, limit=80)], book(), Terms(ONE)) == []


def test_only_our_share_of_a_level_is_ours_in_whole_lots() -> None:
    depth = book(asks="100x99 101x9 102x30")
    terms = Terms(ONE, lot=2, participation=(1, 10))
    # a tenth of 99 is 9, in lots 8; of 9 nothing; of 30 it is 3, in lots 2
    assert fills([buy("a", 7, sequence=1), buy("b", 100, sequence=2)], depth, terms) == [
        ("a", 6, 100),
        ("b", 2, 100),
        ("b", 2, 102),
    ]


def test_no_share_means_no_fill() -> None:
    assert fills([buy("a", 7)], book(asks="100x99"), Terms(ONE, participation=(0, 1))) == []


def test_slippage_counts_ticks_across_bands_and_says_so() -> None:
    (fill,) = match([buy("a", 1)], book(asks="1999x5"), Terms(KRX, slippage_ticks=2))
    assert (fill.price, fill.slippage, fill.rounding) == (2005, 6, 0)
    (fill,) = match([sell("a", 1)], book(bids="2005x5"), Terms(KRX, slippage_ticks=2))
    assert (fill.price, fill.slippage) == (1999, 6)
    (fill,) = match([sell("a", 1)], book(bids="2x5"), Terms(KRX, slippage_ticks=9))
    assert fill.price == 1


def test_an_off_tick_price_is_rounded_against_us() -> None:
    depth = book(bids="71230x5", asks="71230x5")
    assert fills([buy("a", 1)], depth, Terms(KRX)) == [("a", 1, 71300)]
    assert fills([sell("a", 1)], depth, Terms(KRX)) == [("a", 1, 71200)]


def test_a_limit_order_rests_when_rounding_would_breach_its_limit() -> None:
    depth = book(bids="71230x5", asks="71230x5")
    assert fills([buy("a", 1, limit=71250)], depth, Terms(KRX)) == []
    assert fills([sell("a", 1, limit=71210)], depth, Terms(KRX)) == []
    assert fills([buy("a", 1, limit=71300)], depth, Terms(KRX)) == [("a", 1, 71300)]


def test_a_collar_bounds_what_a_market_order_pays() -> None:
    depth = book(asks="71200x5 71300x5 71400x5")
    terms = Terms(KRX, slippage_ticks=2)
    assert fills([buy("a", 20, collar=71350)], depth, terms) == [("a", 5, 71300), ("a", 5, 71300)]
    depth = book(bids="71200x5 71100x5 71000x5")
    assert fills([sell("a", 20, collar=71050)], depth, terms) == [("a", 5, 71100), ("a", 5, 71100)]


def test_nothing_fills_outside_the_price_limits_of_the_day() -> None:
    terms = Terms(KRX, slippage_ticks=5, low=49900, high=92500)
    assert fills([buy("a", 9)], book(asks="92400x1 92500x1 92600x1"), terms) == [("a", 1, 92500), ("a", 1, 92500)]
    assert fills([sell("a", 9)], book(bids="49950x1 49900x1 49850x1"), terms) == [("a", 1, 49900), ("a", 1, 49900)]


def test_worthless_or_empty_levels_are_no_offers() -> None:
    assert fills([buy("a", 9)], book(asks="0x5 1x0 2x3"), Terms(ONE)) == [("a", 3, 2)]
    etf = Ticks.of(rules("krx-etf"), date(2020, 1, 2))
    assert fills([sell("a", 9)], book(bids="3x5"), Terms(etf)) == []  # below the lowest tick of 5


def test_each_fill_says_how_it_was_priced() -> None:
    terms = Terms(KRX, slippage_ticks=1)
    (fill,) = match([buy("a", 1)], book(asks="71230x5"), terms)
    assert fill.pricing(0) == "ask 71,230 + 70 to the tick + 100 slippage"
    (fill,) = match([sell("a", 1, limit=71000)], book(bids="71200x5"), terms)
    assert fill.pricing(0) == "bid 71,200"
    (fill,) = match([sell("a", 1)], book(bids="12x5"), Terms(ONE, slippage_ticks=1))
    assert fill.pricing(8) == "bid 0.00000012 - 0.00000001 slippage"


@pytest.mark.parametrize(
    "terms", [{"lot": 0}, {"slippage_ticks": -1}, {"participation": (2, 1)}, {"participation": (0, 0)}]
)
def test_impossible_terms_are_refused(terms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="impossible terms"):
        Terms(ONE, **terms)  # type: ignore[arg-type]


# --- a traded price as a book


def test_a_bar_price_stands_for_a_book_half_a_spread_away() -> None:
    assert bar_depth(71200, 40, 1, KRX) == book(bids="71100x40", asks="71300x40")
    assert bar_depth(71230, 40, 0, KRX) == book(bids="71200x40", asks="71300x40")
    assert bar_depth(2000, 40, 1, KRX) == book(bids="1999x40", asks="2005x40")


def test_a_limit_up_bar_sells_us_nothing_and_a_limit_down_bar_buys_nothing() -> None:
    terms = Terms(KRX, low=49900, high=92500)
    assert fills([buy("a", 1), sell("b", 1)], bar_depth(92500, 40, 1, KRX), terms) == [("b", 1, 92400)]
    assert fills([buy("a", 1), sell("b", 1)], bar_depth(49900, 40, 1, KRX), terms) == [("a", 1, 49950)]


def test_a_bar_price_below_the_lowest_tick_has_no_bid() -> None:
    etf = Ticks.of(rules("krx-etf"), date(2020, 1, 2))
    assert bar_depth(3, 40, 1, etf) == Depth((), (Level(10, 40),))


# --- ticks and units


@given(price=st.integers(1, 3_000_000), table=st.sampled_from(["krx-stock", "krx-etf"]))
def test_integer_ticks_agree_with_the_exact_rules(price: int, table: str) -> None:
    ticks = Ticks.of(rules(table), TODAY)
    assert ticks.up(price) == round_to_tick(table, D(price), TODAY, "up")
    if ticks.down(price):
        assert ticks.down(price) == round_to_tick(table, D(price), TODAY, "down")


@given(price=st.integers(1, 10**14))
def test_integer_ticks_agree_for_a_coin_kept_in_hundred_millionths(price: int) -> None:
    ticks = Ticks.of(rules("upbit-krw", 8), TODAY)
    exact = round_to_tick("upbit-krw", from_units(price, 8), TODAY, "up")
    assert from_units(ticks.up(price), 8) == exact


def test_where_the_venue_is_finer_than_our_unit_the_unit_is_the_tick() -> None:
    ticks = Ticks.of(rules("upbit-krw", 0), TODAY)
    assert [ticks.size(price) for price in (1, 99, 5_000, 150_000_000)] == [1, 1, 5, 1000]


@given(start=st.integers(1, 600_000), count=st.integers(0, 50))
def test_lowering_takes_back_what_raising_added(start: int, count: int) -> None:
    price = KRX.up(start)
    assert KRX.lowered(KRX.raised(price, count), count) == price


@given(value=st.integers(0, 10**30), decimals=st.integers(0, 8))
def test_units_go_there_and_back_exactly(value: int, decimals: int) -> None:
    assert to_units(from_units(value, decimals), decimals) == value


@pytest.mark.parametrize("text", ["0.123456789", "71200.5e-8", "NaN", "Infinity", "1e400", "1e999999", "1e-999999"])
def test_a_number_the_units_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(NotInUnits):
        to_units(D(text), 8)


def test_market_data_finer_than_our_units_is_cut_on_request_alone() -> None:
    assert floor_units(D("0.123456789"), 8) == 12345678
    with pytest.raises(NotInUnits):
        floor_units(D("1e400"), 8)


# --- what always holds

TABLES = [KRX, ONE, Ticks.of(rules("krx-etf"), TODAY), Ticks.of(rules("upbit-krw", 2), TODAY)]


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Resting[int]], Depth, Terms]:
    middle = draw(st.sampled_from([50, 1_990, 71_200, 499_000]))
    price = st.integers(max(1, middle - 40), middle + 40)
    level = st.builds(Level, price, st.integers(0, 30))
    bids = sorted(draw(st.lists(level, max_size=6)), key=lambda one: -one.price)
    asks = sorted(draw(st.lists(level, max_size=6)), key=lambda one: one.price)
    low, high = draw(st.tuples(st.none() | price, st.none() | price))
    share = draw(st.integers(1, 4))
    terms = Terms(
        ticks=draw(st.sampled_from(TABLES)),
        lot=draw(st.integers(1, 3)),
        slippage_ticks=draw(st.integers(0, 3)),
        participation=(draw(st.integers(0, share)), share),
        low=low,
        high=high,
    )
    sides, quantities = st.sampled_from(list(Side)), st.integers(0, 40)
    orders = [
        Resting(
            sequence,
            draw(sides),
            draw(quantities),
            draw(st.none() | price),
            sequence,
            draw(st.none() | price),
        )
        for sequence in range(draw(st.integers(0, 5)))
    ]
    return orders, Depth(bids, asks), terms


def cost(price: int, side: Side) -> int:
    """A price as something that is worse when higher, on either side."""
    return price if side is BUY else -price


@given(situation=situations())
def test_no_order_gets_more_than_it_asked_or_worse_than_it_accepts(
    situation: tuple[list[Resting[int]], Depth, Terms],
) -> None:
    orders, depth, terms = situation
    by_id = {order.id: order for order in orders}
    got: Counter[int] = Counter()
    for fill in match(orders, depth, terms):
        order = by_id[fill.id]
        got[fill.id] += fill.quantity
        assert fill.quantity > 0
        assert fill.quantity % terms.lot == 0
        assert fill.side is order.side
        assert cost(fill.price, fill.side) >= cost(fill.level_price, fill.side)
        assert abs(fill.price - fill.level_price) == fill.rounding + fill.slippage
        assert fill.price % terms.ticks.size(fill.price) == 0
        assert fill.price > 0
        assert terms.low is None or fill.price >= terms.low
        assert terms.high is None or fill.price <= terms.high
        if order.limit is None:
            assert order.collar is None or cost(fill.price, fill.side) <= cost(order.collar, fill.side)
        else:
            assert fill.slippage == 0
            assert cost(fill.price, fill.side) <= cost(order.limit, fill.side)
    assert all(quantity <= by_id[name].remaining for name, quantity in got.items())


@given(situation=situations())
def test_a_displayed_unit_is_never_sold_twice(situation: tuple[list[Resting[int]], Depth, Terms]) -> None:
    orders, depth, terms = situation
    taken: Counter[tuple[Side, int]] = Counter()
    for fill in match(orders, depth, terms):
        taken[fill.side, fill.level_price] += fill.quantity
    numerator, denominator = terms.participation
    for (side, price), quantity in taken.items():
        levels = depth.asks if side is BUY else depth.bids
        assert quantity <= sum(level.quantity * numerator // denominator for level in levels if level.price == price)


@given(situation=situations(), data=st.data())
def test_the_order_of_the_list_changes_nothing(
    situation: tuple[list[Resting[int]], Depth, Terms], data: st.DataObject
) -> None:
    orders, depth, terms = situation
    shuffled = data.draw(st.permutations(orders))
    assert match(shuffled, depth, terms) == match(orders, depth, terms)


@given(situation=situations())
def test_nobody_is_served_before_an_order_with_priority_is_done(
    situation: tuple[list[Resting[int]], Depth, Terms],
) -> None:
    """Later orders never change what earlier ones get: each prefix of the queue fills alike without the rest."""
    orders, depth, terms = situation
    queue = sorted(
        (order for order in orders if order.side is BUY),
        key=lambda order: (order.limit is not None, -(order.limit or 0), order.sequence),
    )
    whole: list[Match[int]] = match(queue, depth, terms)
    for count in range(len(queue)):
        first = {order.id for order in queue[:count]}
        assert match(queue[:count], depth, terms) == [fill for fill in whole if fill.id in first]
