"""A document that exists is valid, and every other is refused with its place and a sentence: G14, G16."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, Problem
from strategies.library.swing import swing_document
from tests.strategies.rules import CLOSE, CLOSE_ABOVE_100, CLOSE_BELOW_100, document, parameter, rule

EMA = {"kind": "ema", "params": {"period": 5}}
BY_N = {"kind": "ema", "params": {"period": {"param": "n"}}}


def refusal(data: object) -> list[Problem]:
    with pytest.raises(DocumentInvalid) as refused:
        RuleDocument.from_data(data)
    assert all(each.message_ko and each.message_en for each in refused.value.problems)
    return list(refused.value.problems)


def compare(left: Any, right: Any) -> dict[str, Any]:
    return {"kind": "compare", "left": left, "op": "gt", "right": right}


def cross(left: Any, right: Any) -> dict[str, Any]:
    return {"kind": "cross_above", "left": left, "right": right}


def change(**keys: Any) -> dict[str, Any]:
    return {"kind": "change", "series": CLOSE, "bars": 5, "unit": "raw", "op": "gt", "threshold": {"number": 0}, **keys}


def test_a_document_survives_its_own_canonical_text() -> None:
    swing = swing_document()
    assert RuleDocument.from_json(swing.canonical_json()) == swing
    assert json.loads(swing.canonical_json())["entries"][0]["name"] == "first"


def test_the_hash_names_the_rule_and_not_how_it_was_written() -> None:
    """G16."""
    written = rule(CLOSE_ABOVE_100)
    reordered = json.loads(json.dumps(written, sort_keys=True))
    spelled_out = rule({**CLOSE_ABOVE_100, "label": "", "right": {"number": 100.0}}, parameters={})
    assert RuleDocument.from_data(written).version_hash() == RuleDocument.from_data(reordered).version_hash()
    assert RuleDocument.from_data(written).version_hash() == RuleDocument.from_data(spelled_out).version_hash()
    assert RuleDocument.from_data(written).version_hash() != document(name="other").version_hash()
    assert len(document().version_hash()) == 64


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        document().name = "other"  # type: ignore[misc]


IN_ENTRY = "entries[0].when.all[0]"
BAD_CONDITIONS: list[tuple[dict[str, Any], str, str]] = [
    (compare({"indicator": "ema_5"}, CLOSE), "undefined_indicator", f"{IN_ENTRY}.left"),
    (cross({"number": 1}, {"number": 2}), "constants_only", IN_ENTRY),
    (compare({"number": 1}, {"param": "p"}), "constants_only", IN_ENTRY),
    (cross(CLOSE, CLOSE), "same_on_both_sides", IN_ENTRY),
    (compare(CLOSE, {"number": float("nan")}), "not_finite", f"{IN_ENTRY}.right.number"),
    (compare(CLOSE, {"number": float("inf")}), "not_finite", f"{IN_ENTRY}.right.number"),
    (compare(CLOSE, {"number": 1e16}), "wrong_value", f"{IN_ENTRY}.right.number"),
    (compare(CLOSE, {"number": "100"}), "not_a_number", f"{IN_ENTRY}.right.number"),
    (compare(CLOSE, {"number": True}), "not_a_number", f"{IN_ENTRY}.right.number"),
    (compare(CLOSE, {"param": "q"}), "undefined_parameter", f"{IN_ENTRY}.right"),
    (compare({"column": "price"}, {"number": 1}), "not_a_choice", f"{IN_ENTRY}.left.column"),
    (compare({"price": 1}, CLOSE), "wrong_form", f"{IN_ENTRY}.left"),
    (compare(None, CLOSE), "wrong_form", f"{IN_ENTRY}.left"),
    ({**CLOSE_ABOVE_100, "op": "breaks"}, "not_a_choice", f"{IN_ENTRY}.op"),
    ({**CLOSE_ABOVE_100, "kind": "near"}, "wrong_form", IN_ENTRY),
    ({**CLOSE_ABOVE_100, "operator": "gt"}, "unknown_key", f"{IN_ENTRY}.operator"),
    ({"kind": "compare", "left": CLOSE, "op": "gt"}, "missing", f"{IN_ENTRY}.right"),
    ({"any": []}, "empty", f"{IN_ENTRY}.any"),
    ({"any": [cross(CLOSE, CLOSE)]}, "same_on_both_sides", f"{IN_ENTRY}.any[0]"),
    (change(bars=0), "out_of_range", f"{IN_ENTRY}.bars"),
    (change(bars=2.5), "not_whole", f"{IN_ENTRY}.bars"),
    (change(bars={"param": "half"}), "not_whole", f"{IN_ENTRY}.bars"),
    (change(threshold=CLOSE), "wrong_form", f"{IN_ENTRY}.threshold"),
    (change(series={"number": 3}), "wrong_form", f"{IN_ENTRY}.series"),
    (compare({**CLOSE, "ago": -1}, {"number": 1}), "wrong_value", f"{IN_ENTRY}.left.ago"),
]


@pytest.mark.parametrize(("condition", "code", "path"), BAD_CONDITIONS)
def test_a_condition_that_means_nothing_is_refused_where_it_stands(
    condition: dict[str, Any], code: str, path: str
) -> None:
    parameters = {"p": parameter(5, 2, 20), "half": parameter(5, 2, 20, "number")}
    assert [(each.code, each.path) for each in refusal(rule(condition, parameters=parameters))] == [(code, path)]


BAD_DOCUMENTS: list[tuple[dict[str, Any], str, str]] = [
    ({"schema_version": 2}, "not_a_choice", "schema_version"),
    ({"name": ""}, "wrong_value", "name"),
    ({"code": "print(1)"}, "unknown_key", "code"),
    ({"entries": []}, "empty", "entries"),
    ({"entries": {}}, "not_a_list", "entries"),
    ({"indicators": []}, "not_an_object", "indicators"),
    ({"name": 5}, "not_a_text", "name"),
    ({"name": "n" * 101}, "too_long", "name"),
    ({"exit": CLOSE_BELOW_100}, "wrong_form", "exit"),
    ({"indicators": {"a": {"kind": "magic"}}}, "unknown_indicator", "indicators.a.kind"),
    ({"indicators": {"a": {"kind": "ema"}}}, "missing_indicator_param", "indicators.a.params"),
    ({"indicators": {"a": {"kind": "ema", "params": {"period": 1}}}}, "out_of_range", "indicators.a.params.period"),
    ({"indicators": {"a": {"kind": "ema", "params": {"period": 5.5}}}}, "not_whole", "indicators.a.params.period"),
    ({"indicators": {"a": {"kind": "obv", "params": {"n": 5}}}}, "unknown_indicator_param", "indicators.a.params.n"),
    ({"indicators": {"a": {"kind": "obv", "source": "open"}}}, "no_source", "indicators.a.source"),
    ({"indicators": {"close": EMA}}, "reserved_name", "indicators.close"),
    ({"indicators": {"two words": EMA}}, "wrong_value", "indicators.two words"),
    ({"indicators": {"a": BY_N}}, "undefined_parameter", "indicators.a.params.period"),
    ({"parameters": {"p": parameter(50, 2, 20)}}, "out_of_range", "parameters.p.default"),
    ({"parameters": {"p": parameter(2.5, 2, 20)}}, "not_whole", "parameters.p.default"),
    ({"parameters": {"p": {**parameter(5, 2, 20), "step": 0}}}, "out_of_range", "parameters.p.step"),
    ({"increasing": [["p", "q"]]}, "undefined_parameter", "increasing[0]"),
    ({"risk": {"stop_loss_rate": 7}}, "out_of_range", "risk.stop_loss_rate"),
    ({"risk": {"take_profit_rate": 0}}, "out_of_range", "risk.take_profit_rate"),
    ({"risk": {"stop_loss": 0.07}}, "unknown_key", "risk.stop_loss"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "code", "path"), BAD_DOCUMENTS)
def test_a_document_that_means_nothing_is_refused_with_the_place(keys: dict[str, Any], code: str, path: str) -> None:
    found = {(each.code, each.path) for each in refusal(rule(**keys))}
    assert (code, path) in found


def test_every_problem_is_told_at_once() -> None:
    found = refusal(rule(cross(CLOSE, CLOSE), compare({"indicator": "x"}, CLOSE), risk={"stop_loss_rate": 7}))
    assert [each.code for each in found] == ["same_on_both_sides", "undefined_indicator", "out_of_range"]


def test_a_problem_reads_as_a_sentence_in_either_language() -> None:
    (found,) = refusal(rule(cross({"number": 1}, {"number": 2})))
    assert found.sentence("ko") == "entries[0].when.all[0]: 상수 둘을 비교할 수 없습니다"
    assert found.sentence("en") == "entries[0].when.all[0]: compares two constants"


def nested(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = CLOSE_ABOVE_100
    for _ in range(levels):
        node = {"all": [node]}
    return node


def test_ten_groups_may_nest_and_eleven_may_not() -> None:
    assert RuleDocument.from_data(rule(exit=nested(10)))
    assert [each.code for each in refusal(rule(exit=nested(11)))] == ["too_deep"]


def test_a_nesting_bomb_is_refused_before_it_is_read() -> None:
    assert [each.code for each in refusal(rule(exit=nested(50_000)))] == ["too_deep"]
    with pytest.raises(DocumentInvalid):
        RuleDocument.from_json("[" * 100_000)


def test_two_hundred_conditions_are_enough() -> None:
    assert document(*[CLOSE_ABOVE_100] * 199)
    assert [each.code for each in refusal(rule(*[CLOSE_ABOVE_100] * 200))] == ["too_many_conditions"]


def test_a_document_of_megabytes_is_refused() -> None:
    assert [each.code for each in refusal(rule(name="x" * 200_000))] == ["too_large"]


def test_a_running_total_may_be_compared_by_its_change_alone() -> None:
    """Where OBV stands depends on where history begins; how far it moved does not."""
    obv = {"obv": {"kind": "obv"}}
    level = compare({"indicator": "obv"}, {"number": 1000})
    assert [each.code for each in refusal(rule(level, indicators=obv))] == ["level_meaningless"]
    assert document(change(series={"indicator": "obv"}), indicators=obv)


def test_an_output_must_be_one_the_indicator_has() -> None:
    adx = {"adx": {"kind": "adx", "params": {"period": 14}}}
    assert document(compare({"indicator": "adx", "output": "plus_di"}, {"number": 20}), indicators=adx)
    found = refusal(rule(compare({"indicator": "adx", "output": "signal"}, {"number": 20}), indicators=adx))
    assert [(each.code, each.path) for each in found] == [("undefined_output", f"{IN_ENTRY}.left.output")]


def test_two_entries_need_two_names_and_a_third_has_no_place() -> None:
    entry = {"name": "first", "when": {"all": [CLOSE_ABOVE_100]}}
    assert [each.code for each in refusal(rule(entries=[entry, entry]))] == ["duplicate_name"]
    assert [each.path for each in refusal(rule(entries=[entry, entry, entry]))] == ["entries"]


def test_a_parameters_whole_range_must_suit_the_place_it_is_used_in() -> None:
    indicators = {"a": BY_N}
    assert document(indicators=indicators, parameters={"n": parameter(5, 2, 20)})
    for smallest, largest in ((1, 20), (2, 501)):
        found = refusal(rule(indicators=indicators, parameters={"n": parameter(5, smallest, largest)}))
        assert [(each.code, each.path) for each in found] == [("out_of_range", "indicators.a.params.period")]


def test_binding_puts_numbers_where_parameters_stood() -> None:
    parameters = {"n": parameter(5, 2, 20), "level": parameter(30, 0, 100, "number")}
    mirrored = compare({"indicator": "a"}, {"param": "level", "scale": -1, "offset": 100})
    indicators = {"a": {"kind": "rsi", "params": {"period": {"param": "n"}}}}
    bound = document(mirrored, indicators=indicators, parameters=parameters).bind({"level": 20}).as_data()
    assert bound["indicators"]["a"]["params"] == {"period": 5}
    assert bound["entries"][0]["when"]["all"][0]["right"] == {"number": 80}
    assert "parameters" not in bound


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"n": 21}, "out_of_range"),
        ({"n": float("nan")}, "out_of_range"),
        ({"n": 5.5}, "not_whole"),
        ({"n": True}, "wrong_value"),
        ({"n": "5"}, "wrong_value"),
        ({"m": 5}, "undefined_parameter"),
    ],
)
def test_a_parameter_value_outside_what_the_document_allows_is_refused(values: dict[str, Any], code: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        document(parameters={"n": parameter(5, 2, 20)}).bind(values)
    assert [each.code for each in refused.value.problems] == [code]


def test_the_json_schema_is_to_be_had() -> None:
    schema = RuleDocument.json_schema()
    assert set(schema["required"]) == {"schema_version", "name", "entries", "exit"}
    json.dumps(schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["entries", "exit", "indicators", "parameters", "risk", "increasing", "name", "extra"]))
def test_whatever_arrives_is_either_a_document_or_refused(junk: Any, key: str) -> None:
    for data in (junk, rule(**{key: junk})):
        problems: tuple[Problem, ...] = ()
        try:
            read = RuleDocument.from_data(data)
        except DocumentInvalid as refused:
            problems, read = refused.problems, None
        assert (read is None) is bool(problems)


def test_a_page_can_read_strategies_without_loading_what_computes_them() -> None:
    modules = "strategies.document, strategies.sentences, strategies.rows, strategies.library.swing, trading.signal"
    heavy = "{'numpy', 'talib', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"import sys, {modules}; sys.exit(bool({heavy}))"], check=True)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_no_database_keeps_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        RuleDocument.from_data(rule() | {"description": text})
    assert [(each.code, each.path) for each in refused.value.problems] == [("bad_text", "description")]
