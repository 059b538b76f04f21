"""A draft as its choices want it: the fields of a kind just picked, and references that follow a new name. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from strategies.catalog import INDICATORS
from strategies.drafts.numbers import is_name, text_of_number
from strategies.drafts.shapes import CONDITIONS, FieldShape
from strategies.drafts.tree import Tree, part_of, parts_of, text_of

_LIKE = {  # where a kind just picked finds what the kind before it had, by the key it calls it
    "left": ("series",),
    "right": ("threshold", "low"),
    "series": ("left",),
    "threshold": ("right", "low"),
    "low": ("threshold", "right"),
}
_PICKED: Mapping[str, str] = {"op": "gt", "unit": "raw", "signal": "detected", "pattern": "engulfing"}


def settled(draft: Tree) -> Tree:
    """The draft with every field its kinds call for, in place. What was typed stays."""
    _follow_names(draft)
    for indicator in parts_of(draft, "indicators"):
        _settle_indicator(indicator)
    for condition in conditions_of(draft):
        settle_condition(condition)
    return draft


def conditions_of(draft: Tree) -> Iterator[Tree]:
    """Every condition of the draft, however deep."""
    groups = [part_of(entry, "when") for entry in parts_of(draft, "entries")] + [part_of(draft, "exit")]
    while groups:
        for member in parts_of(groups.pop(), "members"):
            if "kind" in member:
                yield member
            else:
                groups.append(member)


def settle_condition(condition: Tree) -> None:
    before = dict(condition)
    for shape in CONDITIONS.get(text_of(condition, "kind"), ()):
        if shape.key not in condition:
            condition[shape.key] = _first(shape, before)


def _first(shape: FieldShape, before: Tree) -> Any:
    if shape.role == "quantity":
        return "10"
    if shape.role == "choice":
        return _PICKED.get(shape.key, shape.choices[0])
    for key in _LIKE.get(shape.key, ()):
        operand = part_of(before, key)
        if text_of(operand, "of").partition(":")[0] in shape.forms:
            return dict(operand)
    return {"of": "column:close"} if "number" not in shape.forms else {"of": "number", "number": ""}


def _settle_indicator(indicator: Tree) -> None:
    """A kind just picked has numbers of its own; those of the one before are not its."""
    kind = INDICATORS.get(text_of(indicator, "kind"))
    if kind is None:
        return
    typed = part_of(indicator, "params")
    indicator["params"] = {name: typed.get(name, text_of_number(param.default)) for name, param in kind.params.items()}
    if not kind.takes_source:
        indicator["source"] = "close"


def _follow_names(draft: Tree) -> None:
    aliases = _renamed(parts_of(draft, "indicators"), "alias")
    names = _renamed(parts_of(draft, "parameters"), "name")
    if aliases or names:
        _follow(draft, aliases, names)


def _renamed(parts: list[Tree], key: str) -> dict[str, str]:
    """Old name → new, of each part that got another; a name that two parts have is nobody's."""
    now = [text_of(part, key) for part in parts]
    found = {}
    for part, name in zip(parts, now, strict=True):
        was, part["was"] = text_of(part, "was"), name
        if was and was != name and is_name(name) and was not in now and now.count(name) == 1:
            found[was] = name
        elif was and was != name and not is_name(name):
            part["was"] = was  # not a name yet: what refers to it waits
    return found


def _follow(tree: Tree, aliases: Mapping[str, str], names: Mapping[str, str]) -> None:
    for operand in _operands(tree):
        form, _colon, name = text_of(operand, "of").partition(":")
        alias, _dot, output = name.rpartition(".")
        if form == "indicator" and alias in aliases:
            operand["of"] = f"indicator:{aliases[alias]}.{output}"
        elif form == "param" and name in names:
            operand["of"] = f"param:{names[name]}"
    for quantities, key in _quantities(tree):
        quantities[key] = names.get(text_of(quantities, key), quantities[key])
    lines = text_of(tree, "increasing").splitlines()
    chains = [[names.get(name.strip(), name.strip()) for name in line.split("<")] for line in lines]
    tree["increasing"] = "\n".join(" < ".join(chain) for chain in chains)


def _operands(draft: Tree) -> Iterator[Tree]:
    for condition in conditions_of(draft):
        yield from (part for part in condition.values() if isinstance(part, dict))
    for entry in parts_of(draft, "entries"):
        yield part_of(part_of(entry, "stop"), "level")


def _quantities(draft: Tree) -> Iterator[tuple[Tree, str]]:
    """Every text that may name a parameter, with what holds it."""
    holders = [part_of(each, "params") for each in parts_of(draft, "indicators")]
    holders += [part_of(draft, "risk"), *conditions_of(draft)]
    for holder in holders:
        yield from (
            (holder, key) for key, value in holder.items() if isinstance(value, str) and key not in {"kind", "label"}
        )
    for operand in _operands(draft):
        yield from ((operand, key) for key in ("scale", "offset") if key in operand)
