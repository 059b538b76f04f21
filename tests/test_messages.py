"""Every Korean sentence has its English one, and what is shipped compiled says the same as its source."""

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.po_files import Entry, read_entries

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "var", "docs", "locale", "tests", "staticfiles", "__pycache__", "*.sqlite3*")
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


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="collecting messages needs gettext")
def test_every_sentence_of_code_and_templates_is_in_the_catalogue(entries: list[Entry], tmp_path: Path) -> None:
    copy = tmp_path / "kairos"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    (copy / "locale").mkdir()
    collect = [sys.executable, "manage.py", "makemessages", "-l", "en", "--no-location"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(collect, cwd=copy, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = {entry.key for entry in read_entries(copy / "locale" / "en" / "LC_MESSAGES" / "django.po")}
    assert {entry.key for entry in entries} == found, HOW
