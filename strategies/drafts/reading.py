"""From a document to the texts of its form. Pure."""

from typing import Any

from strategies.conditions import (
    AllOf,
    AnyOf,
    ColumnOperand,
    Condition,
    IndicatorOperand,
    NumberOperand,
    Operand,
    ParamOperand,
    RiskOnly,
    StopLevel,
)
from strategies.document import IndicatorSpec, ParameterSpec, RuleDocument, StagedEntry
from strategies.drafts.numbers import text_of_number, text_of_quantity
from strategies.drafts.shapes import CONDITIONS, RISK
from strategies.drafts.tree import Tree
from strategies.parameter_words import is_rate


def draft_of(document: RuleDocument) -> Tree:
    """The document in texts: `composed` makes the same one of them."""
    return {
        "name": document.name,
        "description": document.description,
        "indicators": [_indicator(alias, spec) for alias, spec in document.indicators.items()],
        "parameters": [_parameter(name, spec) for name, spec in document.parameters.items()],
        "increasing": "\n".join(" < ".join(names) for names in document.increasing),
        "entries": [_entry(entry) for entry in document.entries],
        "exit": {"join": "risk_only"} if isinstance(document.exit, RiskOnly) else _group(document.exit),
        "risk": {key: text_of_quantity(getattr(document.risk, key), percent=is_rate(key)) for key in RISK},
    }


def _indicator(alias: str, spec: IndicatorSpec) -> Tree:
    params = {name: text_of_quantity(quantity) for name, quantity in spec.params.items()}
    return {"alias": alias, "was": alias, "kind": spec.kind, "source": spec.source, "params": params}


def _parameter(name: str, spec: ParameterSpec) -> Tree:
    numbers = {
        key: text_of_number(getattr(spec, key), percent=is_rate(name))
        for key in ("default", "minimum", "maximum", "step")
    }
    return {"name": name, "was": name, **numbers, "kind": spec.kind, "description": spec.description}


def _entry(entry: StagedEntry) -> Tree:
    return {"name": entry.name, "when": _group(entry.when), "stop": _stop(entry.stop)}


def _stop(stop: StopLevel | None) -> Tree:
    if stop is None:
        return {"way": "open"}
    return {"way": "above_open" if stop.above_open else "level", "level": _operand(stop.level)}


def _group(group: AllOf | AnyOf) -> Tree:
    members = [_group(each) if isinstance(each, AllOf | AnyOf) else _condition(each) for each in group.members]
    return {"join": "all" if isinstance(group, AllOf) else "any", "members": members}


def _condition(condition: Condition) -> Tree:
    parts: dict[str, Any] = {"kind": condition.kind, "label": condition.label}
    for shape in CONDITIONS[condition.kind]:
        value = getattr(condition, shape.key)
        if shape.role == "operand":
            parts[shape.key] = _operand(value)
        else:
            parts[shape.key] = text_of_quantity(value) if shape.role == "quantity" else value
    return parts


def _operand(operand: Operand) -> Tree:
    if isinstance(operand, NumberOperand):
        return {"of": "number", "number": text_of_number(operand.number)}
    change = {"scale": text_of_quantity(operand.scale), "offset": text_of_quantity(operand.offset)}
    if isinstance(operand, ParamOperand):
        return {"of": f"param:{operand.param}", **change}
    change["ago"] = str(operand.ago)
    if isinstance(operand, ColumnOperand):
        return {"of": f"column:{operand.column}", **change}
    return {"of": _series(operand), **change}


def _series(operand: IndicatorOperand) -> str:
    return f"indicator:{operand.indicator}.{operand.output}"
