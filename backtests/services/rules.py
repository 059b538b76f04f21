"""The rules a person can test: the library's, their own versions, and what their plans follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from accounts.models import User
from backtests.errors import BacktestRefused
from strategies.compiler import Evaluator, compile_document
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, Language
from strategies.library.shelf import LIBRARY
from strategies.models import Strategy, StrategyVersion
from strategies.parameter_words import parameter_label
from strategies.services import keep_version

MOST_OFFERED = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was picked, and what it is called; `version` where it is one that is kept already."""

    key: str
    name: str
    document: RuleDocument
    version: StrategyVersion | None = None


class ParametersRefused(BacktestRefused):
    """The numbers do not suit the rule: `invalid` says which and why."""

    def __init__(self, invalid: DocumentInvalid) -> None:
        first = invalid.problems[0]
        super().__init__("bad_parameters", why=first.message_ko, why_en=first.message_en)
        self.invalid = invalid


def offered(user: User, language: Language) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The library's rules and the newest version of each of the person's own: (key, name) each."""
    library = [(key, each.name.said_in(language)) for key, each in LIBRARY.items()]
    kept = Strategy.objects.filter(user=user).in_use()
    versions = StrategyVersion.objects.filter(strategy__in=kept).select_related("strategy")
    newest: dict[UUID, StrategyVersion] = {}
    for version in versions.order_by("strategy__name", "-number").defer("document", "settings")[:MOST_OFFERED]:
        newest.setdefault(version.strategy_id, version)
    return library, [(str(version.pk), str(version)) for version in newest.values()]


def pick(user: User, key: str, language: Language = "ko") -> Rule:
    """The library's rule of this key, or the version with this id. Raises BacktestRefused."""
    if key in LIBRARY:
        return Rule(key, LIBRARY[key].name.said_in(language), LIBRARY[key].build())
    version = _own(user, key)
    if version is None:
        raise BacktestRefused("unknown_strategy")
    try:
        return Rule(key, str(version), RuleDocument.from_data(version.document), version)
    except DocumentInvalid as e:
        raise BacktestRefused("rule_unreadable") from e


def keep(user: User, rule: Rule) -> StrategyVersion:
    """The rule as a version: the one it is, or the library's under its own name. The person is locked."""
    if rule.version is not None:
        return rule.version
    return keep_version(user, LIBRARY[rule.key].name.ko[:64], rule.key, rule.document)


def evaluator_of(document: RuleDocument, parameters: Mapping[str, float]) -> Evaluator:
    """The rule with these numbers. Raises ParametersRefused."""
    try:
        return compile_document(document, parameters)
    except DocumentInvalid as e:
        raise ParametersRefused(e) from e


def bars_needed(rule: Rule) -> int:
    """How many bars the rule with its own numbers needs, to decide and to trade."""
    return evaluator_of(rule.document, {}).warm_up + 1


def parameter_names(document: RuleDocument, language: Language) -> dict[str, str]:
    return {name: parameter_label(name, spec, language) for name, spec in document.parameters.items()}


def _own(user: User, key: str) -> StrategyVersion | None:
    try:
        number = UUID(key)
    except ValueError:
        return None
    theirs = StrategyVersion.objects.filter(strategy__in=Strategy.objects.for_user(user))
    return theirs.select_related("strategy").filter(pk=number).first()
