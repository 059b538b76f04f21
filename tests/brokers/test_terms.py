"""G13, I9: what each source's book is worth to us, and no fill off the tick or outside the day's limits, on any KRX day."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.virtual.matching import Depth, Level, Resting, Terms, bar_depth, match
from brokers.virtual.terms import QUOTED_BOOK, TRADED_BARS, matching_terms, source_terms
from markets.rules import check_order, on_tick, price_band
from markets.types import InstrumentKind, InstrumentRules, Side, Source

D = Decimal
TODAY = date(2026, 11, 20)
REFORM = date(2023, 1, 25)


def rules(table: str = "krx-stock", *, limited: bool = True) -> InstrumentRules:
    return InstrumentRules(
        key="KRX:005930", kind=InstrumentKind.STOCK, currency="KRW", tick_table=table, calendar="krx",
        price_decimals=0, quantity_decimals=0, cash_decimals=0, lot=D(1), min_quantity=D(1), min_amount=D(0),
        price_limit_rate=D("0.3") if limited else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "believed"),
    [
        (Source.SIMULATOR, QUOTED_BOOK),
        (Source.HISTORY, QUOTED_BOOK),
        ("kis", QUOTED_BOOK),
        (Source.REPLAY, TRADED_BARS),
    ],
)
def test_every_live_book_is_quoted_and_a_replays_is_made_of_trades(source: str, believed: object) -> None:
    assert source_terms(source) is believed


def test_a_quoted_book_is_ours_in_part_and_a_market_order_pays_more() -> None:
    terms = matching_terms(Source.SIMULATOR, rules(), D(71_000), TODAY)
    assert (terms.participation, terms.slippage_ticks) == ((1, 4), 1)
    assert (terms.low, terms.high) == (49_700, 92_300)


def test_a_replay_is_matched_as_its_book_stands() -> None:
    """What already holds a tenth of the volume and a tick of spread is not charged for either again."""
    terms = matching_terms(Source.REPLAY, rules(), D(71_000), TODAY)
    assert terms == Terms(terms.ticks, lot=1)


@pytest.mark.parametrize(("limited", "base"), [(True, None), (False, D(71_000))])
def test_without_a_limit_or_a_base_price_nothing_is_bound(limited: bool, base: Decimal | None) -> None:
    terms = matching_terms(Source.SIMULATOR, rules(limited=limited), base, TODAY)
    assert (terms.low, terms.high) == (None, None)


RANGES = [(5, 2_100), (1_900, 21_000), (19_000, 210_000), (190_000, 3_000_000)]  # every band and its borders
BASES = st.one_of(*(st.integers(low, high) for low, high in RANGES))
DAYS = st.one_of(st.just(TODAY), st.just(REFORM), st.dates(date(1996, 1, 2), TODAY))


@given(
    base=BASES,
    table=st.sampled_from(["krx-stock", "krx-etf"]),
    day=DAYS,
    moves=st.lists(st.integers(-400, 400), min_size=1, max_size=6),
    size=st.integers(1, 5_000),
    orders=st.lists(
        st.tuples(st.sampled_from(Side), st.integers(1, 400), st.none() | st.integers(-350, 350)),
        min_size=1,
        max_size=5,
    ),
)
@settings(max_examples=400)
def test_every_fill_is_a_price_the_venue_knows_on_its_day(
    base: int,
    table: str,
    day: date,
    moves: list[int],
    size: int,
    orders: list[tuple[Side, int, int | None]],
) -> None:
    """I9 over all KRX bands and every table there has been: tick, limits, our share, and never worse than the limit."""
    venue = rules(table)
    terms = matching_terms(Source.SIMULATOR, venue, D(base), day)
    prices = sorted({terms.ticks.up(max(1, base * (1000 + move) // 1000)) for move in moves})
    levels = [Level(price, size) for price in prices]
    depth = Depth(levels[::-1], levels)
    waiting = [
        Resting(n, side, quantity, None if limit is None else max(1, base * (1000 + limit) // 1000), n)
        for n, (side, quantity, limit) in enumerate(orders)
    ]
    band = price_band(venue, D(base), day)
    assert band is not None
    taken: dict[tuple[Side, int], int] = {}
    for fill in match(waiting, depth, terms):
        price, limit = D(fill.price), waiting[fill.id].limit
        assert on_tick(table, price, day)
        assert band[0] <= price <= band[1]
        check_order(venue, fill.side, D(fill.quantity), price, D(base), day)  # the venue would have taken it
        if limit is not None:
            assert fill.price <= limit if fill.side is Side.BUY else fill.price >= limit
        level = (fill.side, fill.level_price)
        taken[level] = taken.get(level, 0) + fill.quantity
    assert all(quantity <= size // 4 for quantity in taken.values())


@given(base=BASES.map(lambda base: base + 95), table=st.sampled_from(["krx-stock", "krx-etf"]), day=DAYS)
def test_at_the_limit_there_is_only_the_other_side(base: int, table: str, day: date) -> None:
    """A limit-up price sells nothing to us, and a limit-down price buys nothing."""
    terms = matching_terms(Source.SIMULATOR, rules(table), D(base), day)
    assert terms.low is not None
    assert terms.high is not None
    for price, side in ((terms.high, Side.BUY), (terms.low, Side.SELL)):
        assert match([Resting(0, side, 1, None, 0)], bar_depth(price, 400, 1, terms.ticks), terms) == []
