"""From untrusted bytes to a tree of plain values that know their line: bounded, and nothing in it is ever run.

The event stream is walked, so that what makes YAML dangerous (anchors, merge keys, tags) is refused before it could
mean anything. Scalars are read only where YAML 1.1 and 1.2 agree on them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml

from strategies.kis_yaml.problems import KisYamlInvalid, remark

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
MAX_NODES = 2000
MAX_DIGITS = 15

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar: its value, and how it was written where it stood without quotes (None where it was quoted)."""

    value: Scalar
    line: int
    bare: str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping."""

    members: "dict[str, Tree]"
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """A list."""

    items: "list[Tree]"
    line: int


Tree = Leaf | Branch | Row


def plain(tree: Tree) -> Any:
    """The same as dicts, lists and scalars, in the order of the file."""
    match tree:
        case Leaf(value=value):
            return value
        case Branch(members=members):
            return {key: plain(member) for key, member in members.items()}
        case Row(items=items):
            return [plain(item) for item in items]


def read_tree(content: bytes) -> Tree:
    """The one document in `content`. Raises KisYamlInvalid."""
    if len(content) > MAX_BYTES:
        raise KisYamlInvalid([remark("too_large", "", limit=MAX_BYTES)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = content[: e.start].count(b"\n") + 1
        raise KisYamlInvalid([remark("not_utf8", "", line)]) from e
    if (found := _CONTROL.search(text)) is not None:
        raise KisYamlInvalid([remark("control_character", "", text.count("\n", 0, found.start()) + 1)])
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        detail = getattr(e, "problem", None) or "?"
        raise KisYamlInvalid([remark("not_yaml", "", mark and mark.line + 1, detail=detail)]) from e


class _Reader:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._nodes = 0

    def document(self) -> Tree:
        next(self._events)  # the stream's start
        first = next(self._events)
        if isinstance(first, yaml.StreamEndEvent):
            raise KisYamlInvalid([remark("empty", "")])
        tree = self._node(next(self._events), "", 1)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise KisYamlInvalid([remark("several_documents", "", _line(after))])
        return tree

    def _node(self, event: yaml.Event, path: str, depth: int) -> Tree:
        self._check(event, path, depth)
        line = _line(event)
        if isinstance(event, yaml.ScalarEvent):
            bare = event.value if event.style is None else None
            return Leaf(event.value if bare is None else _resolved(bare, path, line), line, bare)
        if isinstance(event, yaml.SequenceStartEvent):
            return Row(list(self._items(path, depth)), line)
        return Branch(self._members(path, depth), line)

    def _items(self, path: str, depth: int) -> Iterator[Tree]:
        place = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, f"{path}[{place}]", depth + 1)
            place += 1

    def _members(self, path: str, depth: int) -> dict[str, Tree]:
        members: dict[str, Tree] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path, depth + 1)
            place = f"{path}.{key}" if path else key
            if key in members:
                raise KisYamlInvalid([remark("duplicate_key", place, _line(event), name=key)])
            members[key] = self._node(next(self._events), place, depth + 1)
        return members

    def _key(self, event: yaml.Event, path: str, depth: int) -> str:
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.style is None:
            raise KisYamlInvalid([remark("merge_key", path, _line(event))])
        self._check(event, path, depth)
        if isinstance(event, yaml.ScalarEvent):
            key = event.value if event.style is not None else _resolved(event.value, path, _line(event))
            if isinstance(key, str):
                return key
        raise KisYamlInvalid([remark("key_not_text", path, _line(event))])

    def _check(self, event: yaml.Event, path: str, depth: int) -> None:
        self._nodes += 1
        line = _line(event)
        if self._nodes > MAX_NODES:
            raise KisYamlInvalid([remark("too_many_nodes", path, line, limit=MAX_NODES)])
        if depth > MAX_DEPTH:
            raise KisYamlInvalid([remark("too_deep", path, line, limit=MAX_DEPTH)])
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise KisYamlInvalid([remark("anchor", path, line)])
        if getattr(event, "tag", None) is not None:
            raise KisYamlInvalid([remark("tag", path, line)])


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else int(mark.line) + 1


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)?\.[0-9]*([eE][-+][0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# Read as one thing by YAML 1.1 and as another by 1.2: yes, 012, 1_000, 0x1f, 1e3, 1:30.
_AMBIGUOUS = re.compile(
    r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|=|"
    r"[-+]?[0-9][0-9_]*|[-+]?0[xob][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|"
    r"[-+]?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
)


def _resolved(text: str, path: str, line: int) -> Scalar:
    """What a scalar without quotes means. Dates stay text. Raises KisYamlInvalid."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _INT.fullmatch(text) or (_FLOAT.fullmatch(text) and any(map(str.isdigit, text))):
        return _number(text, path, line)
    if _NOT_FINITE.fullmatch(text):
        raise KisYamlInvalid([remark("not_finite", path, line)])
    if _AMBIGUOUS.fullmatch(text):
        raise KisYamlInvalid([remark("ambiguous", path, line, text=text)])
    return text


def _number(text: str, path: str, line: int) -> int | float:
    if _INT.fullmatch(text):
        if len(text.lstrip("+-")) > MAX_DIGITS:
            raise KisYamlInvalid([remark("number_too_long", path, line)])
        return int(text)
    if not isfinite(value := float(text)):
        raise KisYamlInvalid([remark("not_finite", path, line)])
    return value
