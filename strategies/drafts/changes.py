"""What the builder's buttons do to a draft: parts added, taken away, moved. Pure."""

from collections.abc import Callable, Mapping
from copy import deepcopy

from strategies.catalog import INDICATORS
from strategies.drafts.settling import settle_condition, settled
from strategies.drafts.shapes import RISK
from strategies.drafts.tree import Tree, at, parts_of, text_of

BLANK: Tree = {  # where a strategy begins that is no copy of another
    "name": "",
    "description": "",
    "indicators": [],
    "parameters": [],
    "increasing": "",
    "entries": [{"name": "first", "when": {"join": "all", "members": []}, "stop": {"way": "open"}}],
    "exit": {"join": "all", "members": []},
    "risk": dict.fromkeys(RISK, ""),
}
MOST_ENTRIES = 2
_FIRST_FIELD = {"indicators": "kind", "parameters": "name", "entries": "name"}


def changed(draft: Tree, verb: str, path: str) -> tuple[Tree, str]:
    """The draft after one button, and the name of the field to look at next; '' where none is. Unknown buttons do nothing."""
    after = settled(deepcopy(draft))
    doing = _VERBS.get(verb)
    focus = "" if doing is None else doing(after, path)
    return settled(after), focus


def _add_indicator(draft: Tree, path: str) -> str:
    kind = text_of(draft, "new_indicator")
    if kind not in INDICATORS:
        return ""
    taken = {text_of(each, "alias") for each in parts_of(draft, "indicators")}
    alias = _free(kind, taken)
    added: Tree = {"alias": alias, "was": alias, "kind": kind, "source": "close"}
    return _append(draft, "indicators", added, "alias")


def _add_parameter(draft: Tree, path: str) -> str:
    name = _free("number", {text_of(each, "name") for each in parts_of(draft, "parameters")})
    numbers = {"default": "10", "minimum": "1", "maximum": "100", "step": "1"}
    return _append(
        draft, "parameters", {"name": name, "was": name, **numbers, "kind": "int", "description": ""}, "name"
    )


def _add_entry(draft: Tree, path: str) -> str:
    entries = parts_of(draft, "entries")
    if len(entries) >= MOST_ENTRIES:
        return ""
    name = next(each for each in ("first", "second", "third") if each not in {text_of(e, "name") for e in entries})
    return _append(
        draft, "entries", {"name": name, "when": {"join": "all", "members": []}, "stop": {"way": "open"}}, "when.join"
    )


def _add_condition(draft: Tree, path: str) -> str:
    """Another condition in the group at `path`: the close against the newest indicator, else against a number to type."""
    group = at(draft, path)
    if not isinstance(group, dict):
        return ""
    newest = parts_of(draft, "indicators")[-1:]
    kind = INDICATORS.get(text_of(newest[0], "kind")) if newest else None
    right = {"of": "number", "number": ""}
    if kind is not None:
        right = {"of": f"indicator:{text_of(newest[0], 'alias')}.{next(iter(kind.outputs))}"}
    condition = {"kind": "compare", "label": "", "left": {"of": "column:close"}, "op": "gt", "right": right}
    settle_condition(condition)
    return _append(group, "members", condition, "kind", path)


def _add_group(draft: Tree, path: str) -> str:
    group = at(draft, path)
    if not isinstance(group, dict):
        return ""
    other = "any" if text_of(group, "join") != "any" else "all"
    return _append(group, "members", {"join": other, "members": []}, "join", path)


def _append(tree: Tree, key: str, part: Tree, field: str, path: str = "") -> str:
    parts = parts_of(tree, key)
    tree[key] = [*parts, part]
    settled_path = f"{path}.{key}" if path else key
    return f"{settled_path}.{len(parts)}.{field}"


def _remove(draft: Tree, path: str) -> str:
    parts, place = _place_of(draft, path)
    if parts is None:
        return ""
    del parts[place]
    whole, _dot, _place = path.rpartition(".")
    return f"{whole}.{min(place, len(parts) - 1)}.{_FIRST_FIELD.get(whole, 'kind')}" if parts else f"{whole}.add"


def _moved_by(step: int) -> Callable[[Tree, str], str]:
    def move(draft: Tree, path: str) -> str:
        parts, place = _place_of(draft, path)
        if parts is None or not 0 <= place + step < len(parts):
            return ""
        parts[place], parts[place + step] = parts[place + step], parts[place]
        whole, _dot, _place = path.rpartition(".")
        return f"{whole}.{place + step}.{_FIRST_FIELD.get(whole, 'kind')}"

    return move


def _place_of(draft: Tree, path: str) -> tuple[list[Tree] | None, int]:
    whole, _dot, place = path.rpartition(".")
    parts = at(draft, whole)
    if isinstance(parts, list) and place.isdecimal() and int(place) < len(parts):
        return parts, int(place)
    return None, 0


def _free(name: str, taken: set[str]) -> str:
    return next(each for each in (name, *(f"{name}_{n}" for n in range(2, len(taken) + 3))) if each not in taken)


_VERBS: Mapping[str, Callable[[Tree, str], str]] = {
    "add-indicator": _add_indicator,
    "add-parameter": _add_parameter,
    "add-entry": _add_entry,
    "add-condition": _add_condition,
    "add-group": _add_group,
    "remove": _remove,
    "up": _moved_by(-1),
    "down": _moved_by(1),
}
