"""Small rule documents as plain data, for tests to bend."""

from typing import Any

from strategies.document import RuleDocument

CLOSE = {"column": "close"}
CLOSE_ABOVE_100 = {"kind": "compare", "left": CLOSE, "op": "gt", "right": {"number": 100}}
CLOSE_BELOW_100 = {"kind": "compare", "left": CLOSE, "op": "lt", "right": {"number": 100}}


def rule(*conditions: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A document that buys when all `conditions` hold (close above 100, if none are given) and sells below 100."""
    return {
        "schema_version": 1,
        "name": "test",
        "entries": [{"name": "first", "when": {"all": list(conditions or (CLOSE_ABOVE_100,))}}],
        "exit": {"all": [CLOSE_BELOW_100]},
        **keys,
    }


def document(*conditions: dict[str, Any], **keys: Any) -> RuleDocument:
    return RuleDocument.from_data(rule(*conditions, **keys))


def parameter(default: float, minimum: float, maximum: float, kind: str = "int") -> dict[str, Any]:
    return {"default": default, "minimum": minimum, "maximum": maximum, "step": 1, "kind": kind}
