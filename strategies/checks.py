"""What makes a well-formed document meaningless: references to nothing, constants crossed, numbers out of range.

Pure functions that find problems; `document.py` raises them.
"""

from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from strategies.candles import PATTERNS
from strategies.catalog import INDICATORS, Bounds, IndicatorKind
from strategies.conditions import (
    Between,
    Candle,
    Change,
    ColumnOperand,
    Condition,
    IndicatorOperand,
    NumberOperand,
    Operand,
    ParamOperand,
    RiskOnly,
    StopLevel,
    Was,
    group_depth,
    operands,
)
from strategies.errors import Problem, problem
from strategies.shape import MAX_CONDITIONS, ParamRef

if TYPE_CHECKING:
    from strategies.document import IndicatorSpec, ParameterSpec, RuleDocument

MAX_DEPTH = 10
MAX_BARS = 500

_COLUMNS = frozenset(("open", "high", "low", "close", "volume", "price"))
_ANYTHING = Bounds(-1e15, 1e15, whole=False)
MOST_BARS_HELD = 10_000

_RISK = {
    "stop_loss_rate": Bounds(0.001, 0.99, whole=False),
    "take_profit_rate": Bounds(0.001, 100, whole=False),
    "trailing_stop_rate": Bounds(0.001, 0.99, whole=False),
    "time_stop_bars": Bounds(1, MOST_BARS_HELD),
    "max_position_rate": Bounds(0.001, 1, whole=False),
}
_SELLS = tuple(name for name in _RISK if name != "max_position_rate")


def problems_of(document: "RuleDocument") -> Iterator[Problem]:
    """Everything that makes the document meaningless, each with its path."""
    for name, spec in document.parameters.items():
        yield from _parameter(spec, f"parameters.{name}")
    yield from _order(document, {name: spec.default for name, spec in document.parameters.items()})
    for alias, indicator in document.indicators.items():
        yield from _indicator(document, indicator, alias)
    yield from _sizes(document)
    for path, condition in document.conditions():
        yield from _condition(document, condition, path)
    for number, entry in enumerate(document.entries):
        if entry.stop is not None:
            yield from _stop(document, entry.stop, f"entries[{number}].stop.level")
    if isinstance(document.exit, RiskOnly) and all(getattr(document.risk, name) is None for name in _SELLS):
        yield problem("no_way_out", "exit")
    for key, bounds in _RISK.items():
        if (rate := getattr(document.risk, key)) is not None:
            yield from _quantity(document, rate, bounds, f"risk.{key}")


def problems_of_values(document: "RuleDocument", values: Mapping[str, float]) -> Iterator[Problem]:
    """What is wrong with parameter values given for a valid document."""
    for name, value in values.items():
        spec = document.parameters.get(name)
        if spec is None:
            yield problem("undefined_parameter", f"parameters.{name}", name=name)
        else:
            yield from _value(value, _bounds(spec), f"parameters.{name}")
    yield from _order(document, {name: spec.default for name, spec in document.parameters.items()} | dict(values))


def _bounds(spec: "ParameterSpec") -> Bounds:
    return Bounds(spec.minimum, spec.maximum, spec.kind == "int")


def _value(value: float, bounds: Bounds, path: str) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield problem("wrong_value", path, detail=value)
    elif not bounds.minimum <= value <= bounds.maximum:  # NaN is in no range
        yield problem("out_of_range", path, low=bounds.minimum, high=bounds.maximum)
    elif bounds.whole and value != int(value):
        yield problem("not_whole", path)


def _parameter(spec: "ParameterSpec", path: str) -> Iterator[Problem]:
    for key in ("default", "minimum", "maximum"):
        yield from _value(getattr(spec, key), _bounds(spec), f"{path}.{key}")
    smallest = 1 if spec.kind == "int" else 1e-9
    if spec.step is not None:
        yield from _value(spec.step, Bounds(smallest, 1e15, spec.kind == "int"), f"{path}.step")


