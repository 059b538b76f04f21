"""The built-in strategies: each keeps the contract, says itself in two languages, and does what its rule intends.

T04-T06, T08, T09, G14; the KIS presets are read by the "intended rule" of the format's reference.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from markets.bars import Bars
from strategies.compiler import Evaluation, compile_document
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.library.basic import basic_document
from strategies.library.breakout import BreakoutParameters, breakout_document
from strategies.library.rsi import rsi_document
from strategies.library.shelf import LIBRARY
from strategies.sentences import document_sentences
from tests.contracts.strategy import assert_strategy_contract
from tests.strategies.series import bars_closing_at, bars_of, real_bars

KEYS = list(LIBRARY)


@pytest.mark.parametrize("key", KEYS)
def test_every_built_in_strategy_keeps_the_contract_on_real_bars(key: str) -> None:
    assert_strategy_contract(LIBRARY[key].build(), real_bars("krx-daily/005930"), samples=20)


@pytest.mark.parametrize("key", KEYS)
def test_every_built_in_strategy_trades_somewhere_in_decades_of_real_bars(key: str) -> None:
    evaluation = compile_document(LIBRARY[key].build()).evaluate(real_bars("krx-daily/005930"))
    assert evaluation.entries[0].any()
    assert evaluation.exit.any() or not evaluation.row().of_exit()


@pytest.mark.parametrize("key", KEYS)
def test_every_built_in_strategy_has_words_in_both_languages(key: str) -> None:
    entry = LIBRARY[key]
    hangul = re.compile("[가-힣]")
    for words in (entry.name, entry.description):
        assert hangul.search(words.ko)
        assert not hangul.search(words.en)
    document = entry.build()
    assert not any(hangul.search(line) for line in document_sentences(document, "en"))
    assert RuleDocument.from_json(document.canonical_json()) == document


def test_there_are_fifteen_of_them_with_ten_presets_of_kis() -> None:
    assert len(LIBRARY) == 15
    assert len({entry.build().version_hash() for entry in LIBRARY.values()}) == 15


def test_every_built_in_strategy_is_in_the_docs() -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
    for key, entry in LIBRARY.items():
        assert f"| `{key}` | {entry.name.ko} | {entry.name.en} | {entry.description.en} |" in docs


def on(document: RuleDocument, bars: Bars) -> Evaluation:
    return compile_document(document).evaluate(bars)


def bought_and_sold(key: str, *closes: float) -> tuple[list[int], list[int]]:
    """The bars on which the preset's entry and exit hold."""
    evaluation = on(LIBRARY[key].build(), bars_closing_at(*closes))
    return np.flatnonzero(evaluation.entries[0]).tolist(), np.flatnonzero(evaluation.exit).tolist()


def test_the_basic_plan_buys_the_upward_cross_and_sells_the_downward_one() -> None:
    """T08. SMA 2 and 3 of 5 4 3 4 6 5 2: the short one is above on bars 4 and 5 alone."""
    evaluation = on(basic_document(short=2, long=3), bars_closing_at(5, 4, 3, 4, 6, 5, 2))
    assert np.flatnonzero(evaluation.entries[0]).tolist() == [4]
    assert np.flatnonzero(evaluation.exit).tolist() == [6]
    with pytest.raises(DocumentInvalid):
        basic_document(short=20, long=20)


def test_the_rsi_strategy_buys_on_the_way_out_of_oversold() -> None:
    """T09. RSI(2) by hand, gains and losses averaged: 0, 0, 66.7, 85.7, 40.

    10 9 8 7 9 11 9: the first value is after two changes, both falls.
    """
    evaluation = on(rsi_document(period=2), bars_closing_at(10, 9, 8, 7, 9, 11, 9))
    rsi = np.asarray(evaluation.conditions[0].value)
    np.testing.assert_allclose(rsi[2:], [0, 0, 200 / 3, 600 / 7, 40], rtol=1e-12)
    assert np.flatnonzero(evaluation.entries[0]).tolist() == [4]
    assert np.flatnonzero(evaluation.exit).tolist() == [6]


def breakout_day() -> Bars:
    """Sixty bars that rise and fall by turns on even volume: RSI stays near 50, bars close at the middle or the top."""
    close = 1000 + 10.0 * (np.arange(60) % 2)
    return bars_of(close, close + 10, close - 10 * (np.arange(60) % 3 > 0), close, np.full(60, 5.0))


def test_the_breakout_waits_at_open_plus_k_times_the_range_before() -> None:
    """T04: golden. The 59th bar's range is 20 or 10; the next one opens at 1010."""
    bars = breakout_day()
    evaluation = on(breakout_document(BreakoutParameters(k_value=0.6, fund_flow_threshold=-1)), bars)
    prices = evaluation.stop_prices(0)
    assert prices is not None
    assert prices[59] == pytest.approx(bars.open[59] + 0.6 * (bars.high[58] - bars.low[58]))
    assert evaluation.row().entries[0].above_open


