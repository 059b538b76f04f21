"""One rule with many numbers: each piece of it is bound, checked and written down once for each numbers that it uses.

A piece (an indicator, an entry, the exit, the limits) uses few of the parameters, so that the hundred points of a sweep ask
for twenty different pieces. What the family gives is what `compile_document` gives, and refuses what that refuses.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from strategies import checks
from strategies.compiler import Evaluator, compile_document
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid

Place = tuple[str, str | int | None]  # a section of the document, and which of its pieces
UNBOUND: dict[str, Any] = {"parameters": {}, "increasing": ()}  # of a document whose numbers are known
KEYED, LISTED, WHOLE = ("indicators",), ("entries",), ("exit", "risk")


@dataclass(frozen=True, slots=True)
class Piece:
    """A bound piece and its canonical text; without one it stands at its default."""

    bound: Any
    text: str | None


class Family:
    """The members of one rule. What one asked for is there for the next."""

    def __init__(self, document: RuleDocument) -> None:
        self._document = document
        self._defaults = {name: spec.default for name, spec in document.parameters.items()}
        self._uses = {place: _used(document, piece) for place, piece in _pieces(document)}
        self._known: dict[tuple[Place, tuple[float, ...]], Piece] = {}
        words = document.model_copy(update=UNBOUND).as_data()
        self._words = {name: _dumped(each) for name, each in words.items() if name not in KEYED + LISTED + WHOLE}

    def member(self, parameters: Mapping[str, float]) -> tuple[Evaluator, str]:
        """The rule with these numbers, ready to be asked, and its version hash. Raises DocumentInvalid."""
        if problems := list(checks.problems_of_values(self._document, parameters)):
            raise DocumentInvalid(problems)
        numbers = self._defaults | dict(parameters)
        asked = {place: tuple([numbers[name] for name in names]) for place, names in self._uses.items()}
        if any(key not in self._known for key in asked.items()):
            self._learn(self._document.bind(parameters), asked)
        pieces = {place: self._known[place, values] for place, values in asked.items()}
        return compile_document(self._bound(pieces)), sha256(self._text(pieces).encode()).hexdigest()

    def _learn(self, bound: RuleDocument, asked: Mapping[Place, tuple[float, ...]]) -> None:
        """Take over the pieces of a document whose numbers fit together: each of them is valid beside any other valid one."""
        for place, piece in _pieces(bound):
            if (place, asked[place]) not in self._known:
                data = piece.as_data()
                self._known[place, asked[place]] = Piece(piece, _dumped(data) if data else None)

    def _bound(self, pieces: Mapping[Place, Piece]) -> RuleDocument:
        found: dict[str, Any] = UNBOUND | {"indicators": {}, "entries": ()}
        for (section, key), piece in pieces.items():
            if section in KEYED:
                found[section][key] = piece.bound
            elif section in LISTED:
                found[section] += (piece.bound,)
            else:
                found[section] = piece.bound
        return self._document.model_copy(update=found)

    def _text(self, pieces: Mapping[Place, Piece]) -> str:
        """`RuleDocument.canonical_json`, put together."""
        keyed: dict[str, list[tuple[str, str]]] = {}
        listed: dict[str, list[str]] = {}
        sections = dict(self._words)
        for (section, key), piece in pieces.items():
            if piece.text is None:
                continue
            if section in KEYED:
                keyed.setdefault(section, []).append((str(key), piece.text))
            elif section in LISTED:
                listed.setdefault(section, []).append(piece.text)
            else:
                sections[section] = piece.text
        sections |= {section: _object(members) for section, members in keyed.items()}
        sections |= {section: f"[{','.join(members)}]" for section, members in listed.items()}
        return _object(sections.items())


def _pieces(document: RuleDocument) -> Iterator[tuple[Place, Any]]:
    for section in KEYED:
        for name, piece in getattr(document, section).items():
            yield (section, name), piece
    for section in LISTED:
        for number, piece in enumerate(getattr(document, section)):
            yield (section, number), piece
    for section in WHOLE:
        yield (section, None), getattr(document, section)


def _used(document: RuleDocument, piece: Any) -> tuple[str, ...]:
    """The parameters that a piece may use, in the document's order."""
    named = set(_named(piece.model_dump(mode="json")))
    return tuple(name for name in document.parameters if name in named)


def _named(data: Any) -> Iterator[Any]:
    """Every word under a key "param", however deep."""
    if isinstance(data, dict):
        if isinstance(name := data.get("param"), str):
            yield name
        for each in data.values():
            yield from _named(each)
    elif isinstance(data, list):
        for each in data:
            yield from _named(each)


def _dumped(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _object(members: Any) -> str:
    return "{" + ",".join(f"{_dumped(name)}:{text}" for name, text in sorted(members)) + "}"
