"""The rule a person has chosen for a plan: a library strategy or a saved one, with their numbers in it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from strategies import checks
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.library.shelf import LIBRARY
from strategies.library.swing import SwingParameters, swing_document

SWING = "swing"


@dataclass(frozen=True, slots=True)
class ChosenRule:
    """A rule for a plan. `settings` is what its form asked; `version_id` names the saved version it is, unchanged."""

    kind: str
    document: RuleDocument
    settings: Mapping[str, Any] = field(default_factory=dict)
    version_id: UUID | None = None


def swing_rule(parameters: SwingParameters) -> ChosenRule:
    return ChosenRule(SWING, swing_document(parameters), parameters.as_data())


def library_rule(key: str, values: Mapping[str, float]) -> ChosenRule:
    """A strategy of the library with these values for its parameters. Raises KeyError, and DocumentInvalid for values."""
    return ChosenRule(key, with_values(LIBRARY[key].build(), values), dict(values))


def with_values(document: RuleDocument, values: Mapping[str, float]) -> RuleDocument:
    """The same document with these values as its parameters' defaults; bounds and steps stay.

    Raises DocumentInvalid for an unknown name, a value out of its range, or values in the wrong order.
    """
    if problems := list(checks.problems_of_values(document, values)):
        raise DocumentInvalid(problems)
    data = document.as_data()
    for name, value in values.items():
        data["parameters"][name]["default"] = value
    return RuleDocument.from_data(data)
