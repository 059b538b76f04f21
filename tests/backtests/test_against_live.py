"""The engine walks few bars, in integers. Bar by bar, in Decimal and with live's own functions, the answer is the same."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.engine import Result, simulate
from backtests.market import Market
from backtests.moments import Falling, first_touch
from backtests.setup import Setup
from backtests.venue import Charging, TermsOf, Venue
from brokers.virtual import costs
from brokers.virtual.matching import Depth, Level, Resting, match
from markets.bars import Bars
from markets.types import InstrumentRules, Side, from_epoch, market_day
from strategies.evaluation import Evaluation
from tests.backtests.reference import Reference
from tests.backtests.scenes import COIN, HOUR, STOCK, evaluation, rule

FINE = replace(COIN, price_decimals=2, quantity_decimals=3, cash_decimals=1, lot=Decimal("0.005"))
LIMITS = ("stop_loss_rate", "take_profit_rate", "trailing_stop_rate")


@st.composite
def markets(draw: st.DrawFn, rules: InstrumentRules) -> Bars:
    """Some hours of prices in whole units, with thin ones and holes between them."""
    count, unit = draw(st.integers(2, 60)), 10.0**-rules.price_decimals
    rows, at = [], 1_550_000_000 // HOUR * HOUR
    for _ in range(count):
        prices = sorted(draw(st.lists(st.integers(800, 1200), min_size=4, max_size=4)))
        low, *middle, high = (round(price * unit, rules.price_decimals) for price in prices)
        opened, closed = middle if draw(st.booleans()) else reversed(middle)
        volume = draw(st.sampled_from([0.0, 7.0, 60.0, 5000.0]))
        rows.append((at, at + HOUR, opened, high, low, closed, volume))
        at += HOUR * draw(st.sampled_from([1, 1, 1, 2, 30]))
    return Bars.from_rows(rows)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Evaluation, InstrumentRules, Setup]:
    rules = draw(st.sampled_from([COIN, FINE]))
    bars = draw(markets(rules))
    places = st.lists(st.integers(0, len(bars) - 1), unique=True, max_size=len(bars))
    limits: dict[str, Any] = {name: draw(st.sampled_from([0.01, 0.05, 0.2])) for name in LIMITS if draw(st.booleans())}
    steps = draw(st.integers(1, 2))
    seen = evaluation(
        bars,
        first=draw(places),
        second=draw(places) if steps == 2 else (),
        sells=draw(places),
        document=rule(entries=steps, **limits),
    )
    setup = Setup(
        cash=Decimal(draw(st.integers(50, 20_000))),
        budget=draw(st.sampled_from([None, Decimal(3_000)])),
        first_share=draw(st.sampled_from([Decimal("0.3"), Decimal(1)])),
        repeat=draw(st.booleans()),
        cooldown_bars=draw(st.integers(0, 4)),
        participation=draw(st.sampled_from([(1, 10), (1, 3), (1, 1)])),
        spread_ticks=draw(st.integers(0, 2)),
        slippage_ticks=draw(st.integers(0, 2)),
        commission=draw(st.sampled_from([None, Decimal(0), Decimal("0.0025")])),
        fills=draw(st.sampled_from(["open", "ticks"])),
        exits="at_close",
    )
    return seen, rules, setup


def told(result: Result) -> list[Any]:
    return [
        (fill.at, fill.cycle, str(fill.side), fill.price, fill.quantity, fill.fee, fill.tax, fill.cash_after)
        for fill in result.fills
    ]


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_the_engine_says_what_live_would_bar_by_bar(scene: tuple[Evaluation, InstrumentRules, Setup]) -> None:
    seen, rules, setup = scene
    assert told(simulate(seen, rules, setup, first_bar=0)) == Reference(seen, rules, setup).run()


@settings(max_examples=60, deadline=None)
@given(scenes(), st.booleans(), st.booleans(), st.sampled_from([None, 1, 5]))
def test_cash_is_never_negative_and_fills_add_up(
    scene: tuple[Evaluation, InstrumentRules, Setup], inside: bool, collar: bool, bars_held: int | None
) -> None:
    seen, rules, setup = scene
    limits = dict(seen.document.risk.as_data())
    if bars_held:
        limits["time_stop_bars"] = bars_held
    seen = replace(seen, document=rule(entries=len(seen.entries), **limits))
    setup = replace(setup, collar=collar, slippage_rate=Decimal("0.003"))
    if inside:
        setup = replace(setup, fills="open", exits="inside_bar")
    result = simulate(seen, rules, setup, first_bar=0)
    cash, held = setup.cash, Decimal(0)
    for fill in result.fills:
        way = 1 if fill.side is Side.BUY else -1
        cash -= way * fill.amount + fill.fee + fill.tax
        held += way * fill.quantity
        assert fill.cash_after == cash >= 0
        assert held >= 0
        assert fill.quantity > 0
    assert (float(result.cash[-1]), float(result.held[-1])) == (float(cash), float(held))
    assert [fill.bar for fill in result.fills] == sorted(fill.bar for fill in result.fills)
    again = simulate(seen, rules, setup, first_bar=0)
    assert again.result_hash == result.result_hash


@settings(max_examples=50, deadline=None)
@given(scenes(), st.data())
def test_what_comes_later_changes_nothing_before_it(
    scene: tuple[Evaluation, InstrumentRules, Setup], data: st.DataObject
) -> None:
    """A run over the first bars is the beginning of the run over all of them: nothing looks ahead (I1 of backtests)."""
    seen, rules, setup = scene
    count = data.draw(st.integers(2, len(seen.bars)))
    part = Evaluation(
        seen.document,
        seen.bars.prefix(count),
        tuple(e[:count] for e in seen.entries),
        seen.exit[:count],
        (),
        seen.levels,
    )
    whole = simulate(seen, rules, setup, first_bar=0)
    begun = simulate(part, rules, setup, first_bar=0)
    ahead = [fill for fill in told(whole) if fill[0] < from_epoch(int(part.bars.closed_at[-1]))]
    assert told(begun) == ahead
    assert np.array_equal(begun.equity, whole.equity[:count])


@given(
    st.sampled_from([(COIN, 1_600_000_000), (STOCK, 1_560_000_000), (STOCK, 1_720_000_000), (FINE, 1_600_000_000)]),
    st.sampled_from(list(Side)),
    st.lists(st.tuples(st.integers(1, 10**7), st.integers(1, 10**5)), min_size=1, max_size=6),
    st.sampled_from([None, Decimal("0.00015"), Decimal("0.1")]),
)
def test_an_order_is_charged_what_the_costs_say(
    given_rules: tuple[InstrumentRules, int], side: Side, parts: list[tuple[int, int]], commission: Decimal | None
) -> None:
    rules, at = given_rules
    venue = Venue(rules, commission, TermsOf(0, (1, 1)))
    day, charging, state = venue.day(at), Charging(venue, side), costs.ChargeState()
    rates = (day.buy_commission, day.buy_tax) if side is Side.BUY else (day.sell_commission, day.sell_tax)
    for price, quantity in parts:
        fill = costs.Fill(venue.price(price), venue.quantity(quantity), market_day(from_epoch(at)))
        expected, state = costs.incremental_charges(rules, side, state, fill, commission=commission)
        charged = charging.add(price, quantity, *rates)
        assert tuple(map(venue.cash, charged)) == (expected.amount, expected.fee, expected.tax)


@given(
    st.sampled_from(list(Side)),
    st.integers(1, 500),
    st.integers(1, 2000),
    st.integers(0, 3000),
    st.none() | st.integers(900, 1100),
    st.integers(0, 2),
    st.sampled_from([(1, 10), (1, 1), None]),
)
def test_an_order_gets_what_the_matching_says(
    side: Side,
    wanted: int,
    price: int,
    volume: int,
    collar: int | None,
    spread: int,
    participation: tuple[int, int] | None,
) -> None:
    rules = replace(STOCK, lot=Decimal(5))
    setup = Setup(cash=Decimal(1), participation=participation, spread_ticks=spread)
    market = Market(rules, Bars.from_rows([]), setup)
    day = market.venue.day(1_600_000_000)
    quoted = market.quoted(side, float(price), day)
    found = market.fill(side, wanted, quoted, volume, collar, day)
    level = (Level(quoted, volume),)
    depth = Depth((), level) if side is Side.BUY else Depth(level, ())
    expected = match([Resting(0, side, wanted, None, 0, collar)], depth, day.terms)
    assert found == ((expected[0].price, expected[0].quantity) if expected else None)


@given(st.lists(st.integers(50, 150), min_size=1, max_size=300), st.integers(0, 299), st.data())
def test_a_fall_is_found_on_its_first_bar(closes: list[int], since: int, data: st.DataObject) -> None:
    close = np.array(closes, dtype=np.float64)
    since, lag = since % len(close), data.draw(st.integers(0, 1))
    start = data.draw(st.integers(since, len(close)))
    found = first_touch(Falling(close, close, since, 0.25, lag), start, len(close))
    seen = (bar for bar in range(start, len(close)) if bar - lag >= since)
    falls = (bar for bar in seen if close[bar] <= close[since : bar + 1 - lag].max() * 0.75)
    assert found == next(falls, len(close))
