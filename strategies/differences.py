"""What one version of a strategy says otherwise than the one before, in sentences (G16). Pure."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from strategies.document import RuleDocument
from strategies.errors import Language
from strategies.parameter_words import ParameterRow, parameter_rows
from strategies.sentences import document_sentences


@dataclass(frozen=True, slots=True)
class Changed:
    """One line that is there no more, or is new. Members of a group come without their indent."""

    is_new: bool
    text: str


def differences(before: RuleDocument, after: RuleDocument, language: Language) -> list[Changed]:
    """The lines of the rule and of its parameters that differ, in their order, what went before what came."""
    old, new = _lines(before, language), _lines(after, language)
    found: list[Changed] = []
    for what, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            found += [Changed(False, line) for line in old[start:end]]
            found += [Changed(True, line) for line in new[new_start:new_end]]
    return found


def _lines(document: RuleDocument, language: Language) -> list[str]:
    rule = [line.strip() for line in document_sentences(document, language)]
    return rule + [_parameter(row) for row in parameter_rows(document, language)]


def _parameter(row: ParameterRow) -> str:
    step = f" / {row.step}" if row.step else ""
    return f"{row.label}: {row.default} ({row.minimum} – {row.maximum}{step})"
