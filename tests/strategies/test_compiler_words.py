"""What the newer conditions say on each bar, and where an entry that waits at a price waits: G01, T04."""

from typing import Any

import numpy as np
import pytest

from markets.bars import Bars
from strategies.candles import PATTERNS
from strategies.compiler import compile_document
from strategies.document import RuleDocument
from tests.contracts.strategy import assert_strategy_contract
from tests.strategies.rules import CLOSE, CLOSE_ABOVE_100, document, rule
from tests.strategies.series import bars_closing_at, bars_of, random_bars, real_bars
from tests.strategies.test_compiler import number, verdicts

AVERAGE = {"average": {"kind": "sma", "params": {"period": 2}}}


@pytest.mark.parametrize(("op", "expected"), [("eq", [False, True, False]), ("ne", [True, False, True])])
def test_equality_is_exact(op: str, expected: list[bool]) -> None:
    condition = {"kind": "compare", "left": CLOSE, "op": op, "right": number(100)}
    assert verdicts(condition, bars_closing_at(99.9999999, 100, 101)) == expected


def test_what_does_not_exist_differs_from_nothing() -> None:
    for left, right in (({"indicator": "average"}, number(1)), (CLOSE, {"indicator": "average"})):
        condition = {"kind": "compare", "left": left, "op": "ne", "right": right}
        assert verdicts(condition, bars_closing_at(5, 6), indicators=AVERAGE) == [False, True]


def test_a_band_holds_its_own_edges() -> None:
    condition = {"kind": "between", "series": CLOSE, "low": number(99), "high": number(101)}
    bars = bars_closing_at(98, 99, 100, 101, 102)
    assert verdicts(condition, bars) == [False, True, True, True, False]
    row = compile_document(document(condition)).evaluate(bars).row().conditions[0]
    assert (row.value, row.threshold, row.upper, row.distance) == (102, 99, 101, 3)


def test_the_edges_of_a_band_may_move() -> None:
    low, high = {"column": "close", "ago": 1}, {"column": "close", "ago": 1, "scale": 1.1}
    condition = {"kind": "between", "series": CLOSE, "low": low, "high": high}
    assert verdicts(condition, bars_closing_at(100, 100, 110, 122, 121)) == [False, True, True, False, False]


@pytest.mark.parametrize("kind", ["was_below_within", "was_above_within"])
def test_a_visit_can_be_to_the_far_side_of_a_moving_line(kind: str) -> None:
    condition = {"kind": kind, "series": CLOSE, "threshold": {"column": "close", "ago": 1}, "bars": 2}
    closes = (10, 9, 8, 9, 10, 9) if kind == "was_below_within" else (10, 11, 12, 11, 10, 11)
    assert verdicts(condition, bars_closing_at(*closes)) == [False, False, False, True, False, False]


def test_a_window_that_misses_a_figure_says_nothing() -> None:
    """%B has no value while the price stands still; the low of a window without it would be made up."""
    bands = {"bands": {"kind": "bollinger", "params": {"period": 2, "std": 1}}}
    series = {"indicator": "bands", "output": "percent_b"}
    condition = {"kind": "was_below_within", "series": series, "threshold": number(0.5), "bars": 3}
    closes = bars_closing_at(5, 4, 3, 4, 4, 5, 4, 5)  # falls, rises, stands still on the fifth bar, then moves again
    assert verdicts(condition, closes, indicators=bands) == [False] * 3 + [True] + [False] * 3 + [True]


def test_a_bars_range_is_its_high_less_its_low() -> None:
    high, low = np.array([11.0, 12.0]), np.array([9.0, 6.0])
    bars = bars_of(low, high, low, high, np.ones(2))
    assert verdicts({"kind": "compare", "left": {"column": "range"}, "op": "ge", "right": number(6)}, bars) == [
        False,
        True,
    ]


def engulfed() -> Bars:
    """Twenty quiet falling bars, then a long white one around the last of them."""
    open_ = np.append(np.linspace(120, 101, 20), 99.0)
    close = np.append(np.linspace(119, 100, 20), 103.0)
    return bars_of(open_, np.maximum(open_, close) + 0.1, np.minimum(open_, close) - 0.1, close, np.ones(21))