def _order(document: "RuleDocument", values: Mapping[str, float]) -> Iterator[Problem]:
    for number, names in enumerate(document.increasing):
        unknown = [name for name in names if name not in document.parameters]
        for name in unknown:
            yield problem("undefined_parameter", f"increasing[{number}]", name=name)
        if not unknown and any(values[low] >= values[high] for low, high in pairwise(names)):
            yield problem("not_increasing", "parameters", names=" < ".join(names))


def _quantity(document: "RuleDocument", quantity: float | ParamRef, bounds: Bounds, path: str) -> Iterator[Problem]:
    """A number must lie inside the bounds; so must every value of a parameter that stands for one."""
    if not isinstance(quantity, ParamRef):
        yield from _value(quantity, bounds, path)
    elif quantity.param not in document.parameters:
        yield problem("undefined_parameter", path, name=quantity.param)
    else:
        spec = document.parameters[quantity.param]
        if bounds.whole and spec.kind != "int":
            yield problem("not_whole", path)
        elif spec.minimum < bounds.minimum or spec.maximum > bounds.maximum:
            yield problem("out_of_range", path, low=bounds.minimum, high=bounds.maximum)


def _indicator(document: "RuleDocument", spec: "IndicatorSpec", alias: str) -> Iterator[Problem]:
    path = f"indicators.{alias}"
    if alias in _COLUMNS:
        yield problem("reserved_name", path, name=alias)
    kind = INDICATORS.get(spec.kind)
    if kind is None:
        yield problem("unknown_indicator", f"{path}.kind", name=spec.kind)
        return
    if spec.source != "close" and not kind.takes_source:
        yield problem("no_source", f"{path}.source")
    for name in sorted(kind.params.keys() - spec.params.keys()):
        yield problem("missing_indicator_param", f"{path}.params", name=name)
    for name, quantity in spec.params.items():
        if name in kind.params:
            yield from _quantity(document, quantity, kind.params[name], f"{path}.params.{name}")
        else:
            yield problem("unknown_indicator_param", f"{path}.params.{name}", name=name)
    if kind.params.keys() <= spec.params.keys():
        yield from _ascending(document, spec, kind, f"{path}.params")


def _ascending(document: "RuleDocument", spec: "IndicatorSpec", kind: IndicatorKind, path: str) -> Iterator[Problem]:
    """A parameter counts at its default; bound to other values, the document is checked again."""
    quantities = [spec.params[name] for name in kind.increasing]
    if any(isinstance(each, ParamRef) and each.param not in document.parameters for each in quantities):
        return  # told already
    numbers = [document.parameters[n.param].default if isinstance(n, ParamRef) else n for n in quantities]
    if any(low >= high for low, high in pairwise(numbers)):
        yield problem("not_increasing", path, names=" < ".join(kind.increasing))


def _sizes(document: "RuleDocument") -> Iterator[Problem]:
    for path, group in document.groups():
        if group_depth(group) > MAX_DEPTH:
            yield problem("too_deep", path, limit=MAX_DEPTH)
    for path, _said in islice(document.conditions(), MAX_CONDITIONS, MAX_CONDITIONS + 1):
        yield problem("too_many_conditions", path, limit=MAX_CONDITIONS)
    names = [entry.name for entry in document.entries]
    if len(set(names)) < len(names):
        yield problem("duplicate_name", "entries[1].name", name=names[1])


