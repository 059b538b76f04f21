"""The words a rule document gained since its first form, and that older documents are still the same ones: G14, G16."""

import json
from pathlib import Path
from typing import Any

import pytest

from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.library.swing import ACTIVE_SWING, swing_document
from tests.strategies.rules import CLOSE, CLOSE_ABOVE_100, document, parameter, rule

RSI = {"rsi": {"kind": "rsi", "params": {"period": 14}}}
CHANNEL = {"channel": {"kind": "donchian", "params": {"period": 20}}}
IN_ENTRY = "entries[0].when.all[0]"


def refusals(data: object) -> list[tuple[str, str]]:
    with pytest.raises(DocumentInvalid) as refused:
        RuleDocument.from_data(data)
    assert all(each.message_ko != each.message_en for each in refused.value.problems)
    return [(each.code, each.path) for each in refused.value.problems]


def stopped(level: dict[str, Any], **keys: Any) -> dict[str, Any]:
    entry = {"name": "first", "when": {"all": [CLOSE_ABOVE_100]}, "stop": {"level": level}}
    return rule(entries=[entry], **keys)


def test_documents_stored_before_the_form_grew_keep_their_hash() -> None:
    """What a plan was registered with names its results for good."""
    assert swing_document().version_hash() == "8c34174b3ee69e7e3ddb12f700cd617b12b8c767e12b27b823c9dfc51663d27b"
    assert (
        swing_document(ACTIVE_SWING).version_hash()
        == "781b6950ec0881333bc206246f779a6636c3b9898e88416ee67979114cda61d1"
    )


def between(low: Any, high: Any, series: Any = CLOSE) -> dict[str, Any]:
    return {"kind": "between", "series": series, "low": low, "high": high}


@pytest.mark.parametrize(
    ("condition", "code", "path"),
    [
        (between({"number": 2}, {"number": 1}), "not_increasing", IN_ENTRY),
        (between({"param": "p", "offset": 3}, {"param": "p"}), "not_increasing", IN_ENTRY),
        (between(CLOSE, {"number": 1}), "same_on_both_sides", IN_ENTRY),
        (between({"param": "q"}, {"number": 1}), "undefined_parameter", f"{IN_ENTRY}.low"),
        (between({"number": 1}, {"number": 2}, {"number": 1.5}), "wrong_form", f"{IN_ENTRY}.series"),
        ({"kind": "candle", "pattern": "hamer"}, "unknown_pattern", f"{IN_ENTRY}.pattern"),
        ({"kind": "candle", "pattern": "hammer", "signal": "up"}, "not_a_choice", f"{IN_ENTRY}.signal"),
        (
            {"kind": "was_below_within", "series": CLOSE, "threshold": CLOSE, "bars": 5},
            "same_on_both_sides",
            IN_ENTRY,
        ),
    ],
)
def test_a_new_condition_that_means_nothing_is_refused_where_it_stands(
    condition: dict[str, Any], code: str, path: str
) -> None:
    assert refusals(rule(condition, parameters={"p": parameter(5, 2, 20)})) == [(code, path)]


def test_a_band_is_checked_again_with_other_values_for_its_parameters() -> None:
    parameters = {"low": parameter(30, 0, 100), "high": parameter(70, 0, 100)}
    band = document(between({"param": "low"}, {"param": "high"}), parameters=parameters)
    assert band.bind({"low": 69})
    with pytest.raises(DocumentInvalid) as refused:
        band.bind({"low": 71})
    assert [each.code for each in refused.value.problems] == ["not_increasing"]


@pytest.mark.parametrize(
    ("level", "code"),
    [
        ({"indicator": "rsi"}, "not_a_price"),
        ({"column": "volume"}, "not_a_price"),
        ({"indicator": "busy"}, "not_a_price"),
        ({"indicator": "nothing"}, "undefined_indicator"),
        ({"indicator": "obv"}, "level_meaningless"),
        ({"indicator": "channel"}, "undefined_output"),
    ],
)
def test_an_entry_level_must_be_a_price(level: dict[str, Any], code: str) -> None:
    indicators = {**RSI, **CHANNEL, "obv": {"kind": "obv"}}
    indicators["busy"] = {"kind": "sma", "params": {"period": 5}, "source": "volume"}
    found = refusals(stopped(level, indicators=indicators))
    assert [each for each, _ in found] == [code]
    assert found[0][1].startswith("entries[0].stop.level")


