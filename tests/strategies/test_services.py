"""Keeping documents: immutable versions under a name, each person their own (T02, G09, G16)."""

import pytest

from strategies import services
from strategies.document import RuleDocument
from strategies.library.basic import basic_document
from strategies.models import Strategy, StrategyVersion
from strategies.services import (
    StrategyRefused,
    archive_strategy,
    keep_version,
    rename_strategy,
    restore_strategy,
    save_document,
)
from tests import factories as make

pytestmark = pytest.mark.django_db


def named(name: str, short: int = 5) -> RuleDocument:
    data = basic_document().as_data() | {"name": name}
    data["parameters"]["short"]["default"] = short
    return RuleDocument.from_data(data)


def test_a_document_of_a_known_name_becomes_the_next_version_and_the_one_before_stays() -> None:
    user = make.make_user()
    first, second = save_document(user, named("내 것")), save_document(user, named("내 것", 7))
    assert (first.number, second.number, first.strategy_id) == (1, 2, second.strategy_id)
    first.refresh_from_db()
    assert RuleDocument.from_data(first.document) == named("내 것")
    assert second.version_hash == named("내 것", 7).version_hash()


def test_the_same_document_again_is_the_version_there_is() -> None:
    user = make.make_user()
    assert save_document(user, named("내 것")) == save_document(user, named("내 것"))
    assert StrategyVersion.objects.count() == 1


def test_a_name_is_each_person_s_own() -> None:
    ours, theirs = (
        save_document(make.make_user(), named("같은 이름")),
        save_document(make.make_user(), named("같은 이름")),
    )
    assert ours.strategy_id != theirs.strategy_id
    assert (ours.number, theirs.number) == (1, 1)


def test_a_name_too_long_or_empty_is_refused_and_nothing_is_kept() -> None:
    for name in ("ㄱ" * 65, "  "):
        with pytest.raises(StrategyRefused, match="strategy_name_length"):
            save_document(make.make_user(), named(name))
    assert not Strategy.objects.exists()


def test_nobody_keeps_more_strategies_than_the_limit() -> None:
    user = make.make_user()
    Strategy.objects.bulk_create(
        Strategy(user=user, name=f"{n}", kind=services.OWN) for n in range(services.MOST_STRATEGIES)
    )
    with pytest.raises(StrategyRefused) as refused:
        save_document(user, named("하나 더"))
    assert (refused.value.code, refused.value.facts) == ("too_many_strategies", {"limit": services.MOST_STRATEGIES})


def test_a_strategy_renamed_keeps_its_versions_as_they_were_written() -> None:
    """G16: what traded by a version is read as it was, whatever its strategy is called now."""
    user = make.make_user()
    version = save_document(user, named("옛 이름"))
    assert rename_strategy(user, version.strategy_id, " 새 이름 ").name == "새 이름"
    version.refresh_from_db()
    assert (version.document["name"], version.number) == ("옛 이름", 1)
    assert version.version_hash == named("옛 이름").version_hash()


def test_what_is_saved_under_the_new_name_goes_on_with_the_strategy_there_is() -> None:
    user = make.make_user()
    first = save_document(user, named("옛 이름"))
    rename_strategy(user, first.strategy_id, "새 이름")
    assert save_document(user, named("새 이름")) == first  # the same rule: no other version
    second = save_document(user, named("새 이름", 7))
    assert (second.strategy_id, second.number) == (first.strategy_id, 2)


def test_a_name_that_is_taken_too_long_or_empty_is_refused_and_the_old_one_stays() -> None:
    user = make.make_user()
    one, _other = save_document(user, named("하나")), save_document(user, named("둘"))
    for name, code in (
        ("둘", "strategy_name_taken"),
        ("", "strategy_name_length"),
        ("ㄱ" * 65, "strategy_name_length"),
    ):
        with pytest.raises(StrategyRefused, match=code):
            rename_strategy(user, one.strategy_id, name)
    assert rename_strategy(user, one.strategy_id, "하나").name == "하나"


def test_a_strategy_put_away_is_listed_no_longer_and_its_name_begins_anew() -> None:
    user = make.make_user()
    first = save_document(user, named("내 것"))
    archived = archive_strategy(user, first.strategy_id)
    assert archive_strategy(user, first.strategy_id).archived_at == archived.archived_at
    assert not Strategy.objects.for_user(user).in_use().exists()
    anew = save_document(user, named("내 것"))
    assert (anew.number, anew.strategy_id == first.strategy_id) == (1, False)
    assert StrategyVersion.objects.filter(pk=first.pk).exists()


def test_a_strategy_put_away_comes_back_unless_its_name_was_taken_meanwhile() -> None:
    user = make.make_user()
    first = save_document(user, named("내 것"))
    archive_strategy(user, first.strategy_id)
    assert restore_strategy(user, first.strategy_id).archived_at is None
    archive_strategy(user, first.strategy_id)
    save_document(user, named("내 것", 7))
    with pytest.raises(StrategyRefused, match="strategy_name_taken"):
        restore_strategy(user, first.strategy_id)
    rename_strategy(user, first.strategy_id, "내 것 (옛)")
    assert restore_strategy(user, first.strategy_id).name == "내 것 (옛)"


def test_strategies_put_away_do_not_count_against_the_limit() -> None:
    user = make.make_user()
    Strategy.objects.bulk_create(
        Strategy(user=user, name=f"{n}", kind=services.OWN) for n in range(services.MOST_STRATEGIES)
    )
    archive_strategy(user, Strategy.objects.get(name="0").pk)
    save_document(user, named("하나 더"))
    with pytest.raises(StrategyRefused, match="too_many_strategies"):
        restore_strategy(user, Strategy.objects.get(name="0").pk)


def test_nobody_renames_or_puts_away_another_s_or_a_built_in_strategy() -> None:
    theirs = save_document(make.make_user(), named("남의 것")).strategy_id
    built_in = Strategy.objects.create(user=None, name="RSI", kind="rsi").pk
    user = make.make_user()
    for key in (theirs, built_in):
        for change in (archive_strategy, restore_strategy):
            with pytest.raises(Strategy.DoesNotExist):
                change(user, key)
        with pytest.raises(Strategy.DoesNotExist):
            rename_strategy(user, key, "내 것")


def test_a_library_rule_kept_after_its_strategy_was_put_away_begins_a_strategy_anew() -> None:
    user = make.make_user()
    first = keep_version(user, "이동평균", "basic", basic_document())
    archive_strategy(user, first.strategy_id)
    assert keep_version(user, "이동평균", "basic", basic_document()).strategy_id != first.strategy_id
