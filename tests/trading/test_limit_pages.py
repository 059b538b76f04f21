"""The limits of an account: what holds and who set it; tighter at once, looser on real money with the password and later."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from brokers.models import BrokerAccount
from tests import factories as make
from trading.limits import TABLE
from trading.models import RiskLimit
from trading.services.safeguards.limit_rows import limits_of
from trading.templatetags.limit_words import WORDS

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30
PASSWORD = "pass phrase for tests"


@pytest.fixture
def live(user: User) -> BrokerAccount:
    return make.make_live_account(user)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def change(page: Client, account: BrokerAccount, name: str, value: str, **more: str) -> Any:
    typed = {f"{name}-value": value} | more
    return page.post(reverse("trading:limit_change", args=[account.pk, name]), typed)


def value_of(account: BrokerAccount, name: str) -> Decimal | None:
    return next(limit.value for limit in limits_of(account) if limit.name == name)


def test_every_limit_is_named_and_explained() -> None:
    assert WORDS.keys() == TABLE.keys()


def test_the_page_shows_each_limit_with_its_unit_and_who_set_it(
    page: Client, live: BrokerAccount, django_assert_max_num_queries: Any
) -> None:
    RiskLimit.objects.create(scope="site", name="order_share", value=Decimal("0.01"), since=timezone.now())
    with django_assert_max_num_queries(MOST_QUERIES):
        shown = text(page.get(reverse("trading:limits", args=[live.pk])))
    for words in ("3.00%", "1,000,000원", "600초", "20건", "제한 없음", "기본값", "1.00%", "관리자가 모두에게 정함"):
        assert words in shown, words


def test_tightening_asks_nothing_and_counts_at_once(page: Client, live: BrokerAccount) -> None:
    """Reliability §3.12: limits only tighten without step-up."""
    assert change(page, live, "order_share", "2").status_code == 302
    assert value_of(live, "order_share") == Decimal("0.02")


def test_loosening_a_live_account_takes_the_password_and_an_hour(page: Client, live: BrokerAccount) -> None:
    asked = change(page, live, "order_share", "10")
    assert asked.status_code == 200
    assert 'type="password"' in text(asked)
    assert not RiskLimit.objects.exists()
    assert change(page, live, "order_share", "10", password="a guess").status_code == 422
    assert not RiskLimit.objects.exists()


def test_the_looser_value_is_shown_with_the_moment_it_counts_from(page: Client, live: BrokerAccount) -> None:
    done = change(page, live, "order_share", "10", password=PASSWORD)
    assert done.status_code == 302
    row = RiskLimit.objects.get()
    assert row.value == Decimal("0.1")
    assert row.since > timezone.now() + timedelta(minutes=59)
    assert value_of(live, "order_share") == Decimal("0.05")
    assert "부터 10.00%" in text(page.get(done["Location"]))


def test_taking_a_tighter_value_back_is_loosening_too(page: Client, live: BrokerAccount) -> None:
    change(page, live, "order_share", "1")
    address = reverse("trading:limit_change", args=[live.pk, "order_share"])
    assert 'type="password"' in text(page.post(address, {"reset": "1"}))
    assert value_of(live, "order_share") == Decimal("0.01")
    assert page.post(address, {"reset": "1", "password": PASSWORD}).status_code == 302
    assert RiskLimit.objects.filter(since__gt=timezone.now(), value=Decimal("0.05")).exists()


def test_on_a_virtual_account_any_change_counts_at_once(page: Client, user: User) -> None:
    account = make.make_account(user)
    for percent, rate in (("2", "0.02"), ("90", "0.9")):
        assert change(page, account, "order_share", percent).status_code == 302
        assert value_of(account, "order_share") == Decimal(rate)
    page.post(reverse("trading:limit_change", args=[account.pk, "order_share"]), {"reset": "1"})
    assert value_of(account, "order_share") is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("order_share", ""),
        ("order_share", "-1"),
        ("order_share", "NaN"),
        ("order_share", "101"),
        ("order_amount", "1e400"),
        ("open_orders_account", "1.5"),
        ("self_cross", "2"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_beside_its_field(
    page: Client, live: BrokerAccount, name: str, typed: str
) -> None:
    answer = change(page, live, name, typed)
    assert answer.status_code == 422
    assert "field__errors" in text(answer)
    assert not RiskLimit.objects.exists()


def test_what_the_law_forbids_cannot_be_allowed(page: Client, live: BrokerAccount) -> None:
    answer = change(page, live, "self_cross", "0", password=PASSWORD)
    assert answer.status_code == 422
    assert "풀 수 없습니다" in text(answer)
    assert value_of(live, "self_cross") == 1


@pytest.mark.parametrize("name", ["nonsense", "orders_per_minute_site"])
def test_what_is_no_limit_of_an_account_cannot_be_set(page: Client, live: BrokerAccount, name: str) -> None:
    assert change(page, live, name, "1").status_code == 404
    assert not RiskLimit.objects.exists()


def test_nobody_sees_or_sets_the_limits_of_another(client: Client, live: BrokerAccount) -> None:
    """G09."""
    client.force_login(make.make_user())
    assert client.get(reverse("trading:limits", args=[live.pk])).status_code == 404
    assert change(client, live, "order_share", "1").status_code == 404
    assert not RiskLimit.objects.exists()


def test_a_viewer_reads_them_alone(client: Client, user: User, live: BrokerAccount) -> None:
    """A07."""
    User.objects.filter(pk=user.pk).update(role=Role.VIEWER)
    client.force_login(User.objects.get(pk=user.pk))
    shown = text(client.get(reverse("trading:limits", args=[live.pk])))
    assert 'method="post"' not in shown.partition('<main class="page')[2]
    assert change(client, live, "order_share", "1").status_code == 403
    assert not RiskLimit.objects.exists()


def test_a_change_needs_the_token_of_its_page(user: User, live: BrokerAccount) -> None:
    """I41."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert change(strict, live, "order_share", "1").status_code == 403
