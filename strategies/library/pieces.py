"""Small pieces the library's documents are put together from, as plain data."""

from collections.abc import Mapping
from typing import Any

from strategies.document import RuleDocument

Data = dict[str, Any]

CLOSE: Data = {"column": "close"}


def by(name: str, **change: float) -> Data:
    """The value of the parameter `name`, perhaps scaled and shifted."""
    return {"param": name, **change}


def of(alias: str, output: str = "value", **more: Any) -> Data:
    """An indicator's series."""
    return {"indicator": alias, **({} if output == "value" else {"output": output}), **more}


def at(number: float) -> Data:
    return {"number": number}


def compare(left: Data, op: str, right: Data) -> Data:
    return {"kind": "compare", "left": left, "op": op, "right": right}


def crosses(way: str, left: Data, right: Data) -> Data:
    """`left` crosses `right`, "above" or "below"."""
    return {"kind": f"cross_{way}", "left": left, "right": right}


def whole(default: int, minimum: int, maximum: int, step: int = 1) -> Data:
    """A parameter that counts."""
    return {"default": default, "minimum": minimum, "maximum": maximum, "step": step, "kind": "int"}


def number(default: float, minimum: float, maximum: float, step: float) -> Data:
    return {"default": default, "minimum": minimum, "maximum": maximum, "step": step, "kind": "number"}


STOP_LOSS = {"minimum": 0.001, "maximum": 0.99, "step": 0.01, "kind": "number"}
TAKE_PROFIT = {"minimum": 0.001, "maximum": 10, "step": 0.01, "kind": "number"}


def limits(stop_loss: float | None = None, take_profit: float | None = None) -> tuple[Data, Data]:
    """The risk block and the parameters it refers to; rates as fractions."""
    given = {"stop_loss_rate": (stop_loss, STOP_LOSS), "take_profit_rate": (take_profit, TAKE_PROFIT)}
    kept = {name: {"default": rate, **bounds} for name, (rate, bounds) in given.items() if rate is not None}
    return {name: by(name) for name in kept}, kept


def document(
    name: str,
    *,
    buy: list[Data],
    sell: Data,
    indicators: Mapping[str, Data],
    parameters: Mapping[str, Data],
    risk: tuple[Data, Data] = ({}, {}),
    **more: Any,
) -> RuleDocument:
    """One entry when all of `buy` hold, out when `sell` says so."""
    block, rates = risk
    data = {
        "schema_version": 1,
        "name": name,
        "indicators": dict(indicators),
        "parameters": {**parameters, **rates},
        "entries": [{"name": "first", "when": {"all": buy}}],
        "exit": sell,
        "risk": block,
        **more,
    }
    return RuleDocument.from_data(data)


def indicator(kind: str, **params: Any) -> Data:
    """An indicator; a parameter's name stands for its value."""
    numbers = {name: by(value) if isinstance(value, str) else value for name, value in params.items()}
    return {"kind": kind, "params": numbers}
