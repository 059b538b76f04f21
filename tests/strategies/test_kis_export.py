"""`.kis.yaml` out: nothing is lost on the round trip, and what the format cannot say is refused. G14."""

from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.candles import PATTERNS
from strategies.catalog import INDICATORS as CATALOG
from strategies.compiler import compile_document
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.kis_yaml import KisAbout, KisYamlInvalid, dump, read_kis_yaml, write_kis_yaml
from strategies.kis_yaml.exporting import Flavour
from strategies.kis_yaml.vocabulary import INDICATORS, UNDERDETERMINED, UNSUPPORTED
from strategies.library.shelf import LIBRARY
from strategies.library.swing import swing_document
from tests.strategies.kis_files import EVERYTHING, SIMPLE
from tests.strategies.rules import CLOSE, CLOSE_ABOVE_100, document, parameter, rule
from tests.strategies.series import random_bars, real_bars


def again(read: RuleDocument, flavour: Flavour = "full") -> RuleDocument:
    return read_kis_yaml(write_kis_yaml(read, flavour=flavour).text.encode()).document


def refusals(read: RuleDocument, flavour: Flavour = "full") -> list[tuple[str, str]]:
    with pytest.raises(KisYamlInvalid) as refused:
        write_kis_yaml(read, flavour=flavour)
    assert all(each.sentence("ko") != each.sentence("en") for each in refused.value.problems)
    return [(each.code, each.path) for each in refused.value.problems]


@pytest.mark.parametrize("text", [SIMPLE, EVERYTHING])
def test_a_file_read_and_written_is_the_same_file_in_its_order(text: str) -> None:
    """Lossless: names, tags, dates, an unused output, `value` or `compare_to`, `>` or greater_than, 4.0 and all."""
    content = read_kis_yaml(text.encode())
    written = dump(content.data)
    assert list_of(yaml.safe_load(written)) == list_of(yaml.safe_load(text))
    assert read_kis_yaml(written.encode()).document == content.document
    assert dump(read_kis_yaml(written.encode()).data) == written


def list_of(data: Any) -> Any:
    """Mappings as lists of pairs: their order counts."""
    if isinstance(data, dict):
        return [(key, list_of(value)) for key, value in data.items()]
    return [list_of(each) for each in data] if isinstance(data, list) else (type(data), data)


@pytest.mark.parametrize("text", [SIMPLE, EVERYTHING])
def test_a_document_written_and_read_is_the_same_rule(text: str) -> None:
    read = read_kis_yaml(text.encode()).document
    assert again(read) == read
    assert again(read).version_hash() == read.version_hash()


def test_what_a_file_says_about_itself_can_be_said() -> None:
    about = KisAbout(strategy_id="mine", category="trend", author='Kim "K" 김', tags=("a: b", "yes"))
    text = write_kis_yaml(read_kis_yaml(SIMPLE.encode()).document, about).text
    data = yaml.safe_load(text)
    assert data["strategy"]["id"] == "mine"
    assert (data["metadata"]["author"], data["metadata"]["tags"]) == ('Kim "K" 김', ["a: b", "yes"])
    assert "김" in text


@pytest.mark.parametrize("name", ["012", "yes", "1e3", "null", "- x", 'quote " and \\', "새 전략 #1", "a\nb", "\x07"])
def test_a_name_that_looks_like_something_else_stays_a_name(name: str) -> None:
    read = document(name=name)
    assert again(read).name == name


@pytest.mark.parametrize("kis", sorted(INDICATORS))
def test_every_indicator_of_the_format_comes_in_and_goes_out(kis: str) -> None:
    known = INDICATORS[kis]
    params = ", ".join(f"{name}: {number}" for name, (_, number) in known.params.items())
    params = "direction: down" if kis == "consecutive" else params
    output = next(iter(known.outputs))
    line = f"{{id: {kis}, alias: x, params: {{{params}}}}}"
    text = SIMPLE.replace("{id: cci, alias: cci_1, params: {period: 20}}", line).replace(
        "indicator: cci_1", f"indicator: x, output: {output}"
    )
    if known.kind == "obv":
        with pytest.raises(KisYamlInvalid) as refused:
            read_kis_yaml(text.encode())
        assert {each.code for each in refused.value.problems} == {"level_meaningless"}
        return
    read = read_kis_yaml(text.encode()).document
    assert CATALOG[read.indicators["x"].kind]
    assert again(read) == read
    assert compile_document(read).evaluate(random_bars(600)).conditions


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_every_candle_pattern_comes_in_and_goes_out(pattern: str) -> None:
    read = document({"kind": "candle", "pattern": pattern, "signal": "bearish"})
    assert again(read) == read


