"""A strategy file from outside: read as data, or refused with its place and a sentence (G14, I34)."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.errors import DocumentInvalid
from strategies.indicator_words import indicator_rows
from strategies.kis_yaml import KisYamlInvalid
from strategies.library.basic import basic_document
from strategies.library.shelf import LIBRARY
from strategies.uploads import MAX_BYTES, read_upload
from tests.strategies.kis_files import EVERYTHING, SIMPLE

OURS = json.dumps(basic_document().as_data())


def test_our_own_json_is_read_back_as_the_same_document() -> None:
    for built_in in LIBRARY.values():
        document = built_in.build()
        assert read_upload(json.dumps(document.as_data()).encode()).document == document


@pytest.mark.parametrize("text", [SIMPLE, EVERYTHING])
def test_a_kis_file_is_read_with_its_content_and_what_is_worth_knowing(text: str) -> None:
    found = read_upload(text.encode())
    assert found.kis_yaml is not None
    assert found.kis_yaml["metadata"]["name"] == found.document.name
    assert found.remarks


def test_a_byte_order_mark_says_nothing() -> None:
    assert read_upload(b"\xef\xbb\xbf" + OURS.encode()).document == basic_document()
    assert read_upload(b"\xef\xbb\xbf" + SIMPLE.encode()).document.name == "Oversold bounce"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "not_json"),
        (OURS.replace('"name":', '"name": "other", "name":'), "duplicate_name"),
        (OURS.replace('"schema_version": 1', '"schema_version": 2'), "not_a_choice"),
        (OURS.replace('"default": 5,', '"default": NaN,'), "not_finite"),
        (OURS.replace("cross_above", "crosses_over"), "wrong_form"),
        ("{" + " " * MAX_BYTES + "}", "too_large"),
        ('{"a":' * 100_000, "too_large"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "not_json"),
        ('{"schema_version": ' + "9" * 5_000 + "}", "not_json"),
    ],
)
def test_json_that_is_no_document_is_refused_with_its_place(content: str, code: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read_upload(content.encode())
    assert code in {each.code for each in refused.value.problems}
    assert all(each.sentence("ko") for each in refused.value.problems)


@pytest.mark.parametrize("content", ['{"name": 1,,}', "{" * 3000, "version: [1", "version: 'a"])
def test_what_cannot_be_read_at_all_is_said_in_either_language_alone(content: str) -> None:
    with pytest.raises((DocumentInvalid, KisYamlInvalid)) as refused:
        read_upload(content.encode())
    assert isinstance(refused.value, DocumentInvalid | KisYamlInvalid)
    (said,) = refused.value.problems
    korean, english = said.sentence("ko"), said.sentence("en")
    assert re.findall("[A-Za-z]+", korean) in (["JSON"], ["YAML"])
    assert not re.search("[가-힣]", english)


def test_broken_json_is_told_with_its_line() -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read_upload(b'{"name": "a",\n "entries" []}')
    assert "(2행 12번째 글자)" in refused.value.problems[0].message_ko
    assert "(line 2, character 12)" in refused.value.problems[0].message_en


def test_a_kis_file_that_cannot_be_said_is_refused_with_its_line() -> None:
    with pytest.raises(KisYamlInvalid) as refused:
        read_upload(SIMPLE.replace("less_than", "breaks").encode())
    assert refused.value.problems[0].line == 8
    assert refused.value.problems[0].sentence("ko").startswith("8행: strategy.entry.conditions[0]")


def test_a_file_without_an_exit_needs_the_person_s_word() -> None:
    text = "\n".join(line for line in SIMPLE.splitlines() if not line.strip().startswith("exit:"))
    with pytest.raises(KisYamlInvalid):
        read_upload(text.encode())
    assert read_upload(text.encode(), sell_by_risk_only=True).document.risk.stop_loss_rate == 0.04


def told(content: bytes) -> list[str] | None:
    """What is wrong with it, in words; None for a strategy."""
    try:
        read_upload(content)
    except (DocumentInvalid, KisYamlInvalid) as e:
        return [each.sentence("ko") for each in e.problems]
    return None


@given(st.binary(max_size=300))
def test_no_bytes_bring_anything_but_a_refusal(content: bytes) -> None:
    problems = told(content)
    assert problems is None or problems


@pytest.mark.parametrize("key", sorted(LIBRARY))
def test_every_indicator_of_the_library_is_told_in_words(key: str) -> None:
    document = LIBRARY[key].build()
    for language in ("ko", "en"):
        rows = indicator_rows(document, language)
        assert [row.alias for row in rows] == list(document.indicators)
        assert all(row.name and row.meaning for row in rows)
