"""Cycles taken many at once give the fills that the walk bar by bar gives, to the last unit and bit."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.market import Market
from backtests.orders import Orders
from backtests.plan import Plan
from backtests.setup import Setup
from backtests.simulation import Simulation
from backtests.venue import TermsOf, Venue
from brokers.virtual import costs
from markets.bars import Bars
from markets.types import InstrumentRules, Side
from strategies.evaluation import Evaluation
from tests.backtests.scenes import COIN, HOUR, STOCK, evaluation, flat, free, rule
from trading import risk
from trading.sizing import size_buy

FINE = replace(COIN, price_decimals=2, quantity_decimals=3, cash_decimals=1, lot=Decimal("0.005"))
CENTS = replace(FINE, min_quantity=Decimal("0.5"), min_amount=Decimal("12.345"))
INSTRUMENTS = [COIN, FINE, CENTS, STOCK]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Evaluation, InstrumentRules, Setup]:
    """Rough prices of some days: between ticks, with nights between them, thin and thick volume."""
    rules = draw(st.sampled_from(INSTRUMENTS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(2, 400))
    base = draw(st.sampled_from([9.0, 100.0, 4_990.0, 51_234.0]))
    close = base * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    opened = close * np.exp(rng.normal(0, draw(st.sampled_from([0.001, 0.04])), count))
    if draw(st.booleans()):
        close, opened = np.ceil(close), np.ceil(opened)
    volume = np.where(rng.random(count) < 0.1, 0.0, draw(st.sampled_from([30.0, 1e4, 1e9])) * rng.random(count))
    gaps = HOUR * rng.choice([1, 1, 1, 18, 66], count)
    start = draw(st.sampled_from([1_550_000_000, 1_690_000_000])) // HOUR * HOUR
    opens = start + np.cumsum(gaps)
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    bars = Bars(opens, opens + HOUR, opened, high, low, close, volume)
    steps = draw(st.integers(1, 2))
    often = draw(st.sampled_from([0.02, 0.2, 0.8]))
    first, second, sells = ([int(n) for n in np.flatnonzero(rng.random(count) < often)] for _ in range(3))
    seen = evaluation(bars, first=first, second=second, sells=sells, document=rule(entries=steps))
    setup = Setup(
        cash=Decimal(draw(st.integers(50, 5_000_000))),
        budget=draw(st.sampled_from([None, Decimal("30000.5")])),
        first_share=draw(st.sampled_from([Decimal("0.3"), Decimal(1)])),
        quantity=draw(st.sampled_from([None, None, Decimal(10)])),
        repeat=draw(st.sampled_from([True, True, False])),
        restarts_at_once=draw(st.booleans()),
        cooldown_bars=draw(st.integers(0, 4)),
        participation=draw(st.sampled_from([(1, 10), (1, 1), None])),
        spread_ticks=draw(st.integers(0, 2)),
        slippage_rate=draw(st.sampled_from([Decimal(0), Decimal("0.003")])),
        commission=draw(st.sampled_from([None, Decimal(0), Decimal("0.0025")])),
        collar=draw(st.booleans()),
        day_orders=draw(st.booleans()),
    )
    return seen, rules, setup


@settings(max_examples=120, deadline=None)
@given(scenes())
def test_smooth_cycles_are_those_of_the_walk_bar_by_bar(scene: tuple[Evaluation, InstrumentRules, Setup]) -> None:
    quick, slow = (Simulation(*scene, smooth=smooth) for smooth in (True, False))
    quick.run(0)
    slow.run(0)
    assert list(map(repr, quick.fills)) == list(map(repr, slow.fills))


def test_smooth_cycles_are_taken_where_nothing_surprises() -> None:
    """Else the test above would compare the slow walk with itself."""
    seen = evaluation(flat(*[100] * 400), first=range(0, 400, 4), sells=range(2, 400, 4))
    quick = Simulation(seen, COIN, free())
    assert quick._smooth is not None
    assert quick._smooth.walk(0) == 399
    assert len(quick.fills) == 200


@settings(deadline=None)
@given(
    st.sampled_from(INSTRUMENTS),
    st.integers(1, 5_000_000),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.sampled_from([1, 2]),
    st.sampled_from([None, Decimal("123456.78")]),
    st.sampled_from([1_550_000_000, 1_700_000_000]),
)
def test_a_step_in_units_is_the_step_that_live_sizes(
    rules: InstrumentRules, quoted: int, cash: int, spent: int, step: int, budget: Decimal | None, at: int
) -> None:
    setup = Setup(cash=Decimal(1), first_share=Decimal("0.37"), budget=budget)
    market = Market(rules, flat(100, 100), setup)
    venue, day = market.venue, market.venue.day(at)
    plan = Plan(venue, cash, 0, repeat=True)
    plan.spent = min(spent, venue.cash_units(Decimal(123456))) if budget else spent
    units, collar = Orders(market, plan, [None, None], None).terms(step, quoted, day)
    worst = risk.worst_buy_price(rules, venue.price(quoted), day.on)
    assert collar is not None
    assert venue.price(collar) == worst
    assert venue.quantity(units) == size_buy(
        budget=venue.cash(cash + plan.spent) if budget is None else budget,
        share=setup.first_share if step == 1 else Decimal(1),
        price=worst,
        fee_rate=costs.rates(rules, Side.BUY, day.on).commission,
        lot=rules.lot,
        min_quantity=rules.min_quantity,
        min_amount=rules.min_amount,
        already_spent=venue.cash(plan.spent),
    )


@settings(deadline=None)
@given(
    st.sampled_from(INSTRUMENTS),
    st.lists(st.floats(0.02, 10**6) | st.integers(1, 10**6).map(float), min_size=1, max_size=20),
    st.integers(0, 2),
    st.sampled_from([Decimal(0), Decimal("0.001")]),
    st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_quotes_of_many_prices_are_the_quotes_of_each(
    rules: InstrumentRules, prices: list[float], spread: int, slippage: Decimal, sides: list[bool]
) -> None:
    market = Market(rules, flat(100), Setup(cash=Decimal(1), spread_ticks=spread, slippage_rate=slippage))
    at = 1_500_000_000 + 86400 * 120 * np.arange(len(prices), dtype=np.int64)  # over several tables
    buys = np.array(sides[: len(prices)])
    each = [
        market.quoted(Side.BUY if buys[n] else Side.SELL, price, market.venue.day(int(at[n])))
        for n, price in enumerate(prices)
    ]
    assert market.quotes(buys, np.array(prices), at).tolist() == each


@settings(deadline=None)
@given(st.sampled_from(INSTRUMENTS), st.integers(1, 10**7), st.integers(1, 10**6), st.sampled_from(list(Side)))
def test_an_order_filled_at_once_is_charged_as_one_filled_in_pieces(
    rules: InstrumentRules, price: int, quantity: int, side: Side
) -> None:
    venue = Venue(rules, None, TermsOf(0, (1, 1)))
    day = venue.day(1_700_000_000)
    expected = costs.charges(rules, side, venue.price(price), venue.quantity(quantity), day.on)
    charged = tuple(map(venue.cash, venue.charged(side, price * quantity, day)))
    assert charged == (expected.amount, expected.fee, expected.tax)
