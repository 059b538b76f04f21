"""Keeping rule documents: a person's strategies, each a line of versions that are never edited."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from strategies.document import RuleDocument
from strategies.models import Strategy, StrategyVersion

OWN = "document"  # the kind of a strategy that its person wrote or brought, rather than numbers in a library's form
LONGEST_NAME = 64
MOST_STRATEGIES = 200
MOST_VERSIONS = 500


class StrategyRefused(Exception):
    """A document that cannot be kept as asked; nothing is written. `facts` are numbers for its sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


@transaction.atomic
def save_document(
    user: User, document: RuleDocument, *, settings: Mapping[str, Any] | None = None, begins_new: bool = False
) -> StrategyVersion:
    """The document as the newest version of the person's own strategy of its name, which begins with it if need be.

    A document that is already one of the versions is that version. `settings` are kept beside it (where it came from);
    `begins_new`: the name must be free. Raises StrategyRefused.
    """
    if not 0 < len(document.name.strip()) <= LONGEST_NAME:
        raise StrategyRefused("strategy_name_length", limit=LONGEST_NAME)
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # the same file sent twice is one version
    own = Strategy.objects.filter(user=user, kind=OWN)
    known = own.filter(name=document.name).first()
    if known is not None and begins_new:
        raise StrategyRefused("strategy_name_taken", name=document.name)
    if known is None and own.count() >= MOST_STRATEGIES:
        raise StrategyRefused("too_many_strategies", limit=MOST_STRATEGIES)
    if known is not None and known.versions.count() >= MOST_VERSIONS:
        raise StrategyRefused("too_many_versions", limit=MOST_VERSIONS)
    return keep_version(user, document.name, OWN, document, settings)


def keep_version(
    user: User, name: str, kind: str, document: RuleDocument, settings: Mapping[str, Any] | None = None
) -> StrategyVersion:
    """The document as a version of the person's strategy of this name and kind: the one there is, or a new one.

    Inside a transaction that has locked the person. `settings`: what the form of a library's strategy asked.
    """
    strategy, _is_new = Strategy.objects.get_or_create(user=user, name=name, kind=kind)
    known = strategy.versions.filter(version_hash=document.version_hash()).first()
    return known or strategy.versions.create(
        number=strategy.versions.count() + 1,
        document=document.as_data(),
        settings=dict(settings or {}),
        version_hash=document.version_hash(),
    )
