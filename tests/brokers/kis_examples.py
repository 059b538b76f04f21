"""The recorded examples of the protocol reference, read from it: what they say is what is tested, not what we retyped."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "protocols" / "kis.md"
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


@cache
def reference() -> str:
    """The reference's text; skips where it is not at hand."""
    if not REFERENCE.exists():
        pytest.skip("the protocol reference ../shared/protocols/kis.md is not here")
    return REFERENCE.read_text(encoding="utf-8")


def examples(heading: str) -> list[str]:
    """The blocks of code under the heading that begins with `heading`, as they stand there."""
    _before, _found, after = reference().partition(f"\n{heading}")
    section = re.split(r"\n#{2,3} ", after, maxsplit=1)[0]
    found = [block.group(2).strip() for block in FENCE.finditer(section)]
    assert found, f"nothing recorded under {heading}"
    return found


def json_example(heading: str, number: int = 0) -> Any:
    """The recorded JSON objects under a heading, by their order."""
    return json.loads(text_example(heading, number))


def text_example(heading: str, number: int = 0) -> str:
    return [each for each in examples(heading) if each.startswith("{")][number]
