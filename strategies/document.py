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
    Column,
    Condition,
    Exit,
    Group,
    NumberOperand,
    ParamOperand,
    RiskOnly,
    StopLevel,
    placed_conditions,
)
from strategies.errors import DocumentInvalid, not_json
from strategies.shape import LARGEST, Name, NotEmpty, Number, ParamRef, Part, Quantity, known, plain


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
        made: list[float] = []
        bound: RuleDocument = _bound(self, numbers, made).model_copy(update={"parameters": {}, "increasing": ()})
        if any(not abs(number) <= LARGEST for number in made):
            return RuleDocument.from_data(bound.as_data())  # which says where the number is that became too large
        if problems := list(checks.problems_of(bound)):
            raise DocumentInvalid(problems)
        return bound

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
            raise DocumentInvalid([not_json(e)]) from e

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the form; `checks` refuses more than it can say."""
        dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        return dialect | cls.model_json_schema()


def _bound(value: Any, numbers: Mapping[str, float], made: list[float]) -> Any:
    """The piece with each parameter replaced, by an operand or by the bare number; itself where it holds none.

    What was checked and holds no parameter is not checked again. `made` gets every number that an operand came to.
    """
    kind = type(
        value
    )  # compared by identity: asking pydantic's classes for their instances takes longer than all the rest
    if kind is ParamRef:
        return plain(numbers[value.param])
    if kind is ParamOperand:
        made.append(plain(numbers[value.param] * value.scale + value.offset))
        return NumberOperand.model_construct(number=made[-1])
    if kind is tuple:
        members = tuple([_bound(each, numbers, made) for each in value])
        return members if any(new is not old for new, old in zip(members, value, strict=True)) else value
    if kind is dict:
        changed = _changed(value, numbers, made)
        return value | changed if changed else value
    if kind not in _ATOMS:
        changed = _changed(value.__dict__, numbers, made)
        return value.model_copy(update=changed) if changed else value
    return value


def _changed(pieces: Mapping[str, Any], numbers: Mapping[str, float], made: list[float]) -> dict[str, Any]:
    """Those of the pieces that hold a parameter, with numbers in its place."""
    inside = ((name, each, _bound(each, numbers, made)) for name, each in pieces.items() if type(each) not in _ATOMS)
    return {name: bound for name, each, bound in inside if bound is not each}


_ATOMS = frozenset((str, int, float, bool, type(None)))
