"""From the texts of a form to the document, or to what is wrong, beside the field where it is wrong. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strategies.document import RuleDocument
from strategies.drafts.numbers import is_name, number_of
from strategies.drafts.shapes import AGO, CONDITIONS, RISK
from strategies.drafts.tree import Tree, part_of, parts_of, text_of, words_of
from strategies.errors import DocumentInvalid, Problem, problem
from strategies.parameter_words import is_rate

_LAST_STEP = re.compile(r"(\.[^.\[]*|\[\d+\]|^[^.\[]*)$")
_SAID_AT_THE_FIELD = frozenset(("missing", "missing_indicator_param", "wrong_form"))


@dataclass(frozen=True, slots=True)
class Composed:
    """The document of a draft, None while something is wrong, and what is wrong by the name of its field."""

    document: RuleDocument | None
    problems: Mapping[str, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part stands: `path` in the document, `field` in the form."""

    path: str = ""
    field: str = ""

    def key(self, name: str, form: str = "") -> "Place":
        """The part under `name`; `form` where the form calls it otherwise."""
        return Place(_under(self.path, name), _under(self.field, form or name))


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def composed(draft: Tree) -> Composed:
    """The document the draft describes, or every problem beside its field."""
    writing = _Writing()
    data = writing.document(draft)
    try:
        document = RuleDocument.from_data(data)
    except DocumentInvalid as e:
        writing.hear(e)
        return Composed(None, writing.told())
    return Composed(None if writing.problems else document, writing.told())


