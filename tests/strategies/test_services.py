"""Keeping documents: immutable versions under a name, each person their own (T02, G09, G16)."""

import pytest

from strategies import services
from strategies.document import RuleDocument
from strategies.library.basic import basic_document
from strategies.models import Strategy, StrategyVersion
from strategies.services import StrategyRefused, save_document
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
