"""The builder's form as its templates see it: nested parts, each field with its name, its text and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from strategies.drafts import Tree, grown, settled

Choices = Sequence[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `choices`: a select of (value, label), or of (group, choices); none: a text of people's own."""

    name: str
    label: Any
    value: str
    errors: Sequence[str] = ()
    choices: Sequence[tuple[Any, Any]] = ()
    suffix: str = ""
    help: Any = ""
    takes: str = "number"  # number, quantity, name, words
    is_optional: bool = False
    is_reshaping: bool = False  # another choice needs other fields
    is_next: bool = False  # where somebody goes on after a button
    longest: int = 400  # characters; only less than this is told to the browser

    @property
    def id(self) -> str:
        return field_id(self.name)

    @property
    def groups(self) -> list[tuple[Any, Choices]]:
        """The choices under their headings; '' for those that stand alone."""
        return [(value, label) if isinstance(label, list) else ("", [(value, label)]) for value, label in self.choices]

    def offers(self, value: str) -> bool:
        return any(value == each for _heading, choices in self.groups for each, _label in choices)


class Part:
    """What holds fields, and may itself be what is wrong."""

    name: str

    @property
    def id(self) -> str:
        return field_id(self.name)


@dataclass(frozen=True, slots=True)
class OperandFields:
    """A value for every bar, or a level: which, and how far from it."""

    name: str
    label: Any
    of: Field
    number: Field
    scale: Field
    offset: Field
    ago: Field
    takes_numbers: bool
    is_bent: bool  # scaled, shifted or of an earlier bar

    is_operand = True


@dataclass(frozen=True, slots=True)
class ConditionFields(Part):
    name: str
    kind: Field
    parts: Sequence[Field | OperandFields]
    label: Field
    errors: Sequence[str]
    place: int  # among the members, from 1

    is_group = False


@dataclass(frozen=True, slots=True)
class GroupFields(Part):
    name: str
    join: Field
    members: "Sequence[ConditionFields | GroupFields]"
    errors: Sequence[str]
    place: int = 0

    is_group = True


@dataclass(frozen=True, slots=True)
class IndicatorFields(Part):
    name: str
    alias: Field
    was: str
    kind: Field
    source: Field | None
    params: Sequence[Field]
    meaning: str
    title: str
    errors: Sequence[str]


@dataclass(frozen=True, slots=True)
class EntryFields(Part):
    name: str
    title: Any
    step: Field
    when: GroupFields
    way: Field
    level: OperandFields
    errors: Sequence[str]


@dataclass(frozen=True, slots=True)
class ParameterFields(Part):
    name: str
    title: str
    was: str
    fields: Sequence[Field]
    errors: Sequence[str]


@dataclass(frozen=True, slots=True)
class BuilderFields:
    """The whole form. `errors`: what belongs to no part of it."""

    name: Field
    description: Field
    indicators: Sequence[IndicatorFields]
    new_indicator: Field
    entries: Sequence[EntryFields]
    exit: GroupFields
    risk: Sequence[Field]
    parameters: Sequence[ParameterFields]
    parameter_errors: Sequence[str]
    increasing: Field
    quantities: Sequence[str]  # names that may stand for a number
    errors: Sequence[str]
    may_add_entry: bool


def draft_sent(request: HttpRequest) -> Tree:
    """The draft that came with the form."""
    return settled(grown((name, str(text)) for name, text in request.POST.items()))


def field_id(name: str) -> str:
    return f"f-{name.replace('.', '-')}"


def told(problems: Mapping[str, Sequence[Any]], language: str) -> dict[str, list[str]]:
    """The problems in the person's language, by the name of their field."""
    return {
        name: list(dict.fromkeys(each.message_ko if language == "ko" else each.message_en for each in found))
        for name, found in problems.items()
    }
