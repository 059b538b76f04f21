"""Flat form fields as a tree: the text under `entries.0.when.members.1.left.of` is a leaf of it. Pure."""

from collections.abc import Iterable
from typing import Any

Tree = dict[str, Any]  # of texts, trees, and lists of trees
DEEPEST = 64  # steps of a path: ten groups and what is inside them take forty


def grown(fields: Iterable[tuple[str, str]]) -> Tree:
    """The tree of these fields. Numbers in a path are places of a list, whose gaps close; a path through a text is left out."""
    root: Tree = {}
    for path, text in fields:
        *way, last = path.split(".")
        if len(way) >= DEEPEST:
            continue
        here: Any = root
        for step in way:
            here = here.setdefault(step, {}) if isinstance(here, dict) else None
        if isinstance(here, dict) and not isinstance(here.get(last), dict):
            here[last] = text
    return {key: _listed(value) for key, value in root.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    if inner and all(key.isdecimal() and key.isascii() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def at(tree: Any, path: str) -> Any:
    """What stands at the path; None where nothing does."""
    for step in path.split(".") if path else ():
        if isinstance(tree, list) and step.isdecimal() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def text_of(tree: Any, key: str) -> str:
    """The text under `key`, without blanks around it; '' where there is none."""
    found = tree.get(key) if isinstance(tree, dict) else None
    return found.strip() if isinstance(found, str) else ""


def words_of(tree: Any, key: str) -> str:
    """The text under `key` as it was typed, lines ended as documents end them."""
    found = tree.get(key) if isinstance(tree, dict) else None
    return found.replace("\r\n", "\n") if isinstance(found, str) else ""


def part_of(tree: Any, key: str) -> Tree:
    found = tree.get(key) if isinstance(tree, dict) else None
    return found if isinstance(found, dict) else {}


def parts_of(tree: Any, key: str) -> list[Tree]:
    """The list under `key`; what is no tree in it is left out."""
    found = tree.get(key) if isinstance(tree, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
