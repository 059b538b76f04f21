"""Keeping rule documents: a person's strategies, each a line of versions that are never edited."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

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
    _check_name(document.name)
    _lock_person(user)  # the same file sent twice is one version
    own = Strategy.objects.filter(user=user, kind=OWN).in_use()
    known = own.filter(name=document.name).first()
    if known is not None and begins_new:
        raise StrategyRefused("strategy_name_taken", name=document.name)
    if known is None:
        _check_room(user)
    if known is not None and known.versions.count() >= MOST_VERSIONS:
        raise StrategyRefused("too_many_versions", limit=MOST_VERSIONS)
    newest = known.versions.order_by("-number").first() if known is not None else None
    if newest is not None and _differs_in_name_alone(newest, document):
        return newest
    return keep_version(user, document.name, OWN, document, settings)


@transaction.atomic
def rename_strategy(user: User, strategy_id: UUID, name: str) -> Strategy:
    """Another name for a strategy of the person's own; its versions stay as they were written.

    Raises Strategy.DoesNotExist for another's, and StrategyRefused.
    """
    _check_name(name)
    strategy = _own(user, strategy_id)
    strategy.name = name.strip()
    _check_free(strategy)
    strategy.save(update_fields=["name"])
    return strategy


@transaction.atomic
def archive_strategy(user: User, strategy_id: UUID) -> Strategy:
    """Put a strategy of the person's own away: no longer listed nor offered. What follows one of its versions goes on.

    Again changes nothing. Raises Strategy.DoesNotExist for another's.
    """
    strategy = _own(user, strategy_id)
    if strategy.archived_at is None:
        strategy.archived_at = timezone.now()
        strategy.save(update_fields=["archived_at"])
    return strategy


@transaction.atomic
def restore_strategy(user: User, strategy_id: UUID) -> Strategy:
    """Take a strategy out of the archive. Raises Strategy.DoesNotExist, and StrategyRefused where its name is taken by now."""
    strategy = _own(user, strategy_id)
    if strategy.archived_at is not None:
        if strategy.kind == OWN:
            _check_room(user)
        strategy.archived_at = None
        _check_free(strategy)
        strategy.save(update_fields=["archived_at"])
    return strategy


def keep_version(
    user: User, name: str, kind: str, document: RuleDocument, settings: Mapping[str, Any] | None = None
) -> StrategyVersion:
    """The document as a version of the person's strategy of this name and kind: the one there is, or a new one.

    Inside a transaction that has locked the person. `settings`: what the form of a library's strategy asked.
    """
    strategy, _is_new = Strategy.objects.in_use().get_or_create(user=user, name=name, kind=kind)
    known = strategy.versions.filter(version_hash=document.version_hash()).first()
    return known or strategy.versions.create(
        number=strategy.versions.count() + 1,
        document=document.as_data(),
        settings=dict(settings or {}),
        version_hash=document.version_hash(),
    )


def _lock_person(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _own(user: User, strategy_id: UUID) -> Strategy:
    _lock_person(user)
    return Strategy.objects.get(pk=strategy_id, user=user)


def _check_name(name: str) -> None:
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise StrategyRefused("strategy_name_length", limit=LONGEST_NAME)


def _check_room(user: User) -> None:
    if Strategy.objects.filter(user=user, kind=OWN).in_use().count() >= MOST_STRATEGIES:
        raise StrategyRefused("too_many_strategies", limit=MOST_STRATEGIES)


def _check_free(strategy: Strategy) -> None:
    """Raise StrategyRefused where another strategy in use has its name; one that is put away may share it."""
    same = Strategy.objects.filter(user=strategy.user, kind=strategy.kind, name=strategy.name).in_use()
    if strategy.archived_at is None and same.exclude(pk=strategy.pk).exists():
        raise StrategyRefused("strategy_name_taken", name=strategy.name)


def _differs_in_name_alone(version: StrategyVersion, document: RuleDocument) -> bool:
    """As after a renaming: the rule says what it said, and needs no other version."""
    return bool(document.as_data() == version.document | {"name": document.name})
