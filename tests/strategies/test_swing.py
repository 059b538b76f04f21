"""The swing plan's rule: W01, W03, W04, C17, C18, C29."""

import numpy as np
import pytest

from strategies.compiler import Evaluation, compile_document
from strategies.errors import DocumentInvalid
from strategies.library.swing import (
    ACTIVE_SWING,
    DEFAULT_SWING,
    MEASURED_RSI_PASSES,
    SwingParameters,
    swing_document,
)
from tests.contracts.strategy import assert_strategy_contract
from tests.strategies.series import KRX, random_bars, real_bars

SERIES = (*(f"krx-daily/{code}" for code in KRX), "crypto/UNITTEST_BTC-1m")
EVERY_FILTER = SwingParameters(exit_use_rsi=True, exit_use_adx=True, exit_use_obv=True)
LITERAL = SwingParameters(rsi_mode="same_bar", obv_mode="raw", exit_use_rsi=True, exit_use_obv=True)


@pytest.mark.parametrize("chosen", [DEFAULT_SWING, ACTIVE_SWING, EVERY_FILTER, LITERAL])
def test_the_swing_rule_keeps_the_strategy_contract(chosen: SwingParameters) -> None:
    assert_strategy_contract(swing_document(chosen), random_bars(4000))


@pytest.mark.parametrize("series", ["krx-daily/005930", "crypto/UNITTEST_BTC-1m"])
@pytest.mark.parametrize("chosen", [DEFAULT_SWING, EVERY_FILTER])
def test_the_swing_rule_keeps_the_strategy_contract_on_real_bars(chosen: SwingParameters, series: str) -> None:
    assert_strategy_contract(swing_document(chosen), real_bars(series), samples=40)


def test_the_measured_counts_of_crosses_hold_on_the_shared_data() -> None:
    """C29. Counted from each series' 101st bar; a window of N bars includes the bar of the cross."""
    counts: dict[str, int] = {}
    for series in SERIES:
        bars = real_bars(series)
        default = passed(compile_document(swing_document()).evaluate(bars))
        literal = passed(compile_document(swing_document(LITERAL)).evaluate(bars))
        for name, rows in {
            "first crosses": default["first.cross"],
            "literal": default["first.cross"] & literal["first.rsi"],
            "within": default["first.cross"] & default["first.rsi"],
            "all three": default["first.cross"] & default["first.rsi"] & default["first.adx"] & default["first.obv"],
            "second crosses": default["second.cross"],
            "second within": default["second.cross"] & default["second.rsi"],
        }.items():
            counts[name] = counts.get(name, 0) + int(rows[100:].sum())
    assert counts == {
        "first crosses": 1544,
        "literal": 0,
        "within": 277,
        "all three": 55,
        "second crosses": 428,
        "second within": 189,
    }
    assert MEASURED_RSI_PASSES == {"within": (277, 1544), "same_bar": (0, 1544)}


def passed(evaluation: Evaluation) -> dict[str, np.ndarray]:
    return {rows.condition.label: rows.passed for rows in evaluation.conditions}


def test_by_default_each_buy_has_three_filters_and_the_exit_is_the_down_cross_alone() -> None:
    labels = [condition.label for _, condition in swing_document().conditions()]
    filters = ["cross", "rsi", "adx", "obv"]
    assert labels == [f"{step}.{name}" for step in ("first", "second") for name in filters] + ["exit.cross"]


def test_the_active_preset_has_no_rsi_and_asks_less_of_the_trend() -> None:
    document = swing_document(ACTIVE_SWING)
    assert "rsi" not in document.indicators
    assert "rsi_threshold" not in document.parameters
    assert document.parameters["adx_threshold"].default == 20


def test_selling_mirrors_the_threshold_at_100_minus_it() -> None:
    """C18."""
    conditions = {each.label: each for _, each in swing_document(EVERY_FILTER).bind({"rsi_threshold": 20}).conditions()}
    assert conditions["exit.rsi"].as_data()["kind"] == "was_above_within"
    assert conditions["exit.rsi"].as_data()["threshold"] == {"number": 80}
    assert conditions["first.rsi"].as_data()["threshold"] == {"number": 20}
    assert conditions["exit.obv"].as_data()["op"] == "lt"


@pytest.mark.parametrize(("mode", "level"), [("scaled", 0), ("raw", 1000)])
def test_an_obv_threshold_left_open_follows_the_mode(mode: str, level: int) -> None:
    """C17."""
    chosen = SwingParameters.from_data({"obv_mode": mode})
    assert swing_document(chosen).parameters["obv_threshold"].default == level


def test_the_rule_asks_for_enough_bars_to_settle_the_longest_average() -> None:
    evaluator = compile_document(swing_document())
    assert evaluator.warm_up == 752
    assert compile_document(swing_document(), {"long_ema": 21, "medium_ema": 20}).warm_up < 752


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"short_ema": 20}, "medium_ema"),
        ({"medium_ema": 60}, "long_ema"),
        ({"rsi_threshold": 0}, "rsi_threshold"),
        ({"adx_period": 1}, "adx_period"),
        ({"stop_loss_rate": 7}, "stop_loss_rate"),
        ({"rsi_mode": "sometimes"}, "rsi_mode"),
        ({"short_ema": True}, "short_ema"),
        ({"shrot_ema": 5}, "shrot_ema"),
    ],
)
def test_parameters_that_cannot_trade_are_refused_by_field(given: dict[str, object], path: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        SwingParameters.from_data(given)
    assert [each.path for each in refused.value.problems] == [path]


def test_a_sweep_cannot_put_the_averages_out_of_order() -> None:
    with pytest.raises(DocumentInvalid) as refused:
        compile_document(swing_document(), {"short_ema": 20})
    assert [each.code for each in refused.value.problems] == ["not_increasing"]


def test_what_was_chosen_can_be_stored_and_read_back_whole() -> None:
    assert SwingParameters.from_data(ACTIVE_SWING.as_data()) == ACTIVE_SWING
    assert set(ACTIVE_SWING.as_data()) == set(SwingParameters.model_fields)
