"""Walking a file's tree: every value read by the type it must have, everything wrong collected with its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from strategies.kis_yaml.problems import Remark, remark
from strategies.kis_yaml.text import Branch, Leaf, Row, Tree

_RENAMED = {"event": "operator", "type": "operator"}  # legacy spellings no file reader looks at
_TYPES = {
    "text": ("글자", "text"),
    "number": ("숫자", "a number"),
    "bool": ("true 또는 false", "true or false"),
    "map": ("이름과 값의 묶음", "a mapping"),
    "list": ("목록", "a list"),
}


@dataclass(slots=True)
class Findings:
    """What was found so far: problems that refuse the file, and remarks that do not."""

    problems: list[Remark] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def suggestion(name: str, known: Mapping[str, Any] | tuple[str, ...] | list[str]) -> dict[str, str]:
    """The nearest known name, as the end of a sentence; nothing where none is near. One spelling for both languages."""
    near = get_close_matches(name.strip().lower(), list(known), n=1, cutoff=0.6)
    return {"hint": f" → {near[0]}?" if near else ""}


@dataclass(frozen=True, slots=True)
class Cursor:
    """One value of the file and where it stands."""

    tree: Tree
    path: str
    findings: Findings

    @property
    def line(self) -> int:
        return self.tree.line

    def refuse(self, code: str, **facts: Any) -> None:
        self.findings.problems.append(remark(code, self.path, self.line, **facts))

    def note(self, code: str, **facts: Any) -> None:
        self.findings.remarks.append(remark(code, self.path, self.line, **facts))

    def is_null(self) -> bool:
        return isinstance(self.tree, Leaf) and self.tree.value is None

    def members(self, *known: str, condition: bool = False) -> "Members":
        """The mapping's members under known keys; unknown ones are refused with the nearest known."""
        if not isinstance(self.tree, Branch):
            self._wrong("map")
            return Members(self, {}, told=True)
        found = {}
        for key, tree in self.tree.members.items():
            place = Cursor(tree, f"{self.path}.{key}" if self.path else key, self.findings)
            if key in known:
                found[key] = place
            elif condition and key in {"conditions", "logic", "all", "any"}:
                place.refuse("nested_group")
            elif condition and key in _RENAMED:
                place.refuse("unknown_key", hint=f" → {_RENAMED[key]}?")
            else:
                place.refuse("unknown_key", **suggestion(key, known))
        return Members(self, found)

    def named(self, limit: int) -> "dict[str, Cursor]":
        """A mapping whose keys are names of the file's own."""
        if not isinstance(self.tree, Branch):
            self._wrong("map")
            return {}
        if len(self.tree.members) > limit:
            self.refuse("too_many", limit=limit)
            return {}
        return {key: Cursor(tree, f"{self.path}.{key}", self.findings) for key, tree in self.tree.members.items()}

    def items(self, limit: int) -> "list[Cursor]":
        if not isinstance(self.tree, Row):
            self._wrong("list")
            return []
        if len(self.tree.items) > limit:
            self.refuse("too_many", limit=limit)
            return []
        return [Cursor(tree, f"{self.path}[{n}]", self.findings) for n, tree in enumerate(self.tree.items)]

    def text(self, longest: int) -> str | None:
        if not isinstance(self.tree, Leaf) or not isinstance(self.tree.value, str):
            self._wrong("text")
            return None
        if len(self.tree.value) > longest:
            self.refuse("too_long", limit=longest)
            return None
        return self.tree.value

    def number(self) -> float | None:
        """A number; true is none, and a $parameter is told that it has no place here."""
        value = self.tree.value if isinstance(self.tree, Leaf) else None
        if isinstance(value, str) and value.startswith("$"):
            self.refuse("reference_not_allowed", text=value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong("number")
        else:
            return value
        return None

    def boolean(self) -> bool | None:
        if isinstance(self.tree, Leaf) and isinstance(self.tree.value, bool):
            return self.tree.value
        self._wrong("bool")
        return None

    def scalar(self) -> str | float | None:
        """Text or a number."""
        value = self.tree.value if isinstance(self.tree, Leaf) else None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self._wrong("text")
            return None
        return value

    def _wrong(self, expected: str) -> None:
        korean, english = _TYPES[expected]
        self.refuse("wrong_type", expected=korean, expected_en=english)


@dataclass(frozen=True, slots=True)
class Members:
    """The known members of one mapping. `told`: it was none, so that what it lacks needs no telling."""

    holder: Cursor
    found: Mapping[str, Cursor]
    told: bool = False

    def __contains__(self, key: str) -> bool:
        return key in self.found

    def get(self, key: str) -> Cursor | None:
        return self.found.get(key)

    def need(self, key: str) -> Cursor | None:
        """The member, or a problem that it is missing."""
        if key not in self.found and not self.told:
            self.holder.refuse("missing", name=key)
        return self.found.get(key)

    def text(self, key: str, longest: int = 100) -> str | None:
        """The optional text under `key`."""
        return None if (found := self.get(key)) is None else found.text(longest)

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)