def test_every_name_of_the_format_is_known_as_computed_or_as_not() -> None:
    assert len(INDICATORS) + len(UNSUPPORTED) + len(UNDERDETERMINED) == 80
    for kis in INDICATORS.values():
        assert {ours for ours, _ in kis.params.values()} | set(kis.fixed) == set(CATALOG[kis.kind].params)
        assert set(kis.outputs.values()) <= set(CATALOG[kis.kind].outputs)
        assert kis.portable <= set(kis.outputs)


SAYABLE = [
    "sma_crossover", "momentum", "strong_close", "ma_divergence", "short_term_reversal", "trend_filter_signal",
]  # fmt: skip


@pytest.mark.parametrize("key", SAYABLE)
def test_a_preset_the_format_can_say_decides_the_same_after_the_round_trip(key: str) -> None:
    bars, read = real_bars("krx-daily/005930"), LIBRARY[key].build()
    ours, theirs = (compile_document(each).evaluate(bars) for each in (read.bind(), again(read.bind())))
    np.testing.assert_array_equal(ours.entries[0], theirs.entries[0])
    np.testing.assert_array_equal(ours.exit, theirs.exit)
    assert ours.risk == theirs.risk
    assert ours.entries[0].any()


def test_a_parameter_where_none_may_stand_is_written_as_its_default_and_told() -> None:
    export = write_kis_yaml(LIBRARY["sma_crossover"].build())
    told = {(each.code, each.path) for each in export.remarks}
    assert ("parameter_fixed", "risk.stop_loss_rate") in told
    assert ("not_kept", "increasing") in told
    data = yaml.safe_load(export.text)
    assert data["risk"]["stop_loss"] == {"enabled": True, "percent": 5}
    assert list(data["strategy"]["params"]) == ["fast", "slow"]


ADX = {"adx": {"kind": "adx", "params": {"period": 14}}}
VOLUME = {"busy": {"kind": "sma", "params": {"period": 20}, "source": "volume"}}
RUN = {"run": {"kind": "consecutive"}}


def compare(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "compare", "left": left, "op": "gt", "right": right}


def of(alias: str, output: str = "value") -> dict[str, Any]:
    return {"indicator": alias, "output": output}


P = {"p": parameter(5, 2, 20)}
IN = "entries[0].when.all[0]"
UNSAYABLE = [
    (rule({"kind": "between", "series": CLOSE, "low": {"number": 1}, "high": {"number": 2}}), IN),
    (rule({"kind": "was_below_within", "series": CLOSE, "threshold": {"number": 1}, "bars": 3}), IN),
    (rule({"any": [CLOSE_ABOVE_100]}), IN),
    (rule(compare({"number": 1}, CLOSE)), f"{IN}.left"),
    (rule(compare({**CLOSE, "scale": 2}, {"number": 1})), f"{IN}.left"),
    (rule(compare(CLOSE, {**CLOSE, "ago": 1})), f"{IN}.right"),
    (rule(compare(CLOSE, {"column": "open", "scale": 2, "offset": 1})), f"{IN}.right"),
    (rule(compare(CLOSE, {"param": "p", "scale": -1}), parameters=P), f"{IN}.right"),
    (rule(compare({"column": "range"}, {"number": 1})), f"{IN}.left"),
    (rule(compare({"column": "volume"}, of("busy")), indicators=VOLUME), "indicators.busy.source"),
    (rule(compare(of("run", "up"), of("run", "down")), indicators=RUN), "indicators.run"),
    (rule(exit={"risk_only": True}, risk={"stop_loss_rate": 0.1}), "exit"),
    (rule(risk={"time_stop_bars": 5}), "risk.time_stop_bars"),
    (rule(risk={"take_profit_rate": 1.5}), "risk.take_profit_rate"),
    (swing_document().as_data(), "entries[1]"),
    (LIBRARY["breakout"].build().as_data(), "entries[0].stop"),
]


@pytest.mark.parametrize(("data", "path"), UNSAYABLE)
def test_what_the_format_cannot_say_is_refused_with_its_place(data: dict[str, Any], path: str) -> None:
    assert ("not_in_format", path) in refusals(RuleDocument.from_data(data))


def test_an_indicator_the_format_has_no_name_for_is_refused() -> None:
    for kind in CATALOG.keys() - {each.kind for each in INDICATORS.values()}:
        params = {name: each.default for name, each in CATALOG[kind].params.items()}
        output = next(iter(CATALOG[kind].outputs))
        read = document(compare(of("x", output), CLOSE), indicators={"x": {"kind": kind, "params": params}})
        assert ("not_in_format", "indicators.x") in refusals(read)


def test_more_conditions_than_a_file_may_hold_are_refused() -> None:
    conditions = [compare(CLOSE, {"number": n}) for n in range(33)]
    assert refusals(document(*conditions)) == [("too_many", "strategy.entry.conditions")]


