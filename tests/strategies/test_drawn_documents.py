"""Whatever can be written down is refused with its place, or evaluated on any bars: no crash, no look-ahead. G14."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.compiler import compile_document
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, Problem
from strategies.rows import Row
from strategies.sentences import condition_sentence, document_sentences, why_sentence
from tests.contracts.strategy import assert_deterministic, assert_prefix_equals_whole
from tests.strategies.documents import documents, spoilt
from tests.strategies.rules import CLOSE_ABOVE_100, rule
from tests.strategies.series import hostile_bars, random_bars

BARS = ("constant", "a halt", "no volume", "one spike", "spiky volume", "one bar", "two bars", "no bars")
DRAWN = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def read(data: Any) -> RuleDocument | None:
    """The document, or None where it is refused; a refusal always has a place and two sentences."""
    problems: tuple[Problem, ...] = ()
    try:
        document = RuleDocument.from_data(data)
    except DocumentInvalid as refused:
        document, problems = None, refused.problems
    assert bool(problems) is (document is None)
    assert all(each.path and each.message_ko and each.message_en for each in problems if each.code != "not_json")
    return document


@DRAWN
@given(documents())
def test_a_document_with_numbers_in_place_is_the_one_its_text_gives(data: dict[str, Any]) -> None:
    document = read(data)
    if document is None:
        return
    bound = document.bind()
    assert bound == RuleDocument.from_data(bound.as_data())
    assert '"param"' not in bound.canonical_json()


@DRAWN
@given(documents(), st.sampled_from(BARS))
def test_no_document_crashes_the_evaluator(data: dict[str, Any], series: str) -> None:
    document = read(data)
    if document is None:
        return
    bars = hostile_bars(series)
    evaluation = compile_document(document).evaluate(bars)
    assert all(entry.shape == (len(bars),) for entry in (*evaluation.entries, evaluation.exit))
    for number, levels in enumerate(evaluation.levels):
        waits = evaluation.stop_prices(number)
        assert (levels is None) is (waits is None)
        assert waits is None or (waits[~np.isnan(waits)] > 0).all()
    for index in (0, -1) if len(bars) else ():
        row = evaluation.row(index)
        assert Row.from_data(json.loads(json.dumps(row.as_data(), allow_nan=False))) == row
        for language in ("ko", "en"):
            assert all(condition_sentence(each, language) for each in row.conditions)
            assert all(why_sentence(row, signal, language) for signal in range(4))


@DRAWN
@given(spoilt())
def test_a_spoilt_document_is_refused_or_still_means_something(data: dict[str, Any]) -> None:
    document = read(data)
    if document is not None:
        compile_document(document).evaluate(random_bars(40)).row()


@DRAWN
@given(documents())
def test_no_document_looks_ahead(data: dict[str, Any]) -> None:
    document = read(data)
    if document is not None:
        bars = random_bars(150)
        assert_deterministic(document, bars)
        assert_prefix_equals_whole(compile_document(document), bars, samples=3)


@DRAWN
@given(documents())
def test_every_document_reads_back_as_itself_and_in_words(data: dict[str, Any]) -> None:
    document = read(data)
    if document is not None:
        again = RuleDocument.from_json(document.canonical_json())
        assert (again, again.version_hash()) == (document, document.version_hash())
        assert all("{" not in line for language in ("ko", "en") for line in document_sentences(document, language))


def test_most_documents_drawn_are_documents() -> None:
    """Else the properties above would promise little."""
    drawn: list[bool] = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(documents())
    def draw(data: dict[str, Any]) -> None:
        drawn.append(read(data) is not None)

    draw()
    assert sum(drawn) > len(drawn) / 4


def test_ten_thousand_conditions_are_refused_at_once() -> None:
    with pytest.raises(DocumentInvalid) as refused:
        RuleDocument.from_data(rule(*[CLOSE_ABOVE_100] * 10_000))
    assert [(each.code, each.path) for each in refused.value.problems] == [
        ("too_many_conditions", "entries[0].when.all")
    ]


def test_groups_a_hundred_deep_are_refused_with_their_place() -> None:
    node: dict[str, Any] = CLOSE_ABOVE_100
    for _ in range(100):
        node = {"any": [node]}
    with pytest.raises(DocumentInvalid) as refused:
        RuleDocument.from_data(rule(exit=node))
    ((code, path),) = [(each.code, each.path) for each in refused.value.problems]
    assert (code, path[:20]) == ("too_deep", "exit.any[0].any[0].a")