def _condition(document: "RuleDocument", condition: Condition, path: str) -> Iterator[Problem]:
    sides = dict(operands(condition))
    for key, operand in sides.items():
        yield from _operand(document, operand, f"{path}.{key}", by_change=isinstance(condition, Change))
    if isinstance(condition, Was | Change):
        yield from _quantity(document, condition.bars, Bounds(1, MAX_BARS), f"{path}.bars")
    if isinstance(condition, Candle):
        if condition.pattern not in PATTERNS:
            yield problem("unknown_pattern", f"{path}.pattern", name=condition.pattern)
    elif all(isinstance(side, NumberOperand | ParamOperand) for side in sides.values()):
        yield problem("constants_only", path)
    elif _repeats([_meant(document, side) for side in sides.values()]):
        yield problem("same_on_both_sides", path)
    elif isinstance(condition, Between):
        yield from _band(document, condition, path)


def _repeats(sides: list[object]) -> bool:
    return any(side in sides[:place] for place, side in enumerate(sides))


def _meant(document: "RuleDocument", operand: Operand) -> object:
    """What the operand is once its parameters have their defaults; bound to other values, it is checked again."""
    if isinstance(operand, NumberOperand | ParamOperand):
        number = _constant(document, operand)
        return operand if number is None else number
    of = operand.column if isinstance(operand, ColumnOperand) else (operand.indicator, operand.output)
    return of, operand.ago, _default(document, operand.scale), _default(document, operand.offset)


def _default(document: "RuleDocument", quantity: float | ParamRef) -> float | ParamRef:
    if isinstance(quantity, ParamRef) and quantity.param in document.parameters:
        return document.parameters[quantity.param].default
    return quantity


def _band(document: "RuleDocument", condition: Between, path: str) -> Iterator[Problem]:
    """Two fixed edges hold something between them. A parameter counts at its default; bound, it is checked again."""
    edges = [_constant(document, edge) for edge in (condition.low, condition.high)]
    if None not in edges and edges[0] > edges[1]:  # type: ignore[operator]
        yield problem("not_increasing", path, names="low ≤ high")


def _constant(document: "RuleDocument", operand: Operand) -> float | None:
    if isinstance(operand, NumberOperand):
        return operand.number
    if isinstance(operand, ParamOperand) and operand.param in document.parameters:
        return document.parameters[operand.param].default * operand.scale + operand.offset
    return None


def _stop(document: "RuleDocument", stop: StopLevel, path: str) -> Iterator[Problem]:
    """A level must be a price: an order cannot wait at an RSI of 30."""
    found = list(_operand(document, stop.level, path))
    yield from found
    if not found and not _is_price(document, stop.level):
        yield problem("not_a_price", path)


def _is_price(document: "RuleDocument", level: ColumnOperand | IndicatorOperand) -> bool:
    if isinstance(level, ColumnOperand):
        return level.column != "volume"
    spec = document.indicators[level.indicator]
    if spec.kind not in INDICATORS:
        return True  # told already, where the indicator is defined
    unit = INDICATORS[spec.kind].outputs[level.output].unit
    return unit == "price" or (unit == "source" and spec.source != "volume")


def _operand(document: "RuleDocument", operand: Operand, path: str, by_change: bool = False) -> Iterator[Problem]:
    if isinstance(operand, ParamOperand):
        yield from _quantity(document, ParamRef(param=operand.param), _ANYTHING, path)
    for key in ("scale", "offset"):
        if isinstance(quantity := getattr(operand, key, None), ParamRef):
            yield from _quantity(document, quantity, _ANYTHING, f"{path}.{key}")
    if isinstance(operand, IndicatorOperand):
        yield from _reference(document, operand, path, by_change)


def _reference(document: "RuleDocument", operand: IndicatorOperand, path: str, by_change: bool) -> Iterator[Problem]:
    spec = document.indicators.get(operand.indicator)
    if spec is None:
        yield problem("undefined_indicator", path, name=operand.indicator)
        return
    kind = INDICATORS.get(spec.kind)
    if kind is None:  # told already, where the indicator is defined
        return
    if operand.output not in kind.outputs:
        yield problem("undefined_output", f"{path}.output", name=operand.output)
    if kind.cumulative and not by_change:
        yield problem("level_meaningless", path, name=operand.indicator)
