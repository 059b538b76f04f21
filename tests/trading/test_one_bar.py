"""One bar in plain numbers: the same verdicts, figures and bytes as the arrays of the compiler give (G01, T01)."""

import json
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from strategies.compiler import compile_document
from strategies.conditions import Compare
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.indicators import Frame
from strategies.library.swing import SwingParameters, swing_document
from tests.strategies.series import random_bars
from trading.one_bar import KEYS, BarRule, Sight, UnknownWord
from trading.services.evaluation.rules import Rule

BARS = random_bars(400)
INDICATORS = {
    "fast": {"kind": "ema", "params": {"period": 5}},
    "slow": {"kind": "ema", "params": {"period": 40}},
    "rsi": {"kind": "rsi", "params": {"period": 9}},
    "adx": {"kind": "adx", "params": {"period": 14}},
    "obv": {"kind": "obv"},
    "bands": {"kind": "bollinger", "params": {"period": 20, "std": 2}},
}
outputs = st.sampled_from([*((alias, "value") for alias in INDICATORS if alias != "bands"), ("bands", "upper")])
scale = st.sampled_from([1, 1, 1, -1, 0.5, 1.01])
offset = st.sampled_from([0, 0, 0, 100, -2.5])
ago = st.sampled_from([0, 0, 1, 7, 399])


@st.composite
def series(draw: st.DrawFn) -> dict[str, Any]:
    shift = {"scale": draw(scale), "offset": draw(offset), "ago": draw(ago)}
    if draw(st.booleans()):
        return {"column": draw(st.sampled_from(["open", "high", "low", "close", "volume"])), **shift}
    alias, output = draw(outputs)
    return {"indicator": alias, "output": output, **shift}


numbers = st.sampled_from([0, 30, 50, 69.5, 100, 101, 250.25]).map(lambda number: {"number": number})
bars = st.integers(1, 60)
compares = st.fixed_dictionaries(
    {
        "kind": st.just("compare"),
        "left": series(),
        "op": st.sampled_from(["gt", "ge", "lt", "le", "eq", "ne"]),
        "right": series() | numbers,
    },
    optional={"label": st.just("이름 \\ \n")},
)
crosses = st.fixed_dictionaries(
    {"kind": st.sampled_from(["cross_above", "cross_below"]), "left": series(), "right": series() | numbers}
)
visits = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["was_below_within", "was_above_within"]),
        "series": series(),
        "threshold": numbers,
        "bars": bars,
    }
)
changes = st.fixed_dictionaries(
    {
        "kind": st.just("change"),
        "series": series(),
        "bars": bars,
        "unit": st.sampled_from(["raw", "average_volume"]),
        "op": st.sampled_from(["gt", "le"]),
        "threshold": numbers,
    }
)
bands = st.fixed_dictionaries(
    {"kind": st.just("between"), "series": series(), "low": series() | numbers, "high": series() | numbers}
)
leaves = bands | compares | crosses | visits | changes


def groups(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(["all", "any"]).flatmap(
        lambda join: st.lists(members, min_size=1, max_size=4).map(lambda each: {join: each})
    )


nested = groups(st.recursive(leaves, groups, max_leaves=6))


@st.composite
def documents(draw: st.DrawFn) -> RuleDocument:
    entries = draw(st.lists(nested, min_size=1, max_size=2))
    data = {
        "schema_version": 1,
        "name": "drawn",
        "indicators": INDICATORS,
        "entries": [{"name": f"step{number}", "when": when} for number, when in enumerate(entries)],
        "exit": draw(nested | st.just({"risk_only": True})),
        "risk": {"stop_loss_rate": 0.1},
    }
    try:
        return RuleDocument.from_data(data)
    except DocumentInvalid:  # such as a series compared with itself
        reject()


@settings(max_examples=150, deadline=None)
@given(document=documents(), index=st.sampled_from([0, 1, 7, 39, 60, 200, 399]))
def test_one_bar_says_what_the_whole_series_says(document: RuleDocument, index: int) -> None:
    evaluator = compile_document(document)
    row = evaluator.evaluate(BARS).row(index)
    seen = BarRule(evaluator).see(Sight(Frame(BARS), index))
    assert seen.text == json.dumps(row.as_data())
    assert ([each.passed for each in seen.entries], seen.exit) == ([each.passed for each in row.entries], row.exit)
    assert (seen.close, seen.closed_at) == (row.close, row.closed_at)


@pytest.mark.parametrize("chosen", [SwingParameters(), SwingParameters(rsi_mode="same_bar", obv_mode="raw")])
def test_the_swing_rule_says_the_same_on_every_bar(chosen: SwingParameters) -> None:
    evaluator = compile_document(swing_document(chosen))
    whole, frame, rule = evaluator.evaluate(BARS), Frame(BARS), BarRule(evaluator)
    for index in range(len(BARS)):
        assert rule.see(Sight(frame, index)).text == json.dumps(whole.row(index).as_data())


def test_a_figure_is_looked_up_once_whatever_the_number_of_rules() -> None:
    frame, other = Frame(BARS), SwingParameters(adx_threshold=30)
    sight = Sight(frame, 399)
    BarRule(compile_document(swing_document())).see(sight)
    known = len(sight)
    BarRule(compile_document(swing_document(other))).see(sight)
    assert len(sight) == known > 0


@pytest.mark.parametrize(
    "said",
    [
        {"when": {"all": [{"kind": "candle", "pattern": "engulfing"}]}},
        {"when": {"all": [{"kind": "compare", "left": {"column": "range"}, "op": "gt", "right": {"number": 1}}]}},
        {
            "when": {"all": [{"kind": "compare", "left": {"column": "close"}, "op": "gt", "right": {"number": 1}}]},
            "stop": {"level": {"column": "high"}},
        },
    ],
    ids=["candle", "range", "stop"],
)
def test_what_is_not_known_here_is_left_to_the_compiler_which_says_it_whole(said: dict[str, Any]) -> None:
    leave = {"kind": "compare", "left": {"column": "close"}, "op": "lt", "right": {"number": 100}}
    data = {"schema_version": 1, "name": "x", "entries": [{"name": "first", **said}], "exit": {"all": [leave]}}
    document = RuleDocument.from_data(data)
    evaluator = compile_document(document)
    with pytest.raises(UnknownWord):
        BarRule(evaluator)
    seen = Rule(document).see(Sight(Frame(BARS), 399))
    assert seen.text == json.dumps(evaluator.evaluate(BARS).row(399).as_data())


def test_a_word_that_has_learnt_something_new_is_left_to_the_compiler() -> None:
    """A key that is not known here could change what a condition means, and a plan would trade on half of it."""
    evaluator = compile_document(swing_document())
    keys = KEYS[Compare]
    try:
        KEYS[Compare] = keys - {"op"}
        with pytest.raises(UnknownWord):
            BarRule(evaluator)
    finally:
        KEYS[Compare] = keys
    BarRule(evaluator)
