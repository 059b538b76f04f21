"""The words of a rule: operands (a value for every bar, or a level), and conditions in groups of all or any.

A word is only ever added, with a default where it joins an older one, so that stored documents keep their hash.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from strategies.shape import Name, NotEmpty, Number, Part, Quantity, form_of, read

Column = Literal["open", "high", "low", "close", "volume"]
BarFigure = Literal[Column, "range"]  # range: high - low
Operator = Literal["gt", "ge", "lt", "le", "eq", "ne"]


class _Series(Part):
    """A value for every bar: that of `ago` bars earlier, times `scale`, plus `offset`."""

    scale: Quantity = 1
    offset: Quantity = 0
    ago: Annotated[int, Field(ge=0, le=500)] = 0


class ColumnOperand(_Series):
    column: BarFigure


class IndicatorOperand(_Series):
    indicator: Name
    output: str = "value"


class NumberOperand(Part):
    number: Number


class ParamOperand(Part):
    """A parameter's value times `scale` plus `offset`: "100 - threshold" has scale -1 and offset 100."""

    param: Name
    scale: Number = 1
    offset: Number = 0


Series = Annotated[
    Annotated[ColumnOperand, Tag("<column>")] | Annotated[IndicatorOperand, Tag("<indicator>")],
    form_of("column", "indicator"),
]
Level = Annotated[
    Annotated[NumberOperand, Tag("<number>")] | Annotated[ParamOperand, Tag("<param>")], form_of("number", "param")
]
Operand = Annotated[
    Annotated[ColumnOperand, Tag("<column>")]
    | Annotated[IndicatorOperand, Tag("<indicator>")]
    | Annotated[NumberOperand, Tag("<number>")]
    | Annotated[ParamOperand, Tag("<param>")],
    form_of("column", "indicator", "number", "param"),
]


class _Condition(Part):
    """True or false on every bar, and false where a value it needs does not exist yet. `label` names it for people."""

    label: str = Field("", max_length=60)


class Compare(_Condition):
    """`left` stands to `right` as the operator says, on this bar."""

    kind: Literal["compare"]
    left: Operand
    op: Operator
    right: Operand


class Cross(_Condition):
    """True on the bar where `left` goes from at or below `right` to above it; cross_below is the mirror image."""

    kind: Literal["cross_above", "cross_below"]
    left: Operand
    right: Operand


class Was(_Condition):
    """`series` was below `threshold` in the last `bars` bars, this one counted, and is above it now; or mirrored."""

    kind: Literal["was_below_within", "was_above_within"]
    series: Series
    threshold: Operand
    bars: Quantity


class Between(_Condition):
    """`series` is at least `low` and at most `high` on this bar; the edges may move."""

    kind: Literal["between"]
    series: Series
    low: Operand
    high: Operand


class Change(_Condition):
    """How far `series` moved over `bars` bars, raw or in units of those bars' average volume, against `threshold`."""

    kind: Literal["change"]
    series: Series
    bars: Quantity
    unit: Literal["raw", "average_volume"]
    op: Operator
    threshold: Level


class Candle(_Condition):
    """The candlestick pattern ends on this bar, as TA-Lib draws it: a rising one, a falling one, or either."""

    kind: Literal["candle"]
    pattern: str
    signal: Literal["bullish", "bearish", "detected"] = "detected"


Condition = Compare | Cross | Was | Between | Change | Candle


class AllOf(Part):
    """True where every member is."""

    all: Annotated[tuple["Node", ...], NotEmpty]

    @property
    def members(self) -> tuple["Node", ...]:
        return self.all


class AnyOf(Part):
    """True where at least one member is."""

    any: Annotated[tuple["Node", ...], NotEmpty]

    @property
    def members(self) -> tuple["Node", ...]:
        return self.any


class RiskOnly(Part):
    """No exit rule, said on purpose: the position is sold by its risk limits alone."""

    risk_only: Literal[True]


class StopLevel(Part):
    """A price inside the bar after the one decided on: the buy is made as soon as that bar reaches it.

    `level` is read on the bar decided on. `above_open`: it is a distance above the next bar's open, not a price.
    """

    level: Series
    above_open: bool = False


_OPERANDS: Mapping[type[Condition], tuple[str, ...]] = {
    Compare: ("left", "right"),
    Cross: ("left", "right"),
    Was: ("series", "threshold"),
    Between: ("series", "low", "high"),
    Change: ("series", "threshold"),
    Candle: (),
}
OPERAND_KEYS = frozenset(key for keys in _OPERANDS.values() for key in keys)

_TAGS = {kind: f"<{kind}>" for kind in ("compare", "between", "change", "candle")}
_TAGS |= dict.fromkeys(("cross_above", "cross_below"), "<cross>")
_TAGS |= dict.fromkeys(("was_below_within", "was_above_within"), "<was>")


def _node_form(value: Any) -> str | None:
    kind = read(value, "kind")
    if isinstance(kind, str):
        return _TAGS.get(kind)
    return next((f"<{key}>" for key in ("all", "any") if read(value, key) is not None), None)


Group = Annotated[Annotated[AllOf, Tag("<all>")] | Annotated[AnyOf, Tag("<any>")], form_of("all", "any")]
Exit = Annotated[
    Annotated[AllOf, Tag("<all>")] | Annotated[AnyOf, Tag("<any>")] | Annotated[RiskOnly, Tag("<risk_only>")],
    form_of("all", "any", "risk_only"),
]
AnyCondition = Annotated[
    Annotated[Compare, Tag("<compare>")]
    | Annotated[Cross, Tag("<cross>")]
    | Annotated[Was, Tag("<was>")]
    | Annotated[Between, Tag("<between>")]
    | Annotated[Change, Tag("<change>")]
    | Annotated[Candle, Tag("<candle>")],
    Discriminator(_node_form),
]
Node = Annotated[
    Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Compare, Tag("<compare>")]
    | Annotated[Cross, Tag("<cross>")]
    | Annotated[Was, Tag("<was>")]
    | Annotated[Between, Tag("<between>")]
    | Annotated[Change, Tag("<change>")]
    | Annotated[Candle, Tag("<candle>")],
    Discriminator(_node_form),
]


def placed_members(group: AllOf | AnyOf, path: str) -> Iterator[tuple[str, AllOf | AnyOf | Condition]]:
    """The group's members with their paths, e.g. "entries[0].when.all[2]"."""
    key = "all" if isinstance(group, AllOf) else "any"
    for number, member in enumerate(group.members):
        yield f"{path}.{key}[{number}]", member


def placed_conditions(group: AllOf | AnyOf, path: str) -> Iterator[tuple[str, Condition]]:
    """Every condition inside the group, however deep, with its path."""
    for place, member in placed_members(group, path):
        if isinstance(member, AllOf | AnyOf):
            yield from placed_conditions(member, place)
        else:
            yield place, member


def operands(condition: Condition) -> Iterator[tuple[str, Operand]]:
    """The condition's operands under their keys, what it looks at first."""
    for key in _OPERANDS[type(condition)]:
        yield key, getattr(condition, key)


def group_depth(group: AllOf | AnyOf) -> int:
    """How many groups enclose the innermost condition."""
    return 1 + max((group_depth(each) for each in group.members if isinstance(each, AllOf | AnyOf)), default=0)
