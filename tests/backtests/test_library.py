"""Whole strategies of the library over real bars: every trade is where the rule and the bar say it must be."""

from decimal import Decimal

import pytest

from backtests.engine import run
from backtests.setup import Setup
from brokers.virtual.matching import Ticks
from markets.types import Interval, Side, market_day
from strategies.compiler import compile_document
from strategies.library.breakout import BreakoutParameters, breakout_document
from tests.backtests.test_replay_parity import SAMSUNG, SHARED, bars_of

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared price data is not beside this repository")


def test_volatility_breakout_buys_inside_the_bar_at_its_level_and_sells_at_the_next_open() -> None:
    bars = bars_of("krx-daily/005930.csv", Interval.D1)
    evaluator = compile_document(breakout_document(BreakoutParameters()))
    setup = Setup(cash=Decimal(10_000_000), first_share=Decimal(1), spread_ticks=0, cooldown_bars=0, exits="inside_bar")
    result = run(evaluator, bars, SAMSUNG, setup)
    buys = [fill for fill in result.fills if fill.side is Side.BUY]
    assert len(buys) > 500
    for fill in buys:
        place = fill.bar
        opened, width = bars.open[place], bars.high[place - 1] - bars.low[place - 1]
        level = max(opened, opened + 0.5 * width)
        assert bars.high[place] >= level
        ticks = Ticks.of(SAMSUNG, market_day(fill.at))
        assert int(fill.price) == ticks.up(-int(-level // 1))
    bought = {fill.cycle: fill for fill in buys}
    for fill in result.fills:
        if fill.side is Side.SELL and fill.reason == "time_stop":
            assert fill.bar >= bought[fill.cycle].bar + 1
        if fill.side is Side.SELL and fill.reason in ("stop_loss", "take_profit"):
            assert fill.bar >= bought[fill.cycle].bar
    assert {fill.reason for fill in result.fills} == {"first_entry", "time_stop", "stop_loss", "take_profit"}


def test_the_same_inputs_give_the_same_hashes_and_others_do_not() -> None:
    bars = bars_of("krx-daily/005930.csv", Interval.D1)
    evaluator = compile_document(breakout_document(BreakoutParameters()))
    first, again = (run(evaluator, bars, SAMSUNG, Setup(cash=Decimal(10_000_000))) for _ in range(2))
    assert (first.inputs_hash, first.result_hash) == (again.inputs_hash, again.result_hash)
    assert first.version_hash == evaluator.document.version_hash()
    other = run(evaluator, bars, SAMSUNG, Setup(cash=Decimal(10_000_001)))
    assert other.inputs_hash != first.inputs_hash
    assert other.result_hash != first.result_hash
    same_number = run(evaluator, bars, SAMSUNG, Setup(cash=Decimal("10000000.0")))
    assert same_number.result_hash == first.result_hash
    seeded = run(evaluator, bars, SAMSUNG, Setup(cash=Decimal(10_000_000), seed=7))
    assert seeded.result_hash != first.result_hash
