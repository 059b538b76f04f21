"""The strategies behind plans: one line of versions per person, name and kind."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from strategies.models import Strategy
from tests import factories as make


@pytest.mark.django_db
def test_a_person_has_one_strategy_of_a_name_and_kind() -> None:
    user = make.make_user()
    Strategy.objects.create(user=user, name="나의 규칙", kind="swing")
    Strategy.objects.create(user=user, name="나의 규칙", kind="short_term_reversal")
    Strategy.objects.create(user=make.make_user(), name="나의 규칙", kind="swing")
    with pytest.raises(IntegrityError), transaction.atomic():
        Strategy.objects.create(user=user, name="나의 규칙", kind="swing")


@pytest.mark.django_db
def test_a_built_in_strategy_is_there_once() -> None:
    Strategy.objects.create(user=None, name="RSI", kind="rsi")
    with pytest.raises(IntegrityError), transaction.atomic():
        Strategy.objects.create(user=None, name="RSI", kind="rsi")


@pytest.mark.django_db(transaction=True)
def test_strategies_that_share_a_name_are_told_apart_by_the_migration_and_lose_nothing() -> None:
    user, long = make.make_user(), "규" * 64
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes("strategies")
    before = executor.migrate([("strategies", "0001_initial")])
    strategies = before.apps.get_model("strategies", "Strategy").objects
    try:
        for name in ("나의 규칙", "나의 규칙", "나의 규칙 (2)", long, long):
            version = {"number": 1, "document": {}, "version_hash": name}
            strategies.create(user_id=user.pk, name=name, kind="swing").versions.create(**version)
    finally:
        MigrationExecutor(connection).migrate(newest)
    named = Strategy.objects.order_by("created_at").values_list("name", "versions__version_hash")
    kept = ["나의 규칙", "나의 규칙", "나의 규칙 (2)", long, long]
    names = ["나의 규칙", "나의 규칙 (3)", "나의 규칙 (2)", long, "규" * 60 + " (2)"]
    assert list(named) == list(zip(names, kept, strict=True))
