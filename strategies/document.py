"""The rule document: the one form every strategy has. It is data, never code, and means the same wherever it runs.

Indicators under aliases, one or two staged entries, an exit, risk limits, parameters. A number may be written
`{"param": "name"}`; `bind` puts values in its place. A document that exists is valid: making any other raises
DocumentInvalid with the problems found.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from strategies import checks
from strategies.conditions import (
    OPERAND_KEYS,
    Column,
    Condition,
    Exit,
    Group,
    RiskOnly,
    StopLevel,
    placed_conditions,
)
from strategies.errors import DocumentInvalid, problem
from strategies.shape import Name, NotEmpty, Number, Part, Quantity, known


class IndicatorSpec(Part):
    """One indicator of the catalog with its numbers. `source` is the column it is computed from, where it takes one."""

    kind: str
    params: dict[str, Quantity] = {}
    source: Column = "close"


class ParameterSpec(Part):
    """A number its owner may change, and a sweep may vary in `step`s, without another document."""

    default: Number
    minimum: Number
    maximum: Number
    step: Number | None = None
    kind: Literal["int", "number"]
    description: str = Field("", max_length=300)


class StagedEntry(Part):
    """One step into the position; the second is taken only after the first was filled.

    Bought at the next bar's open, or, with a `stop`, inside that bar once it reaches the level; then not after it.
    """

    name: Name
    when: Group
    stop: StopLevel | None = None


class Risk(Part):
    """When the whole position is sold whatever the exit says, and how large it may grow.

    Rates are fractions: of the average cost (trailing: of the highest close since entry), and `max_position_rate` of
    the account's worth. `time_stop_bars` counts bars held, the bar of the first fill included; sold at the next open.
    """

    stop_loss_rate: Quantity | None = None
    take_profit_rate: Quantity | None = None
    trailing_stop_rate: Quantity | None = None
    time_stop_bars: Quantity | None = None
    max_position_rate: Quantity | None = None

    def limits(self) -> "RiskLimits":
        """The same as plain numbers, of a document whose parameters have been bound. Raises TypeError for others."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        numbers = {name: None if quantity is None else known(quantity) for name, quantity in given.items()}
        bars = numbers.pop("time_stop_bars")
        return RiskLimits(time_stop_bars=None if bars is None else int(bars), **numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """What `Risk` means in numbers; None: that limit is off."""

    stop_loss_rate: float | None
    take_profit_rate: float | None
    trailing_stop_rate: float | None
    time_stop_bars: int | None
    max_position_rate: float | None


class RuleDocument(Part):
    """A whole strategy. `increasing` lists parameters that stay in ascending order whatever values they are given."""

    schema_version: Literal[1]
    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=2000)
    indicators: dict[Name, IndicatorSpec] = Field(default={}, max_length=32)
    parameters: dict[Name, ParameterSpec] = Field(default={}, max_length=64)
    increasing: tuple[tuple[Name, ...], ...] = ()
    entries: Annotated[tuple[StagedEntry, ...], NotEmpty, Field(max_length=2)]
    exit: Exit
    risk: Risk = Risk()

    @model_validator(mode="after")
    def _refuse_what_means_nothing(self) -> Self:
        if problems := list(checks.problems_of(self)):
            raise DocumentInvalid(problems)
        return self

    def groups(self) -> Iterator[tuple[str, Group]]:
        """The entries' groups with their paths, then the exit's, where there is an exit rule."""
        for number, entry in enumerate(self.entries):
            yield f"entries[{number}].when", entry.when
        if not isinstance(self.exit, RiskOnly):
            yield "exit", self.exit

    def conditions(self) -> Iterator[tuple[str, Condition]]:
        """Every condition with its path."""
        for path, group in self.groups():
            yield from placed_conditions(group, path)

    def bind(self, values: Mapping[str, float] | None = None) -> "RuleDocument":
        """The same rule with every parameter replaced by its value in `values`, else by its default.

        Raises DocumentInvalid for an unknown name or a value outside what the parameter allows.
        """
        if problems := list(checks.problems_of_values(self, values or {})):
            raise DocumentInvalid(problems)
        numbers = {name: spec.default for name, spec in self.parameters.items()} | dict(values or {})
        data = self.as_data()
        data.pop("parameters", None)
        data.pop("increasing", None)
        aliases = {alias: _bound(spec, numbers) for alias, spec in data.pop("indicators", {}).items()}
        return RuleDocument.from_data(_bound(data, numbers) | {"indicators": aliases})

    def canonical_json(self) -> str:
        """The one text of this document: sorted keys, no spaces, nothing that stands at its default."""
        return json.dumps(self.as_data(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    def version_hash(self) -> str:
        """The sha256 of the canonical text, in hexadecimal: what a result names as the rule it came from."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The document written in `text`. Raises DocumentInvalid."""
        try:
            return cls.from_data(json.loads(text))
        except (ValueError, RecursionError) as e:
            raise DocumentInvalid([problem("not_json", "", detail=e)]) from e

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the form; `checks` refuses more than it can say."""
        dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        return dialect | cls.model_json_schema()


def _bound(data: Any, numbers: Mapping[str, float], key: str = "") -> Any:
    """Plain data with each `{"param": ...}` replaced: by an operand where `key` holds one, else by the bare number."""
    if isinstance(data, list):
        return [_bound(each, numbers) for each in data]
    if not isinstance(data, dict):
        return data
    if "param" not in data:
        return {inner: _bound(value, numbers, inner) for inner, value in data.items()}
    number = numbers[data["param"]]
    if key not in OPERAND_KEYS:
        return number
    return {"number": number * data.get("scale", 1) + data.get("offset", 0)}