def test_a_portable_file_resolves_parameters_and_names_numbers_by_compare_to() -> None:
    text = write_kis_yaml(LIBRARY["sma_crossover"].build(), flavour="portable").text
    assert "$" not in text
    assert "value:" not in text
    data = yaml.safe_load(text)
    assert "params" not in data["strategy"]
    assert [each["params"] for each in data["strategy"]["indicators"]] == [{"period": 5}, {"period": 20}]
    assert data["version"] == "1.0"


def test_a_portable_file_without_limits_has_an_empty_risk_block() -> None:
    assert yaml.safe_load(write_kis_yaml(document(), flavour="portable").text)["risk"] == {}


@pytest.mark.parametrize(
    "read",
    [
        document(compare({"column": "volume"}, {"number": 1})),
        document(compare(CLOSE, {"column": "open", "scale": 1.1})),
        document({**CLOSE_ABOVE_100, "op": "eq"}),
        document(compare(of("adx", "plus_di"), {"number": 1}), indicators=ADX),
        document(compare(of("rsi"), {"number": 1}), indicators={"rsi": {"kind": "rsi", "params": {"period": 14}}}),
        document(compare(of("run", "up"), {"number": 1}), indicators=RUN),
    ],
)
def test_a_portable_file_holds_only_what_both_programs_read_alike(read: RuleDocument) -> None:
    assert {code for code, _ in refusals(read, "portable")} == {"not_portable"}
    assert again(read) == read


def test_a_portable_file_warns_of_crosses_and_of_limits() -> None:
    export = write_kis_yaml(LIBRARY["sma_crossover"].build(), flavour="portable")
    assert {each.path for each in export.remarks} == {IN, "exit.all[0]", "risk"}


@st.composite
def sayable(draw: st.DrawFn) -> dict[str, Any]:
    """Documents made of what the format has words for."""
    kinds = {name: kis for name, kis in INDICATORS.items() if name not in {"obv", "momentum", "returns", "consecutive"}}
    aliases = {}
    series = [{"column": name} for name in ("open", "high", "low", "close", "volume")]
    for alias in ("a", "b", "close_line"):
        kis = kinds[draw(st.sampled_from(sorted(kinds)))]
        numbers = dict(kis.params.values()) | dict(kis.fixed)
        aliases[alias] = {"kind": kis.kind, "params": numbers}
        series += [{"indicator": alias, "output": output} for output in kis.outputs.values()]
    line = st.sampled_from(series)
    scaled = st.builds(
        lambda side, change: side | change,
        line,
        st.sampled_from([{}, {"scale": 1.01}, {"offset": -2.5}, {"scale": {"param": "p"}}]),
    )
    side = scaled | st.floats(-1e6, 1e6).map(lambda number: {"number": number}) | st.just({"param": "p"})
    compared = st.fixed_dictionaries(
        {
            "kind": st.just("compare"),
            "left": line,
            "op": st.sampled_from(["gt", "lt", "ge", "le", "eq", "ne"]),
            "right": side,
        }
    )
    crossed = st.fixed_dictionaries(
        {"kind": st.sampled_from(["cross_above", "cross_below"]), "left": line, "right": side}
    )
    candle = st.fixed_dictionaries(
        {
            "kind": st.just("candle"),
            "pattern": st.sampled_from(sorted(PATTERNS)),
            "signal": st.sampled_from(["bullish", "bearish", "detected"]),
        }
    )
    group = st.builds(
        lambda join, members: {join: members},
        st.sampled_from(["all", "any"]),
        st.lists(compared | crossed | candle, min_size=1, max_size=5),
    )
    return {
        "schema_version": 1,
        "name": draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)),
        "indicators": aliases,
        "parameters": {"p": {"default": draw(st.integers(1, 9)), "minimum": 1, "maximum": 9, "kind": "int"}},
        "entries": [{"name": "first", "when": draw(group)}],
        "exit": draw(group),
        "risk": draw(
            st.sampled_from([{}, {"stop_loss_rate": 0.055}, {"trailing_stop_rate": 0.1, "max_position_rate": 0.3}])
        ),
    }


@settings(max_examples=120, deadline=None)
@given(sayable())
def test_whatever_the_format_can_say_comes_back_as_it_was(data: dict[str, Any]) -> None:
    written = attempt(data)
    if isinstance(written, set):  # a line against itself, a close above its own highest, a name of spaces
        assert written <= {"same_on_both_sides", "never_true", "empty"}
        return
    read, text = written
    assert read_kis_yaml(text.encode()).document == read


def attempt(data: dict[str, Any]) -> tuple[RuleDocument, str] | set[str]:
    """The document and its file, or the codes of why there is none."""
    try:
        read = RuleDocument.from_data(data).bind()
        return read, write_kis_yaml(read).text
    except (DocumentInvalid, KisYamlInvalid) as refused:
        return {each.code for each in refused.problems}