@pytest.mark.parametrize(
    "level", [{"indicator": "channel", "output": "upper", "scale": 1.01}, {"column": "range", "scale": {"param": "k"}}]
)
def test_an_entry_may_wait_at_a_price_made_of_a_column_or_an_indicator(level: dict[str, Any]) -> None:
    k = {"k": parameter(0.5, 0.1, 2, "number")}
    read = RuleDocument.from_data(stopped(level, indicators=CHANNEL, parameters=k))
    assert read.bind({"k": 0.7}).entries[0].stop is not None
    assert RuleDocument.from_json(read.canonical_json()) == read


def test_a_rule_without_an_exit_says_so_and_has_a_limit_that_sells() -> None:
    alone = {"risk_only": True}
    assert refusals(rule(exit=alone)) == [("no_way_out", "exit")]
    assert refusals(rule(exit=alone, risk={"max_position_rate": 0.5})) == [("no_way_out", "exit")]
    for risk in ({"stop_loss_rate": 0.05}, {"take_profit_rate": 0.1}, {"time_stop_bars": 1}):
        assert document(exit=alone, risk=risk).risk.limits()
    assert refusals(rule(exit={"risk_only": False}))[0][0] == "not_a_choice"


@pytest.mark.parametrize(
    ("risk", "code"),
    [
        ({"time_stop_bars": 0}, "out_of_range"),
        ({"time_stop_bars": 1.5}, "not_whole"),
        ({"max_position_rate": 1.01}, "out_of_range"),
        ({"max_position_rate": 0}, "out_of_range"),
    ],
)
def test_a_new_limit_outside_its_range_is_refused(risk: dict[str, Any], code: str) -> None:
    assert refusals(rule(risk=risk)) == [(code, f"risk.{next(iter(risk))}")]


def test_limits_are_plain_numbers_once_parameters_are_bound() -> None:
    risk = {"stop_loss_rate": {"param": "loss"}, "time_stop_bars": 5}
    read = document(risk=risk, parameters={"loss": parameter(0.05, 0.01, 0.2, "number")})
    limits = read.bind({"loss": 0.1}).risk.limits()
    assert (limits.stop_loss_rate, limits.time_stop_bars, limits.take_profit_rate) == (0.1, 5, None)
    with pytest.raises(TypeError):
        read.risk.limits()


def test_a_parameter_needs_no_step_until_somebody_sweeps_it() -> None:
    spec = parameter(5, 2, 20)
    del spec["step"]
    assert document(parameters={"p": spec}).parameters["p"].step is None


def test_the_published_schema_is_the_one_the_code_reads_by() -> None:
    """G14. `python -m tests.strategies.test_document_words` writes it anew."""
    assert json.loads(PUBLISHED.read_text()) == RuleDocument.json_schema()


PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "strategies.schema.json"

if __name__ == "__main__":
    PUBLISHED.write_text(json.dumps(RuleDocument.json_schema(), indent=1, ensure_ascii=False) + "\n")


def test_a_line_that_its_parameters_turn_into_the_other_side_is_refused_where_it_stands() -> None:
    """Found by drawing documents: it was taken in, and then could not be compiled."""
    scaled = {"kind": "compare", "left": CLOSE, "op": "gt", "right": {**CLOSE, "scale": {"param": "p"}}}
    assert refusals(rule(scaled, parameters={"p": parameter(1, 1, 2)})) == [("same_on_both_sides", IN_ENTRY)]
    usable = document(scaled, parameters={"p": parameter(2, 1, 2)})
    assert usable.bind()
    with pytest.raises(DocumentInvalid) as refused:
        usable.bind({"p": 1})
    assert [each.code for each in refused.value.problems] == ["same_on_both_sides"]
