"""What each condition says on each bar, and what a row tells about it: G01, T01."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from markets.bars import Bars
from strategies.catalog import INDICATORS
from strategies.compiler import Evaluation, compile_document
from strategies.indicators import Frame
from strategies.library.swing import swing_document
from strategies.rows import Row
from tests.contracts.strategy import assert_strategy_contract, assert_warm_up_suffices
from tests.strategies.rules import CLOSE, CLOSE_ABOVE_100, CLOSE_BELOW_100, document, parameter
from tests.strategies.series import bars_closing_at, bars_of, random_bars, real_bars


def verdicts(condition: dict[str, Any], bars: Bars, **keys: Any) -> list[bool]:
    """Where an entry on this one condition holds."""
    return [bool(each) for each in compile_document(document(condition, **keys)).evaluate(bars).entries[0]]


def number(value: float) -> dict[str, Any]:
    return {"number": value}


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("gt", [False, False, True]),
        ("ge", [False, True, True]),
        ("lt", [True, False, False]),
        ("le", [True, True, False]),
    ],
)
def test_a_comparison_is_made_on_each_bar(op: str, expected: list[bool]) -> None:
    condition = {"kind": "compare", "left": CLOSE, "op": op, "right": number(100)}
    assert verdicts(condition, bars_closing_at(99, 100, 101)) == expected


def test_a_cross_happens_on_the_one_bar_that_leaves_the_line_behind() -> None:
    bars = bars_closing_at(99, 101, 102, 100, 101, 99)
    above = {"kind": "cross_above", "left": CLOSE, "right": number(100)}
    assert verdicts(above, bars) == [False, True, False, False, True, False]
    assert verdicts({**above, "kind": "cross_below"}, bars) == [False, False, False, False, False, True]


def test_the_first_bar_crosses_nothing() -> None:
    assert verdicts({"kind": "cross_above", "left": CLOSE, "right": number(0)}, bars_closing_at(1, 2)) == [False, False]


def test_was_below_within_needs_the_visit_and_the_return() -> None:
    condition = {"kind": "was_below_within", "series": CLOSE, "threshold": number(100), "bars": 3}
    bars = bars_closing_at(101, 99, 98, 101, 102, 103, 104)
    #            too few bars: no verdict yet; still below; back; bar 2 is in the window; no longer
    assert verdicts(condition, bars) == [False, False, False, True, True, False, False]


def test_was_above_within_is_its_mirror_image() -> None:
    condition = {"kind": "was_above_within", "series": CLOSE, "threshold": number(100), "bars": 3}
    assert verdicts(condition, bars_closing_at(99, 101, 102, 99, 98, 97, 96)) == [
        False,
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_change_is_measured_raw_or_in_average_bar_volumes() -> None:
    """C17."""
    bars = bars_closing_at(100, 110, 105, 130, volume=10)
    condition = {"kind": "change", "series": CLOSE, "bars": 2, "unit": "raw", "op": "gt", "threshold": number(5)}
    assert verdicts(condition, bars) == [False, False, False, True]
    scaled = {**condition, "unit": "average_volume", "threshold": number(1.9)}
    assert verdicts(scaled, bars) == [False, False, False, True]
    evaluation = compile_document(document(scaled)).evaluate(bars)
    np.testing.assert_allclose(evaluation.conditions[0].value, [np.nan, np.nan, 0.5, 2.0])


def test_a_change_without_any_volume_to_measure_it_by_is_no_change() -> None:
    condition = {
        "kind": "change",
        "series": CLOSE,
        "bars": 1,
        "unit": "average_volume",
        "op": "ge",
        "threshold": number(0),
    }
    assert verdicts(condition, bars_closing_at(1, 2, 3, volume=0)) == [False, False, False]


def test_an_operand_can_be_looked_up_earlier_scaled_and_shifted() -> None:
    right = {"column": "close", "ago": 1, "scale": 1.1, "offset": 1}
    condition = {"kind": "compare", "left": CLOSE, "op": "gt", "right": right}
    assert verdicts(condition, bars_closing_at(100, 112, 124)) == [False, True, False]


def test_groups_join_their_members_by_all_and_any() -> None:
    outside = {"any": [CLOSE_BELOW_100, {"all": [CLOSE_ABOVE_100, {**CLOSE_ABOVE_100, "right": number(110)}]}]}
    assert verdicts(outside, bars_closing_at(99, 100, 105, 111)) == [True, False, False, True]


def test_parameters_change_the_verdict_without_another_document() -> None:
    rule = document({**CLOSE_ABOVE_100, "right": {"param": "level"}}, parameters={"level": parameter(100, 0, 200)})
    bars = bars_closing_at(105)
    assert compile_document(rule).evaluate(bars).entries[0].tolist() == [True]
    assert compile_document(rule, {"level": 105}).evaluate(bars).entries[0].tolist() == [False]


def test_a_row_explains_itself_and_survives_being_stored() -> None:
    """G01."""
    row = swing_evaluation(900).row()
    assert [each.label for each in row.conditions][:2] == ["first.cross", "first.rsi"]
    for each in row.conditions:
        assert each.value is not None
        assert each.threshold is not None
        assert each.distance == each.value - each.threshold
    stored = json.loads(json.dumps(row.as_data(), allow_nan=False))
    assert Row.from_data(stored) == row


def test_a_row_from_too_little_history_has_no_figures_and_no_verdicts() -> None:
    row = swing_evaluation(900).row(0)
    assert not row.exit
    assert not any(entry.passed for entry in row.entries)
    assert {each.value for each in row.conditions} == {None}
    json.dumps(row.as_data(), allow_nan=False)


def test_there_is_no_row_without_bars() -> None:
    with pytest.raises(IndexError):
        swing_evaluation(0).row()


def swing_evaluation(count: int) -> Evaluation:
    return compile_document(swing_document()).evaluate(random_bars(1000).prefix(count))


def test_documents_on_the_same_frame_share_its_arrays() -> None:
    bars = random_bars(300)
    frame, evaluator = Frame(bars), compile_document(swing_document())
    first, second = evaluator.evaluate(bars, frame), evaluator.evaluate(bars, frame)
    assert first.conditions[0].value is second.conditions[0].value
    with pytest.raises(ValueError, match="other bars"):
        evaluator.evaluate(bars.prefix(200), frame)


RISING = {
    "kind": "compare",
    "left": {"indicator": "adx", "output": "plus_di"},
    "op": "gt",
    "right": {"indicator": "adx", "output": "minus_di", "scale": 1.2, "ago": 3},
}
BUSY = {"kind": "compare", "left": {"column": "volume"}, "op": "gt", "right": {"indicator": "usual", "scale": 1.5}}


def test_a_nested_rule_over_other_columns_keeps_the_contract_too() -> None:
    indicators = {
        "adx": {"kind": "adx", "params": {"period": 10}},
        "usual": {"kind": "sma", "params": {"period": 30}, "source": "volume"},
    }
    assert_strategy_contract(document({"any": [RISING, {"all": [BUSY]}]}, indicators=indicators), random_bars(3000))


def test_the_contract_notices_a_warm_up_that_is_too_short() -> None:
    evaluator = compile_document(swing_document())
    with pytest.raises(AssertionError):
        assert_warm_up_suffices(replace(evaluator, warm_up=250), real_bars("krx-daily/005930"), samples=12)


def test_the_warm_up_is_at_least_250_bars() -> None:
    assert compile_document(document()).warm_up == 250


RAW_CHANGE = {"kind": "change", "unit": "raw", "op": "gt", "threshold": number(0)}


@pytest.mark.parametrize(
    ("condition", "more"),
    [
        ({"kind": "was_below_within", "series": {"indicator": "a"}, "threshold": number(30), "bars": 200}, 199),
        ({"kind": "cross_above", "left": {"indicator": "a"}, "right": number(30)}, 1),
        ({"kind": "compare", "left": {"indicator": "a", "ago": 7}, "op": "gt", "right": CLOSE}, 7),
        ({**RAW_CHANGE, "series": {"indicator": "a"}, "bars": 50}, 50),
    ],
)
def test_the_warm_up_covers_the_bars_a_condition_looks_back_on(condition: dict[str, Any], more: int) -> None:
    indicators = {"a": {"kind": "rsi", "params": {"period": 14}}}
    assert (
        compile_document(document(condition, indicators=indicators)).warm_up
        == INDICATORS["rsi"].warm_up({"period": 14}) + more
    )


def test_missing_figures_never_pass_even_where_a_negation_would() -> None:
    nothing = bars_of(*np.ones((5, 3)))
    for op in ("gt", "ge", "lt", "le"):
        condition = {"kind": "compare", "left": {"indicator": "a"}, "op": op, "right": number(1)}
        indicators = {"a": {"kind": "rsi", "params": {"period": 14}}}
        assert verdicts(condition, nothing, indicators=indicators) == [False] * 3