@pytest.mark.parametrize(
    "filters",
    [
        {"rsi_overbought": 40, "rsi_oversold": 5},  # T06: overbought
        {"rsi_oversold": 60, "rsi_overbought": 95},  # T06: oversold
        {"fund_flow_threshold": 0.99},  # T05
    ],
)
def test_the_breakouts_filters_keep_it_out(filters: dict[str, Any]) -> None:
    quiet = BreakoutParameters.from_data({"fund_flow_threshold": -1})
    assert on(breakout_document(quiet), breakout_day()).entries[0][-1]
    barred = BreakoutParameters.from_data({"fund_flow_threshold": -1, **filters})
    assert not on(breakout_document(barred), breakout_day()).entries[0][-1]


def test_the_breakouts_limits_come_from_the_words_of_the_requirements() -> None:
    """T03: the profit is taken `take_profit_ratio` stop-losses above the cost."""
    chosen = BreakoutParameters(stop_loss_pct=1.5, take_profit_ratio=3, max_position_pct=20, hold_bars=2)
    limits = breakout_document(chosen).bind().risk.limits()
    assert (limits.stop_loss_rate, limits.take_profit_rate, limits.max_position_rate) == (0.015, 0.045, 0.2)
    assert limits.time_stop_bars == 2
    assert BreakoutParameters.from_data(chosen.as_data()) == chosen


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"k_value": 0}, "k_value"),
        ({"fund_flow_threshold": 1.1}, "fund_flow_threshold"),
        ({"stop_loss_pct": 0}, "stop_loss_pct"),
        ({"stop_loss_pct": None}, "stop_loss_pct"),
        ({"rsi_oversold": 80}, "rsi_overbought"),
        ({"hold_bars": 0}, "hold_bars"),
        ({"k": 0.5}, "k"),
    ],
)
def test_breakout_settings_that_cannot_trade_are_refused_by_field(given: dict[str, Any], path: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        BreakoutParameters.from_data(given)
    assert [each.path for each in refused.value.problems] == [path]


def test_five_closes_up_buy_and_five_down_sell() -> None:
    bought, sold = bought_and_sold("consecutive_moves", 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2)
    assert (bought, sold) == ([5, 6], [11])


def test_the_52_week_high_is_that_of_the_bars_before() -> None:
    closes = [100.0] * 253 + [101, 102, 101, 103]
    bought, sold = bought_and_sold("week52_high", *closes)
    # 102 and 103 lie above too, but so did the close before, above the high before it; 101 fell back to it
    assert (bought, sold) == ([253, 256], [])


def test_a_breakout_that_falls_back_within_three_bars_is_left() -> None:
    base = [100.0] * 22
    assert bought_and_sold("false_breakout", *base, 105, 104, 99, 98) == ([22], [24, 25])
    assert bought_and_sold("false_breakout", *base, 105, 104, 103, 102, 99) == ([22], [])  # the fourth bar is too late


def test_far_from_the_average_means_by_the_ratio() -> None:
    level = [100.0] * 20
    assert bought_and_sold("ma_divergence", *level, 95, 85, 120) == ([21], [22])
    assert bought_and_sold("short_term_reversal", *level, 99, 95, 104) == ([21], [22])


def test_a_strong_close_buys_and_a_weak_one_sells() -> None:
    high, low, close = np.full(4, 10.0), np.zeros(4), np.array([5, 8, 2, 1.9])
    evaluation = on(LIBRARY["strong_close"].build(), bars_of(close, high, low, close, np.ones(4)))
    assert evaluation.entries[0].tolist() == [False, True, False, False]
    assert evaluation.exit.tolist() == [False, False, False, True]


def test_a_jump_out_of_quiet_buys_and_a_fall_sells() -> None:
    wild = [100.0, 106, 100, 106] * 15
    quiet = [100.0] * 20
    bought, sold = bought_and_sold("volatility_breakout", *wild, *quiet, 103.5, 100)
    assert bought == [80]
    assert sold[-1] == 81
    assert not bought_and_sold("volatility_breakout", *quiet, *wild)[0][1:]  # not while it is wild already


def test_the_trend_decides_which_days_count() -> None:
    rising = [100.0 + step for step in range(60)]
    assert bought_and_sold("trend_filter_signal", *rising, 165, 164, 50) == ([59, 60], [62])


def test_momentum_is_the_change_over_sixty_bars() -> None:
    assert bought_and_sold("momentum", *[100.0] * 60, 101, 100, 99) == ([60], [62])
