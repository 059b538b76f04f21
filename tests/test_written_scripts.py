"""Scripts that checks write for `manage.py shell` stand in strings, where no tool sees that a module has moved."""

import ast
import importlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WRITERS = ("bench", "tests")
IMPORTED = re.compile(
    r"^from ((?:accounts|markets|brokers|strategies|trading|backtests|config)[\w.]*) import (.+)$", re.M
)


def said(path: Path) -> Iterator[str]:
    """Every text in a file, what is filled in later left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def promised() -> set[tuple[str, str]]:
    """Each name that a script in a string imports, with its module."""
    found = set()
    for folder in WRITERS:
        for path in (ROOT / folder).rglob("*.py"):
            for text in said(path):
                for module, names in IMPORTED.findall(text):
                    found |= {(module, name.partition(" as ")[0].strip()) for name in names.split(",")}
    return found


def test_scripts_are_found_where_they_stand() -> None:
    assert ("trading.services.running", "account_keys") in promised()


@pytest.mark.parametrize(("module", "name"), sorted(promised()))
def test_what_a_script_imports_is_there(module: str, name: str) -> None:
    home = importlib.import_module(module)
    assert hasattr(home, name) or find_spec(f"{module}.{name}")
