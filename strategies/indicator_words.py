"""What the indicators of a document are, in words: for the page of a strategy. Pure."""

from dataclasses import dataclass

from strategies.catalog import INDICATORS
from strategies.document import IndicatorSpec, RuleDocument
from strategies.errors import Language
from strategies.parameter_words import parameter_label, plain_number
from strategies.shape import ParamRef, Quantity
from strategies.wording import column_words


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One indicator: the alias its document knows it by, its name, its numbers, what it measures."""

    alias: str
    name: str
    numbers: str
    meaning: str


def indicator_rows(document: RuleDocument, language: Language) -> list[IndicatorRow]:
    """Every indicator of the document, in its order."""
    return [_row(document, alias, spec, language) for alias, spec in document.indicators.items()]


def _row(document: RuleDocument, alias: str, spec: IndicatorSpec, language: Language) -> IndicatorRow:
    kind = INDICATORS[spec.kind]
    numbers = [
        f"{param.title.said_in(language)} {_number(document, spec.params[name], language)}"
        for name, param in kind.params.items()
    ]
    source = [column_words(spec.source, language)] if kind.takes_source else []
    name, meaning = kind.name.said_in(language), kind.meaning.said_in(language)
    return IndicatorRow(alias, name, " · ".join([*source, *numbers]), meaning)


def _number(document: RuleDocument, quantity: Quantity, language: Language) -> str:
    """A number, or the default of the parameter that stands for it, with the parameter's name."""
    if not isinstance(quantity, ParamRef):
        return plain_number(quantity)
    spec = document.parameters[quantity.param]
    return f"{plain_number(spec.default)} ({parameter_label(quantity.param, spec, language)})"
