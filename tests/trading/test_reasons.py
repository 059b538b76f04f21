"""Every code a person may meet has a sentence in both languages."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from trading.templatetags.reasons import SENTENCES, sentence

TRADING = Path(__file__).resolve().parents[2] / "trading"
RAISED = re.compile(r'(?:OrderRefused|PlanRefused|Denial)\(\s*"(\w+)"(?: if [^"]*? else "(\w+)")?')
STORED = re.compile(r'reason="(\w+)"|mark_unknown\(\w+, "(\w+)"\)')


def codes(pattern: re.Pattern[str]) -> set[str]:
    files = [
        *(TRADING / "services").rglob("*.py"),
        *TRADING.glob("*.py"),
        TRADING.parent / "brokers/virtual/adapter.py",
    ]
    found = (match.groups() for path in files for match in pattern.finditer(path.read_text()))
    return {code for groups in found for code in groups if code}


@pytest.mark.parametrize("code", sorted(codes(RAISED) | codes(STORED)))
def test_a_code_has_a_sentence(code: str) -> None:
    assert code in SENTENCES


def test_the_search_finds_what_services_raise_and_store() -> None:
    assert {"bad_budget", "bad_mode", "bad_cooldown", "closed_session"} <= codes(RAISED)
    assert {"sender_gone", "canceled_by_person"} <= codes(STORED)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_is_translated(code: str) -> None:
    with translation.override("ko"):
        korean = sentence(code)
    with translation.override("en"):
        assert sentence(code) != korean
