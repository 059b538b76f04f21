"""Where in the file the parts of a rule document stand, to answer a problem of the document with a line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strategies.kis_yaml.text import Branch, Leaf, Tree
from strategies.kis_yaml.vocabulary import KisIndicator

LIMITS = {"stop_loss": "stop_loss_rate", "take_profit": "take_profit_rate", "trailing_stop": "trailing_stop_rate"}


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A rule document as plain data, and where in the file its parts stand."""

    document: dict[str, Any]
    indicators: Mapping[str, int]  # alias → place in the list
    kinds: Mapping[str, KisIndicator]

    def place(self, path: str) -> str:
        """The file's path for a document's."""
        if found := re.match(r"(entries\[0\]\.when|exit)\.(all|any)\[(\d+)\](\.\w+)?", path):
            side = "exit" if found[1] == "exit" else "entry"
            key = {".left": ".indicator", ".right": ".compare_to", ".pattern": ".candlestick"}.get(found[4] or "", "")
            return f"strategy.{side}.conditions[{found[3]}]{key}"
        if found := re.match(r"indicators\.(\w+)(?:\.params(?:\.(\w+))?)?", path):
            theirs = {ours: name for name, (ours, _) in self.kinds[found[1]].params.items()}
            key = f".params.{theirs.get(found[2], found[2])}" if found[2] else ""
            return f"strategy.indicators[{self.indicators[found[1]]}]{key}"
        if found := re.match(r"parameters\.(\w+)(?:\.(\w+))?", path):
            key = {"minimum": "min", "maximum": "max", "kind": "type"}.get(found[2], found[2])
            return f"strategy.params.{found[1]}" + (f".{key}" if key else "")
        for name, ours in LIMITS.items():
            if path == f"risk.{ours}":
                return f"risk.{name}.percent"
        if path == "risk.max_position_rate":
            return "risk.max_position_size"
        return {"name": "metadata.name", "description": "metadata.description", "exit": "strategy.exit"}.get(path, "")


def line_of(tree: Tree, path: str) -> int:
    """The line of the deepest part of `path` that stands in the file."""
    line = tree.line
    for key, place in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if isinstance(tree, Branch) and key in tree.members:
            tree = tree.members[key]
        elif not isinstance(tree, Branch | Leaf) and place and int(place) < len(tree.items):
            tree = tree.items[int(place)]
        else:
            break
        line = tree.line
    return line