@pytest.mark.parametrize(("signal", "seen"), [("bullish", True), ("detected", True), ("bearish", False)])
def test_a_candle_pattern_is_seen_on_the_bar_that_completes_it(signal: str, seen: bool) -> None:
    passed = verdicts({"kind": "candle", "pattern": "engulfing", "signal": signal}, engulfed())
    assert passed == [False] * 20 + [seen]


@pytest.mark.parametrize("signal", ["bullish", "bearish", "detected"])
def test_every_candle_pattern_keeps_the_strategy_contract(signal: str) -> None:
    candles = [{"kind": "candle", "pattern": name, "signal": signal} for name in PATTERNS]
    assert_strategy_contract(document({"any": candles}), real_bars("krx-daily/005930"))


def waiting(stop: dict[str, Any], **keys: Any) -> RuleDocument:
    entry = {"name": "first", "when": {"all": [CLOSE_ABOVE_100]}, "stop": stop}
    return RuleDocument.from_data(rule(entries=[entry], **keys))


BREAKOUT = {"level": {"column": "range", "scale": 0.5}, "above_open": True}


def test_a_breakout_waits_above_the_next_bars_open_by_a_part_of_the_last_range() -> None:
    """T04: open + k x previous range."""
    open_, high = np.array([101.0, 102.0, 105.0, 98.0]), np.array([104.0, 108.0, 107.0, 99.0])
    low, close = np.array([100.0, 101.0, 98.0, 95.0]), np.array([103.0, 107.0, 99.0, 96.0])
    evaluation = compile_document(waiting(BREAKOUT)).evaluate(bars_of(open_, high, low, close, np.ones(4)))
    prices = evaluation.stop_prices(0)
    np.testing.assert_array_equal(prices, [np.nan, 102 + 2, 105 + 3.5, np.nan])  # the third close is not above 100
    row = evaluation.row(1).entries[0]
    assert (row.passed, row.level, row.above_open) == (True, 3.5, True)


def test_a_level_that_is_a_price_is_known_when_the_bar_closes() -> None:
    stop = {"level": {"indicator": "average", "scale": 2, "offset": 1}}
    evaluation = compile_document(waiting(stop, indicators=AVERAGE)).evaluate(bars_closing_at(101, 103, 105))
    np.testing.assert_array_equal(evaluation.stop_prices(0), [np.nan, np.nan, 205])
    assert [each.entries[0].level for each in map(evaluation.row, range(3))] == [None, 205, 209]
    assert evaluation.row(0).entries[0].passed is False  # there was no average yet to wait at


def test_without_a_range_there_is_no_breakout() -> None:
    flat = compile_document(waiting(BREAKOUT)).evaluate(bars_closing_at(101, 102))
    assert not flat.entries[0].any()
    below_zero = {"level": {"column": "close", "offset": -1000}}
    assert not compile_document(waiting(below_zero)).evaluate(bars_closing_at(101, 102)).entries[0].any()


def test_an_entry_at_the_next_open_has_no_level() -> None:
    evaluation = compile_document(document()).evaluate(bars_closing_at(101))
    assert (evaluation.stop_prices(0), evaluation.levels, evaluation.row().entries[0].level) == (None, (None,), None)


def test_a_breakout_keeps_the_strategy_contract() -> None:
    channel = {"channel": {"kind": "keltner", "params": {"period": 20, "atr_period": 10, "multiplier": 2}}}
    stop = {"level": {"indicator": "channel", "output": "upper"}}
    assert_strategy_contract(waiting(stop, indicators=channel), random_bars(3000))
    assert_strategy_contract(waiting(BREAKOUT), random_bars(3000))


def test_without_an_exit_rule_nothing_but_limits_sells() -> None:
    evaluation = compile_document(document(exit={"risk_only": True}, risk={"time_stop_bars": 3})).evaluate(
        bars_closing_at(99, 101)
    )
    assert evaluation.exit.tolist() == [False, False]
    assert evaluation.risk.time_stop_bars == 3
    assert evaluation.row().of_exit() == []


def test_a_levels_history_counts_towards_the_warm_up() -> None:
    stop = {"level": {"indicator": "channel", "output": "upper", "ago": 9}}
    channel = {"channel": {"kind": "donchian", "params": {"period": 400}}}
    assert compile_document(waiting(stop, indicators=channel)).warm_up == 409
