"""The blocks of a file that stand alone: its version, its parameters, its limits, and the names of its parts."""

import re
from typing import Any

from strategies.kis_yaml.cursor import Cursor, Members, suggestion
from strategies.kis_yaml.text import Leaf
from strategies.kis_yaml.vocabulary import INDICATORS, UNDERDETERMINED, UNSUPPORTED, KisIndicator

Data = dict[str, Any]


def check_version(root: Members) -> None:
    place = root.get("version")
    if place is None:
        return
    value, bare = (place.tree.value, place.tree.bare) if isinstance(place.tree, Leaf) else (None, None)
    text = bare if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        place.text(20)
    elif not re.fullmatch(r"1(\.[0-9]+)*", text):
        place.refuse("unknown_version", name=text)
    elif bare is not None:
        place.note("version_not_quoted")


def filled_text(place: Cursor, longest: int) -> str | None:
    text = place.text(longest)
    if text is not None and not text.strip():
        place.refuse("empty")
    return text


def parameter(spec: Cursor) -> Data | None:
    members = spec.members("default", "min", "max", "type", "step", "description")
    numbers = {
        key: None if (place := members.need(key)) is None else place.number() for key in ("default", "min", "max")
    }
    kind = None if (place := members.need("type")) is None else place.text(10)
    if kind is not None and kind not in {"int", "float"}:
        members.found["type"].refuse("wrong_type", expected="int 또는 float", expected_en="int or float")
        return None
    step = None if (place := members.get("step")) is None else place.number()
    said = members.text("description", 300)
    if kind is None or None in numbers.values():
        return None
    return {
        "default": numbers["default"],
        "minimum": numbers["min"],
        "maximum": numbers["max"],
        "kind": "int" if kind == "int" else "number",
        **({} if step is None else {"step": step}),
        **({"description": said} if said else {}),
    }


def aliases(entries: list[Members], by_id_in_builder: bool) -> list[str | None]:
    """Each entry's alias. One left out must come out the same in both programs, which count differently."""
    found: list[str | None] = []
    nameless: dict[str, int] = {}
    seen: dict[str, int] = {}
    for position, entry in enumerate(entries, 1):
        place = entry.get("id")
        identity = str(place.tree.value) if place is not None and isinstance(place.tree, Leaf) else ""
        seen[identity] = seen.get(identity, 0) + 1
        if "alias" in entry:
            found.append(entry.text("alias", 200))
            continue
        nameless[identity] = nameless.get(identity, 0) + 1
        backtester = f"{identity}_{nameless[identity]}"
        builder = f"{identity}_{seen[identity] if by_id_in_builder else position}"
        if backtester == builder:
            entry.holder.note("alias_generated", name=backtester)
        else:
            entry.holder.refuse("alias_left_out", backtester=backtester, builder=builder)
        found.append(backtester if backtester == builder else None)
    return found


def refuse_indicator(place: Cursor, identity: str) -> None:
    if identity in UNDERDETERMINED:
        place.refuse("underdetermined", name=identity)
    elif identity in UNSUPPORTED:
        place.refuse("unsupported_indicator", name=identity)
    else:
        place.refuse("unknown_indicator", name=identity, **suggestion(identity, list(INDICATORS)))


def direction(entry: Members, place: Cursor | None) -> str | None:
    if place is None:
        entry.holder.refuse("missing_param", name="direction", default="up")
        return None
    word = place.text(10)
    if word is not None and word not in {"up", "down"}:
        place.refuse("wrong_type", expected="up 또는 down", expected_en="up or down")
        return None
    return word


def check_shown_output(shown: Cursor, kind: KisIndicator) -> None:
    """An indicator's own `output` selects nothing; it may stand there, if it exists."""
    name = shown.text(40)
    if name is not None and name not in kind.outputs:
        shown.refuse("undefined_output", name=name, known=", ".join(kind.outputs))
    elif name not in {None, "value"}:
        shown.note("output_selects_nothing")


def rate(place: Cursor) -> float | None:
    """A limit's percent as a fraction; None where it is off, or wrong."""
    members = place.members("enabled", "percent")
    percent = None if (found := members.get("percent")) is None else found.number()
    if found is not None and percent is not None and not 0 < percent <= 100:
        found.refuse("percent_range")
    switch = members.get("enabled")
    if switch is None:
        place.refuse("enabled_left_out")
        return None
    enabled = switch.boolean()
    if enabled and found is None:
        place.refuse("percent_left_out")
    return round(percent / 100, 12) if enabled and percent is not None else None


def share(place: Cursor) -> float | None:
    share = place.number()
    if share is not None and not 0 < share <= 1:
        place.refuse("fraction_range")
    return share