@dataclass(slots=True)
class _Writing:
    """One passage through a draft: which field each path of the document came from, and what could not be read."""

    places: dict[str, str] = field(default_factory=dict)
    problems: dict[str, list[Problem]] = field(default_factory=dict)

    def document(self, draft: Tree) -> dict[str, Any]:
        top = self._at(Place())
        name = text_of(draft, "name")
        if not name:
            self._blame("missing", self._at(top.key("name")))
        return {
            "schema_version": 1,
            "name": name or "-",
            "description": words_of(draft, "description"),
            "indicators": self._indicators(draft, top),
            "parameters": self._parameters(draft, top),
            "increasing": self._increasing(draft, top),
            "entries": self._entries(draft, top),
            "exit": self._exit(part_of(draft, "exit"), self._at(top.key("exit"))),
            "risk": self._risk(part_of(draft, "risk"), self._at(top.key("risk"))),
        }

    def hear(self, invalid: DocumentInvalid) -> None:
        """The problems of the whole document, but for what the fields have said already."""
        unread = list(self.problems)
        for each in invalid.problems:
            place = self._field_of(each.path)
            part = place.removesuffix(".of")
            said = any(name == place or name.startswith(f"{part}.") for name in unread)
            if not (said and each.code in _SAID_AT_THE_FIELD):
                self.problems.setdefault(place, []).append(each)

    def told(self) -> dict[str, tuple[Problem, ...]]:
        return {name: tuple(dict.fromkeys(each)) for name, each in self.problems.items()}

    def _at(self, place: Place) -> Place:
        self.places[place.path] = place.field
        return place

    def _field_of(self, path: str) -> str:
        """The field of the innermost part on the way to `path` that came from one."""
        while path and path not in self.places:
            path = _LAST_STEP.sub("", path, count=1)
        return self.places.get(path, "")

    def _blame(self, code: str, place: Place, **facts: object) -> None:
        self.problems.setdefault(place.field, []).append(problem(code, place.path, **facts))

    def _name(self, text: str, place: Place) -> str:
        if not text:
            self._blame("missing", place)
        elif not is_name(text):
            self._blame("bad_name", place)
        return text

    def _quantity(self, text: str, place: Place, *, percent: bool = False, by_name: bool = True) -> Any:
        """A number, or a reference to the parameter named; None for nothing, and for what cannot be read."""
        self._at(place)
        if not text:
            return None
        if by_name and is_name(text):
            return {"param": text}
        number = number_of(text, percent=percent)
        if number is None:
            self._blame("not_a_quantity" if by_name else "not_a_number", place)
        return number

    def _needed(self, text: str, place: Place, *, percent: bool = False, by_name: bool = True) -> Any:
        if not text:
            self._blame("missing", place)
        return self._quantity(text, place, percent=percent, by_name=by_name)

    def _named(self, parts: list[Tree], key: str, top: Place, section: str) -> dict[str, tuple[Tree, Place]]:
        """Each part of a section under its name, with where it stands; the same name twice is told."""
        whole, found = self._at(top.key(section)), {}
        for number, part in enumerate(parts):
            name = text_of(part, key)
            place = Place(f"{whole.path}.{name}", f"{whole.field}.{number}")
            self._name(name, Place(place.path, f"{place.field}.{key}"))
            if name in found:
                self._blame("duplicate_name", Place(place.path, f"{place.field}.{key}"), name=name)
            elif is_name(name):
                found[name] = part, self._at(place)
        return found

    def _indicators(self, draft: Tree, top: Place) -> dict[str, Any]:
        named = self._named(parts_of(draft, "indicators"), "alias", top, "indicators")
        return {alias: self._indicator(part, place) for alias, (part, place) in named.items()}

    def _indicator(self, part: Tree, place: Place) -> dict[str, Any]:
        self._at(place.key("kind"))
        self._at(place.key("source"))
        inside, params = self._at(place.key("params")), part_of(part, "params")
        quantities = {name: self._needed(text_of(params, name), inside.key(name)) for name in params}
        said = {"kind": text_of(part, "kind"), "params": _known(quantities)}
        return said | ({"source": source} if (source := text_of(part, "source")) else {})

    def _parameters(self, draft: Tree, top: Place) -> dict[str, Any]:
        named = self._named(parts_of(draft, "parameters"), "name", top, "parameters")
        return {name: self._parameter(name, part, place) for name, (part, place) in named.items()}

    def _parameter(self, name: str, part: Tree, place: Place) -> dict[str, Any]:
        percent = is_rate(name)
        numbers = {
            key: self._needed(text_of(part, key), place.key(key), percent=percent, by_name=False)
            for key in ("default", "minimum", "maximum")
        }
        numbers["step"] = self._quantity(text_of(part, "step"), place.key("step"), percent=percent, by_name=False)
        words = {"kind": text_of(part, "kind"), "description": words_of(part, "description")}
        self._at(place.key("kind"))
        self._at(place.key("description"))
        return _known(numbers) | words

    def _increasing(self, draft: Tree, top: Place) -> list[list[str]]:
        place = self._at(top.key("increasing"))
        lines = [[name.strip() for name in line.split("<")] for line in text_of(draft, "increasing").splitlines()]
        chains = [names for names in lines if names != [""]]
        if any(len(names) < 2 or not all(map(is_name, names)) for names in chains):
            self._blame("bad_order", place)
            return []
        return chains

    def _entries(self, draft: Tree, top: Place) -> list[dict[str, Any]]:
        self._at(top.key("entries"))
        return [
            self._entry(part, self._at(Place(f"entries[{number}]", f"entries.{number}")))
            for number, part in enumerate(parts_of(draft, "entries"))
        ]

    def _entry(self, part: Tree, place: Place) -> dict[str, Any]:
        name = self._name(text_of(part, "name"), self._at(place.key("name")))
        when = self._group(part_of(part, "when"), self._at(place.key("when")))
        entry: dict[str, Any] = {"name": name, "when": when}
        stop, inside = part_of(part, "stop"), self._at(place.key("stop"))
        way = text_of(stop, "way")
        if way in {"level", "above_open"}:
            level = self._operand(part_of(stop, "level"), inside.key("level"))
            entry["stop"] = {"level": level, "above_open": way == "above_open"}
        elif way != "open":
            self._blame("wrong_form", inside.key("way"))
        return entry

    def _exit(self, part: Tree, place: Place) -> dict[str, Any]:
        return {"risk_only": True} if text_of(part, "join") == "risk_only" else self._group(part, place)

    def _group(self, part: Tree, place: Place) -> dict[str, Any]:
        join = text_of(part, "join")
        if join not in {"all", "any"}:
            self._blame("wrong_form", Place(place.path, f"{place.field}.join"))
            return {"all": []}
        self.places[f"{place.path}.{join}"] = place.field
        members = [
            self._member(member, self._at(Place(f"{place.path}.{join}[{number}]", f"{place.field}.members.{number}")))
            for number, member in enumerate(parts_of(part, "members"))
        ]
        return {join: members}

    def _member(self, part: Tree, place: Place) -> dict[str, Any]:
        if "kind" not in part:
            return self._group(part, place)
        kind = text_of(part, "kind")
        self._at(place.key("kind"))
        said: dict[str, Any] = {"kind": kind, "label": words_of(part, "label")}
        self._at(place.key("label"))
        for shape in CONDITIONS.get(kind, ()):
            inside = self._at(place.key(shape.key))
            if shape.role == "operand":
                said[shape.key] = self._operand(part_of(part, shape.key), inside)
            elif shape.role == "quantity":
                said[shape.key] = self._needed(text_of(part, shape.key), inside)
            else:
                said[shape.key] = text_of(part, shape.key)
        return _known(said)

    def _operand(self, part: Tree, place: Place) -> dict[str, Any]:
        self.places[place.path] = f"{place.field}.of"
        form, _colon, name = text_of(part, "of").partition(":")
        if form == "number":
            return _known({"number": self._needed(text_of(part, "number"), place.key("number"), by_name=False)})
        if form == "indicator":
            alias, _dot, output = name.rpartition(".")
            said: dict[str, Any] = {"indicator": alias, "output": output}
            self.places[f"{place.path}.output"] = f"{place.field}.of"
        elif form in {"column", "param"} and name:
            said = {form: name}
        else:
            self._blame("missing", Place(place.path, f"{place.field}.of"))
            return {}
        for key in ("scale", "offset"):
            said[key] = self._quantity(text_of(part, key), place.key(key), by_name=form != "param")
        if form != "param":
            said["ago"] = self._ago(text_of(part, "ago"), self._at(place.key("ago")))
        return _known(said)

    def _ago(self, text: str, place: Place) -> int | None:
        if not text:
            return None
        number = number_of(text)
        if number is None:
            self._blame("not_a_number", place)
        elif number != int(number):
            self._blame("not_whole", place)
        elif not AGO.minimum <= number <= AGO.maximum:
            self._blame("out_of_range", place, low=AGO.minimum, high=AGO.maximum)
        else:
            return int(number)
        return None

    def _risk(self, part: Tree, place: Place) -> dict[str, Any]:
        limits = {key: self._quantity(text_of(part, key), place.key(key), percent=is_rate(key)) for key in RISK}
        return _known(limits)


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
