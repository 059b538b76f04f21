"""`.kis.yaml` in: what it says is taken as it stands, what it leaves out is refused with its line. G14."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.compiler import compile_document
from strategies.kis_yaml import KisImport, KisYamlInvalid, Remark, read_kis_yaml
from strategies.sentences import document_sentences
from tests.contracts.strategy import assert_strategy_contract
from tests.strategies.kis_files import EVERYTHING, SIMPLE
from tests.strategies.series import random_bars, real_bars


def read(text: str, **choices: bool) -> KisImport:
    return read_kis_yaml(text.encode(), **choices)


def refusals(content: str | bytes) -> list[Remark]:
    with pytest.raises(KisYamlInvalid) as refused:
        read_kis_yaml(content.encode() if isinstance(content, str) else content)
    problems = list(refused.value.problems)
    assert problems
    assert all(each.sentence("ko") != each.sentence("en") for each in problems)
    return problems


def refusal(content: str | bytes) -> tuple[str, str, int | None]:
    (found,) = refusals(content)
    return found.code, found.path, found.line


def test_a_simple_file_reads_as_its_rule() -> None:
    assert document_sentences(read(SIMPLE).document, "en") == [
        "First buy: when all of these hold",
        "  CCI(20): below −120",
        "Sell: when any of these holds",
        "  CCI(20): above 60",
        "Stop-loss: sell all 4% below the average cost",
    ]


def test_a_file_with_every_feature_reads_as_its_rule() -> None:
    assert document_sentences(read(EVERYTHING).document, "ko") == [
        "1차 매수: 다음을 모두 만족할 때",
        "  종가: 볼린저 하단(24, 2) × 1.01 이하",
        "  종가: EMA(90)보다 큼",
        "  RSI(10): 45보다 작음",
        "  거래량: 50,000보다 큼",
        "  연속 하락: 2 이상",
        "  캔들 망치형: 상승형",
        "매도: 다음 중 하나라도 만족할 때",
        "  MACD(8, 21, 5): MACD 시그널(8, 21, 5) 하향 돌파",
        "  RSI(10): 68 상향 돌파",
        "  MACD 히스토그램(8, 21, 5): −25 이하",
        "  캔들 장악형: 하락형",
        "손절: 평균 매수가보다 6% 내리면 전량 매도",
        "익절: 평균 매수가보다 18% 오르면 전량 매도",
        "추적 손절: 매수 후 최고 종가보다 7.5% 내리면 전량 매도",
        "최대 비중: 계좌 평가액의 25%까지",
    ]


@pytest.mark.parametrize("text", [SIMPLE, EVERYTHING])
def test_a_file_read_keeps_the_strategy_contract(text: str) -> None:
    assert_strategy_contract(read(text).document, random_bars(3000))
    assert_strategy_contract(read(text).document, real_bars("krx-daily/005930"), samples=6)


def test_the_upload_is_named_by_its_bytes() -> None:
    assert read(SIMPLE).sha256 == hashlib.sha256(SIMPLE.encode()).hexdigest()
    assert read("\ufeff" + SIMPLE).document == read(SIMPLE).document


def test_parameters_stay_parameters() -> None:
    document = read(EVERYTHING).document
    assert (document.parameters["band_len"].minimum, document.parameters["band_len"].step) == (10, 2)
    assert document.parameters["rsi_cap"].kind == "number"
    assert compile_document(document, {"band_len": 30}).calls["bands"].params[0] == ("period", 30)


def test_where_upstream_would_have_behaved_differently_is_told_with_the_line() -> None:
    found = {(each.path, each.line) for each in read(EVERYTHING).remarks if each.code == "differs"}
    assert ("strategy.indicators[2]", 13) in found  # RSI smoothed otherwise
    assert ("strategy.entry.conditions[2].value", 24) in found  # value is ignored by one of the programs
    assert ("strategy.exit.conditions[0]", 31) in found  # a cross where lines touched
    assert ("risk", 36) in found
    assert ("", 1) in found  # filled at the next open
    assert "output_selects_nothing" in {each.code for each in read(EVERYTHING).remarks}


def in_simple(old: str, new: str) -> str:
    assert SIMPLE.count(old) == 1
    return SIMPLE.replace(old, new)


def in_everything(old: str, new: str) -> str:
    assert EVERYTHING.count(old) == 1
    return EVERYTHING.replace(old, new)


CONDITION_IN = "[{indicator: cci_1, operator: less_than, compare_to: -120}]"
EXIT_LINE = "  exit: {logic: OR, conditions: [{indicator: cci_1, operator: greater_than, compare_to: 60}]}\n"
ENTRY, EXIT = "strategy.entry.conditions", "strategy.exit.conditions"
BAD = [
    # bytes and YAML
    (b"\xff\xfe", "not_utf8", "", 1),
    ("a: b\n\x00", "control_character", "", 2),
    ("a: [", "not_yaml", "", 1),
    ("", "empty", "", None),
    ("# nothing", "empty", "", None),
    (SIMPLE + "---\na: b\n", "several_documents", "", 12),
    (in_simple("risk:", "risk: &r"), "anchor", "risk", 10),
    (in_simple("tags: [oscillator]", "tags: *r"), "anchor", "metadata.tags", 2),
    (in_simple("params: {period: 20}", "params: {<<: {period: 20}}"), "merge_key", "strategy.indicators[0].params", 7),
    (in_simple("period: 20", "period: !!int 20"), "tag", "strategy.indicators[0].params.period", 7),
    (in_simple("period: 20", "period: !!python/object:os.system 1"), "tag", "strategy.indicators[0].params.period", 7),
    (in_simple("  category: oscillator", "  id: again"), "duplicate_key", "strategy.id", 5),
    (in_simple("{period: 20}", "{1: 20}"), "key_not_text", "strategy.indicators[0].params", 7),
    (in_simple("{period: 20}", "{period: {a: {b: {c: {d: 1}}}}}"), "too_deep", None, 7),
    (in_simple("tags: [oscillator]", f"tags: [{'a,' * 2000}]"), "too_many_nodes", None, 2),
    (in_simple("period: 20", "period: 020"), "ambiguous", "strategy.indicators[0].params.period", 7),
    (in_simple("period: 20", "period: 1:30"), "ambiguous", "strategy.indicators[0].params.period", 7),
    (in_simple("enabled: true", "enabled: yes"), "ambiguous", "risk.stop_loss.enabled", 11),
    (in_simple("compare_to: 60", "compare_to: 1e3"), "ambiguous", f"{EXIT}[0].compare_to", 9),
    (in_simple("compare_to: 60", "compare_to: .nan"), "not_finite", f"{EXIT}[0].compare_to", 9),
    (in_simple("compare_to: 60", "compare_to: -.inf"), "not_finite", f"{EXIT}[0].compare_to", 9),
    (in_simple("compare_to: 60", "compare_to: 1234567890123456"), "number_too_long", f"{EXIT}[0].compare_to", 9),
    # shape
    (in_simple("  category: oscillator", "  kategory: oscillator"), "unknown_key", "strategy.kategory", 5),
    (in_simple("{indicator: cci_1, operator: less_than", "{indicator: cci_1, event: less_than"), None, None, 8),
    (in_simple('name: "Oversold bounce", ', ""), "missing", "metadata", 2),
    (in_simple("  id: oversold_bounce\n", ""), "missing", "strategy", 4),
    (in_simple('name: "Oversold bounce"', 'name: " "'), "empty", "metadata.name", 2),
    (in_simple('name: "Oversold bounce"', "name: 5"), "wrong_type", "metadata.name", 2),
    (in_simple('version: "1.0"', 'version: "2.0"'), "unknown_version", "version", 1),
    (in_simple("tags: [oscillator]", "tags: oscillator"), "wrong_type", "metadata.tags", 2),
    ("just text", "wrong_type", "", 1),
    # names
    (in_simple("id: cci,", "id: ccci,"), "unknown_indicator", "strategy.indicators[0].id", 7),
    (in_simple("id: cci,", "id: kama,"), "unsupported_indicator", "strategy.indicators[0].id", 7),
    (in_simple("id: cci,", "id: keltner,"), "underdetermined", "strategy.indicators[0].id", 7),
    (in_simple("id: cci, alias: cci_1", "id: cci, alias: close"), None, None, 7),
    (in_simple("cci_1, operator: less", "cci, operator: less"), "undefined_alias", f"{ENTRY}[0].indicator", 8),
    (in_everything("alias: base", "alias: trend"), None, None, 14),
    (in_everything("{id: hammer, alias: hammer_1}", "{id: hamer, alias: hammer_1}"), None, None, 17),
    (in_everything("compare_output: lower", "compare_output: value"), "undefined_output", f"{ENTRY}[0].compare_output", 22),
    (in_everything("compare_output: lower, ", ""), "output_left_out", f"{ENTRY}[0].compare_to", 22),
    (in_everything("output: middle", "output: value"), "undefined_output", "strategy.indicators[0].output", 11),
    # parameters
    (in_simple("params: {period: 20}", "params: {}"), "missing_param", "strategy.indicators[0]", 7),
    (in_simple("{period: 20}", "{period: 20, length: 5}"), "unknown_param", "strategy.indicators[0].params.length", 7),
    (in_simple("period: 20", "period: true"), "wrong_type", "strategy.indicators[0].params.period", 7),
    (in_simple("period: 20", "period: 20.5"), "not_whole", "strategy.indicators[0].params.period", 7),
    (in_simple("period: 20", "period: 501"), "out_of_range", "strategy.indicators[0].params.period", 7),
    (in_simple("period: 20", "period: $n"), "undefined_reference", "strategy.indicators[0].params.period", 7),
    (in_simple("period: 20", "period: ${n}"), "not_yaml", "", 7),
    (in_everything("fast: 8", "fast: 21"), "not_increasing", "strategy.indicators[1]", 12),
    (in_everything("{direction: down}", "{direction: sideways}"), "wrong_type", "strategy.indicators[4].params.direction", 15),
    (in_everything("{direction: down}", "{}"), "missing_param", "strategy.indicators[4]", 15),
    (in_everything("default: 24", "default: 61"), "out_of_range", "strategy.params.band_len.default", 7),
    (in_everything("default: 24, ", ""), "missing", "strategy.params.band_len", 7),
    (in_everything("max: 60, type: int", "max: 60, type: integer"), "wrong_type", "strategy.params.band_len.type", 7),
    (in_everything("min: 55, ", ""), "missing", "strategy.params.rsi_exit", 9),
    (in_everything("{default: 45, min: 20, max: 60, type: float}", "45"), "wrong_type", "strategy.params.rsi_cap", 8),
    # conditions
    (in_simple("operator: less_than", "operator: crosover"), "unknown_operator", f"{ENTRY}[0].operator", 8),
    (in_simple("operator: less_than", "operator: breaks"), "refused_operator", f"{ENTRY}[0].operator", 8),
    (in_simple("operator: less_than, ", ""), "missing", f"{ENTRY}[0]", 8),
    (in_simple("compare_to: -120", "compare_to: -120, value: 5"), "two_right_sides", f"{ENTRY}[0].value", 8),
    (in_simple(", compare_to: -120", ""), "no_right_side", f"{ENTRY}[0]", 8),
    (in_simple("compare_to: -120", "value: -120, compare_scalar: 2"), "scalar_with_value", f"{ENTRY}[0].compare_scalar", 8),
    (in_simple("compare_to: -120", "compare_to: -120, compare_operation: mul"), "operation_without_scalar", None, 8),
    (in_everything("compare_operation: mul", "compare_operation: pow"), "unknown_operation", f"{ENTRY}[0].compare_operation", 22),
    (in_everything("1.01, compare_operation: mul", "0, compare_operation: div"), "division_by_zero", None, 22),
    (in_everything("compare_scalar: 1.01", "compare_scalar: $rsi_cap"), "reference_not_allowed", None, 22),
    (in_simple("compare_to: 60", "compare_to: cci_1"), "same_on_both_sides", f"{EXIT}[0]", 9),
    (in_everything("signal: bearish", "signal: down"), "unknown_signal", f"{EXIT}[3].signal", 34),
    (in_everything("engulfing_1, signal", "engulfing, signal"), "undefined_alias", f"{EXIT}[3].candlestick", 34),
    (in_everything("{candlestick: engulfing_1,", "{candlestick: engulfing_1, value: 3,"), "mixed_condition", f"{EXIT}[3]", 34),
    (in_simple(CONDITION_IN, "[{logic: AND, conditions: []}]"), None, None, 8),
    (in_simple("logic: AND", "logic: and"), "unknown_logic", "strategy.entry.logic", 8),
    (in_everything("    logic: OR\n", ""), "logic_left_out", "strategy.exit", 29),
    # rules and risk
    (in_simple(EXIT_LINE, ""), "no_rule", "strategy", 4),
    (in_simple(CONDITION_IN, ""), "no_rule", "strategy.entry", 8),
    (in_simple(CONDITION_IN, "[]"), "no_rule", "strategy.entry.conditions", 8),
    (in_simple("enabled: true, ", ""), "enabled_left_out", "risk.stop_loss", 11),
    (in_simple(", percent: 4.0", ""), "percent_left_out", "risk.stop_loss", 11),
    (in_simple("enabled: true", 'enabled: "false"'), "wrong_type", "risk.stop_loss.enabled", 11),
    (in_simple("percent: 4.0", "percent: 0"), "percent_range", "risk.stop_loss.percent", 11),
    (in_simple("percent: 4.0", "percent: 150"), "percent_range", "risk.stop_loss.percent", 11),
    (in_simple("percent: 4.0", "percent: 100"), "out_of_range", "risk.stop_loss.percent", 11),
    (in_everything("max_position_size: 0.25", "max_position_size: 25"), "fraction_range", "risk.max_position_size", 39),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "path", "line"), BAD)
def test_what_a_file_says_wrong_is_refused_with_its_line(
    content: str | bytes, code: str | None, path: str | None, line: int | None
) -> None:
    """A code or path of None: several are told, the first of them on this line."""
    found = refusals(content)
    assert found[0].line == line
    if code is not None:
        assert [each.code for each in found] == [code]
    if path is not None:
        assert [each.path for each in found] == [path]


def test_a_file_too_large_is_refused_unread() -> None:
    assert refusal(b"#" * (64 * 1024 + 1)) == ("too_large", "", None)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x,x]\n" + "\n".join(
        f"{new}: &{new} [*{old},*{old}]" for old, new in zip("abcde", "bcdef", strict=True)
    )
    assert refusal(bomb) == ("anchor", "a", 1)


def test_the_nearest_known_word_is_suggested() -> None:
    (found,) = refusals(in_simple("operator: less_than", "operator: crosover"))
    assert found.sentence("en") == (
        "line 8: strategy.entry.conditions[0].operator: there is no operator crosover → crossover?"
    )
    legacy = refusals(in_simple("operator: greater_than", "event: greater_than"))
    assert legacy[0].message_en == "is not a known key → operator?"


def test_every_problem_is_told_at_once() -> None:
    text = in_simple("period: 20", "periods: 20").replace("percent: 4.0", "percent: 0")
    assert [each.code for each in refusals(text)] == ["unknown_param", "missing_param", "percent_range"]


def test_a_bare_version_is_read_and_remarked_on() -> None:
    assert "version_not_quoted" in {each.code for each in read(in_simple('"1.0"', "1.0")).remarks}


@pytest.mark.parametrize(
    ("indicators", "code"),
    [
        ("[{id: sma, params: {period: 5}}, {id: sma, params: {period: 9}}]", None),
        ("[{id: sma, alias: fast, params: {period: 5}}, {id: sma, params: {period: 9}}]", "alias_left_out"),
    ],
)
def test_an_alias_may_be_left_out_where_both_programs_would_make_up_the_same(indicators: str, code: str | None) -> None:
    text = SIMPLE.replace("\n    - {id: cci, alias: cci_1, params: {period: 20}}", f" {indicators}")
    text = text.replace("cci_1", "sma_1")
    if code is None:
        result = read(text)
        assert list(result.document.indicators) == ["sma_1", "sma_2"]
        assert [each.code for each in result.remarks].count("alias_generated") == 2
    else:
        assert code in [each.code for each in refusals(text)]


def test_an_undefined_side_is_never_a_zero() -> None:
    assert refusal(in_simple("compare_to: 60", "compare_to: cci_2"))[:2] == ("undefined_alias", f"{EXIT}[0].compare_to")


@pytest.mark.parametrize(
    ("indicator", "condition"),
    [
        ("maximum", "{indicator: close, operator: greater_than, compare_to: line}"),
        ("maximum", "{indicator: close, operator: cross_above, compare_to: line}"),
        ("minimum", "{indicator: price, operator: '<', compare_to: line}"),
        ("donchian", "{indicator: high, operator: '>', compare_to: line, compare_output: upper}"),
    ],
)
def test_what_can_never_be_true_is_refused(indicator: str, condition: str) -> None:
    text = in_simple("id: cci, alias: cci_1", f"id: {indicator}, alias: line")
    text = text.replace("{indicator: cci_1, operator: less_than, compare_to: -120}", condition)
    text = text.replace("{indicator: cci_1,", "{indicator: close,")
    assert refusal(text) == ("never_true", f"{ENTRY}[0]", 8)
    shifted = condition.replace("}", ", compare_scalar: 0.99}")
    assert read(text.replace(condition, shifted)).document


def test_a_file_without_an_exit_needs_the_persons_word_and_a_stop() -> None:
    text = in_simple(EXIT_LINE, "")
    assert read(text, sell_by_risk_only=True).document.exit.as_data() == {"risk_only": True}
    with pytest.raises(KisYamlInvalid) as refused:
        read(text.replace("enabled: true", "enabled: false"), sell_by_risk_only=True)
    assert [each.code for each in refused.value.problems] == ["no_way_out"]


def test_a_limit_switched_off_is_off() -> None:
    assert read(in_simple("enabled: true", "enabled: false")).document.risk.stop_loss_rate is None
    assert read(SIMPLE[: SIMPLE.index("risk:")] + "risk:\n").document.risk.stop_loss_rate is None


@pytest.mark.parametrize(
    ("operation", "written"),
    [("mul", {"scale": 2}), ("div", {"scale": 0.5}), ("add", {"offset": 2}), ("sub", {"offset": -2})],
)
def test_a_scalar_is_applied_to_the_right_side(operation: str, written: dict[str, float]) -> None:
    text = in_simple("compare_to: 60", f"compare_to: close, compare_scalar: 2, compare_operation: {operation}")
    condition = read(text).document.exit.as_data()["any"][0]
    assert condition["right"] == {"column": "close", **written}


def test_a_number_may_be_written_as_text_but_true_is_no_number() -> None:
    assert read(in_simple("compare_to: 60", 'compare_to: "60"')).document == read(SIMPLE).document
    assert refusal(in_simple("compare_to: 60", "compare_to: true"))[0] == "wrong_type"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_bytes_arrive_are_refused_without_a_crash(content: bytes) -> None:
    assert refusals(content)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(EVERYTHING) - 1),
    st.integers(0, 12),
    st.sampled_from(["", " ", "\n", "-", ":", "[", "{", "}", "$x", "&a", "*a", "!x", "null", "true", "1e9", "'", '"']),
)
def test_a_file_with_a_few_characters_replaced_is_read_or_refused(start: int, length: int, other: str) -> None:
    text = EVERYTHING[:start] + other + EVERYTHING[start + length :]
    try:
        result = read(text)
    except KisYamlInvalid as refused:
        problems = refused.problems
        result = None
    assert result is not None or all(each.message_ko and each.message_en for each in problems)
