"""The English catalogue is whole, and what is shipped compiled says the same. Needs no gettext; `check_messages`, which
`make lint` runs, also looks whether the code has sentences the catalogue does not know.
"""

import gettext
import re
from pathlib import Path

import pytest

from tests.po_files import Entry, read_entries

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")
HOW = "run `make messages` and translate what is new: docs/translation.md"


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return read_entries(CATALOGUE)


def test_nothing_is_untranslated_fuzzy_or_left_over(entries: list[Entry]) -> None:
    assert entries
    faults = [
        entry.texts.get("msgid", "obsolete")
        for entry in entries
        if entry.is_obsolete or "fuzzy" in entry.flags or not all(entry.translations)
    ]
    assert faults == [], HOW


def test_a_translation_keeps_the_placeholders_of_its_sentence(entries: list[Entry]) -> None:
    for entry in entries:
        asked = set(PLACEHOLDER.findall(entry.texts["msgid"]))
        for text in entry.translations:
            assert set(PLACEHOLDER.findall(text)) == asked, entry.texts["msgid"]


def test_english_has_no_korean_left_but_the_name_of_the_language(entries: list[Entry]) -> None:
    korean = re.compile("[가-힣]")
    assert [text for entry in entries for text in entry.translations if korean.search(text)] == []


def test_the_compiled_catalogue_says_what_its_source_says(entries: list[Entry]) -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as compiled:
        catalogue = gettext.GNUTranslations(compiled)
    said = {key: text for key, text in catalogue._catalog.items() if key}  # type: ignore[attr-defined]
    meant: dict[object, str] = {}
    for entry in entries:
        context, message, plural = entry.key
        name = f"{context}\x04{message}" if context else message
        forms = entry.translations
        meant |= {(name, n): text for n, text in enumerate(forms)} if plural else {name: forms[0]}
    assert said == meant, HOW
