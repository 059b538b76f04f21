"""What the documents say is what the code does: settings, time-outs, links and commands."""

import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import get_commands
from pydantic import AliasChoices

from config.environment import Environment

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def rows(document: str) -> list[list[str]]:
    """The cells of every table row of the document."""
    lines = (ROOT / "docs" / document).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


def documented_settings() -> set[str]:
    return {name for row in rows("environment.md") for cell in row[:2] for name in re.findall(r"`([A-Z_0-9]+)`", cell)}


def accepted_settings() -> set[str]:
    aliases = [field.validation_alias for field in Environment.model_fields.values()]
    return {str(name) for alias in aliases if isinstance(alias, AliasChoices) for name in alias.choices}


def test_every_setting_and_synonym_is_documented_and_no_other() -> None:
    assert documented_settings() == accepted_settings()


def test_the_example_file_names_settings_that_exist() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), flags=re.M)
    assert named
    assert set(named) <= accepted_settings()


def time_outs() -> list[tuple[str, float]]:
    named = [(re.findall(r"^`([a-z_.]+\.[A-Z_]+)`$", row[-1]), row[1]) for row in rows("architecture.md")]
    return [(name[0], float(seconds)) for name, seconds in named if name]


@pytest.mark.parametrize(("name", "seconds"), time_outs())
def test_a_documented_time_out_is_the_one_in_the_code(name: str, seconds: float) -> None:
    module, _dot, constant = name.rpartition(".")
    value = getattr(import_module(module), constant)
    assert (value.total_seconds() if isinstance(value, timedelta) else value) == seconds


def test_time_outs_are_found_in_the_table() -> None:
    assert len(time_outs()) >= 10


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_link_leads_nowhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_command_a_document_names_exists() -> None:
    known = get_commands()
    named = {
        name for path in DOCUMENTS for name in re.findall(r"manage\.py ([a-z_]+)", path.read_text(encoding="utf-8"))
    }
    assert named - set(known) == set()


def test_every_make_target_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    named = {name for path in DOCUMENTS for name in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))}
    assert named
    assert named <= targets
