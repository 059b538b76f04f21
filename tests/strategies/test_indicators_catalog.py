"""What is said about each indicator: in words, on the documentation page, and to whoever writes a document with it."""

import re
from pathlib import Path
from typing import Any

import pytest

from strategies.catalog import INDICATORS, IndicatorKind
from strategies.compiler import compile_document
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, Problem
from strategies.sentences import document_sentences
from tests.strategies.rules import document, parameter, rule
from tests.strategies.series import defaults, random_bars

PAGE = Path(__file__).resolve().parents[2] / "docs" / "indicators.md"


def page_rows() -> list[str]:
    """The table of docs/indicators.md that the catalog alone decides."""
    return ["| Indicator | Means | Numbers | Outputs | History |", "|---|---|---|---|---|"] + [
        f"| `{name}` {kind.name.ko}, {kind.name.en} | {kind.meaning.en} | {numbers(kind)} | {outputs(kind)} | {history(name)} |"
        for name, kind in INDICATORS.items()
    ]


def numbers(kind: IndicatorKind) -> str:
    return ", ".join(f"{name} {p.default:g} ({p.minimum:g}–{p.maximum:g})" for name, p in kind.params.items()) or "–"


def outputs(kind: IndicatorKind) -> str:
    told = []
    for name, output in kind.outputs.items():
        limits = [f"{limit:g}" for limit in (output.lowest, output.highest) if limit is not None]
        inside = ["", f", from {limits[0]}" if limits else "", f", {' to '.join(limits)}"][len(limits)]
        told.append(f"{name} ({output.unit}{inside})")
    return "; ".join(told)


def history(name: str) -> str:
    kind = INDICATORS[name]
    return "changes only" if kind.cumulative else f"{kind.warm_up(defaults(name)):,}"


def test_the_documentation_lists_every_indicator_as_it_is() -> None:
    assert "\n".join(page_rows()) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", INDICATORS.values(), ids=INDICATORS)
def test_each_indicator_is_explained_in_korean_and_in_english(kind: IndicatorKind) -> None:
    titles = [output.title for output in kind.outputs.values()] + [param.title for param in kind.params.values()]
    for words in (kind.name, kind.meaning, *titles):
        assert words.ko.strip()
        assert re.search("[가-힣]", words.en) is None
    assert re.search("[가-힣]", kind.meaning.ko)
    assert kind.meaning.en.endswith(".")
    assert kind.meaning.ko.endswith(".")


@pytest.mark.parametrize("kind", INDICATORS.values(), ids=INDICATORS)
def test_what_a_form_offers_is_allowed(kind: IndicatorKind) -> None:
    for param in kind.params.values():
        assert param.minimum <= param.default <= param.maximum
        assert not param.whole or param.default == int(param.default)
    named = [kind.params[name].default for name in kind.increasing]
    assert named == sorted(set(named))


@pytest.mark.parametrize("name", INDICATORS)
def test_every_output_can_be_asked_for_in_a_document_and_said_in_words(name: str) -> None:
    kind, bars = INDICATORS[name], random_bars(2000)
    for output, told in kind.outputs.items():
        written = document(moving(output), indicators={"it": {"kind": name, "params": defaults(name)}})
        evaluation = compile_document(written).evaluate(bars)
        assert evaluation.conditions[0].value is not None
        assert evaluation.entries[0].any(), output
        for language, title in (("ko", told.title.ko), ("en", told.title.en)):
            assert title in " ".join(document_sentences(written, language))  # type: ignore[arg-type]


def moving(output: str) -> dict[str, Any]:
    """Holds somewhere for any series there is, running totals too."""
    it = {"indicator": "it", "output": output}
    return {"kind": "change", "series": it, "bars": 1, "unit": "raw", "op": "ge", "threshold": {"number": 0}}


def test_several_numbers_are_said_in_the_order_of_the_catalog() -> None:
    it = {"kind": "macd", "params": {"signal": 5, "slow": 21, "fast": 8}}
    written = document(moving("signal"), indicators={"it": it})
    assert any("MACD 시그널(8, 21, 5)" in line for line in document_sentences(written, "ko"))
    assert any("MACD signal(8, 21, 5)" in line for line in document_sentences(written, "en"))


def refusal(indicator: dict[str, Any], output: str = "value", **keys: Any) -> list[Problem]:
    with pytest.raises(DocumentInvalid) as refused:
        RuleDocument.from_data(rule(moving(output), indicators={"it": indicator}, **keys))
    return list(refused.value.problems)


def test_an_indicator_of_several_lines_is_asked_for_one_of_them_by_name() -> None:
    (problem,) = refusal({"kind": "bollinger", "params": {"period": 20, "std": 2}})
    assert (problem.code, problem.path) == ("undefined_output", "entries[0].when.all[0].series.output")


@pytest.mark.parametrize(("fast", "slow"), [(26, 12), (12, 12)])
def test_numbers_out_of_order_are_refused_not_swapped(fast: int, slow: int) -> None:
    (problem,) = refusal({"kind": "macd", "params": {"fast": fast, "slow": slow, "signal": 9}})
    assert (problem.code, problem.path) == ("not_increasing", "indicators.it.params")
    assert "fast < slow" in problem.message_en


def test_parameters_that_put_them_out_of_order_are_refused_when_they_are_given() -> None:
    it = {"kind": "macd", "params": {"fast": {"param": "n"}, "slow": 26, "signal": 9}}
    written = document(moving("value"), indicators={"it": it}, parameters={"n": parameter(12, 2, 40)})
    compile_document(written, {"n": 25})
    with pytest.raises(DocumentInvalid) as refused:
        compile_document(written, {"n": 26})
    assert [each.code for each in refused.value.problems] == ["not_increasing"]


def test_a_parameter_that_does_not_exist_is_told_once() -> None:
    it = {"kind": "macd", "params": {"fast": {"param": "n"}, "slow": 26, "signal": 9}}
    assert [each.code for each in refusal(it)] == ["undefined_parameter"]


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [
        ("rsi", "period", 501, "out_of_range"),
        ("rsi", "period", 14.5, "not_whole"),
        ("bollinger", "std", 0, "out_of_range"),
        ("psar", "af_max", float("nan"), "not_finite"),
        ("supertrend", "multiplier", 11, "out_of_range"),
    ],
)
def test_numbers_outside_what_an_indicator_takes_are_refused(kind: str, name: str, value: float, code: str) -> None:
    (problem,) = refusal({"kind": kind, "params": defaults(kind) | {name: value}}, next(iter(INDICATORS[kind].outputs)))
    assert (problem.code, problem.path) == (code, f"indicators.it.params.{name}")
