"""Setting limits: who may, what means something, and that a live account's limit is not talked away in haste (§3.12)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Role
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from tests import factories as make
from trading.errors import NotAllowed
from trading.models import RiskLimit
from trading.services.safeguards.halts import UnknownScope
from trading.services.safeguards.limit_rows import LimitRefused, LimitView, limits_of, set_limit

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def account_in(environment: Environment) -> BrokerAccount:
    if environment is Environment.VIRTUAL:
        return make.make_account(make.make_user())
    return BrokerAccount.objects.create(user=make.make_user(), name="계좌", broker="kis", environment=environment)


def set_on(account: BrokerAccount, name: str, value: Any) -> RiskLimit | None:
    return set_limit(account.user, "account", str(account.pk), name, None if value is None else Decimal(value))


def view(account: BrokerAccount, name: str) -> LimitView:
    return next(each for each in limits_of(account) if each.name == name)


@pytest.mark.parametrize("environment", list(Environment))
def test_tightening_counts_at_once(environment: Environment) -> None:
    account = account_in(environment)
    set_on(account, "order_share", "0.02")
    shown = view(account, "order_share")
    assert (shown.value, shown.scope, shown.coming) == (Decimal("0.02"), "account", None)


@pytest.mark.parametrize(
    ("environment", "value"),
    [
        (Environment.VIRTUAL, Decimal("0.5")),
        (Environment.PAPER, Decimal("0.5")),
        (Environment.LIVE, Decimal("0.05")),
    ],
)
def test_loosening_a_live_account_waits_an_hour(environment: Environment, value: Decimal) -> None:
    account = account_in(environment)
    row = set_on(account, "order_share", "0.5")
    assert row is not None
    assert view(account, "order_share").value == value
    assert (row.since > timezone.now()) == (environment is Environment.LIVE)
    if environment is Environment.LIVE:
        assert timedelta(minutes=59) < row.since - timezone.now() <= HOUR
        assert (view(account, "order_share").coming, view(account, "order_share").coming_at) == (row.value, row.since)
        RiskLimit.objects.update(since=timezone.now() - timedelta(seconds=1))
        assert view(account, "order_share").value == Decimal("0.5")


def test_the_last_word_drops_what_was_to_come() -> None:
    """Otherwise a limit tightened in alarm would open by itself within the hour."""
    account = account_in(Environment.LIVE)
    set_on(account, "order_share", "0.5")
    set_on(account, "order_share", "0.01")
    assert not RiskLimit.objects.filter(since__gt=timezone.now()).exists()
    assert view(account, "order_share").value == Decimal("0.01")


def test_a_limit_of_zero_is_a_limit() -> None:
    account = account_in(Environment.LIVE)
    set_on(account, "order_amount", 0)
    row = set_on(account, "order_amount", 1000)
    assert row is not None
    assert row.since > timezone.now()


@pytest.mark.parametrize("scope", ["user", "site", "instrument"])
def test_a_wider_limit_over_a_live_account_loosens_as_slowly(scope: str) -> None:
    account, admin = account_in(Environment.LIVE), make.make_user(role=Role.ADMIN)
    target = {"user": str(account.user_id), "site": "", "instrument": str(make.make_instrument().pk)}[scope]
    first, second = (set_limit(admin, scope, target, "order_amount", Decimal(n)) for n in (1000, 2000))
    assert first is not None
    assert second is not None
    assert (first.since <= timezone.now(), second.since > timezone.now()) == (True, True)


def test_taking_a_limit_back_goes_to_where_it_starts() -> None:
    virtual, live = account_in(Environment.VIRTUAL), account_in(Environment.LIVE)
    set_on(virtual, "order_share", "0.5")
    assert set_on(virtual, "order_share", None) is None
    assert view(virtual, "order_share").value is None
    set_on(live, "order_share", "0.01")
    row = set_on(live, "order_share", None)
    assert row is not None
    assert (row.value, row.since > timezone.now()) == (Decimal("0.05"), True)
    set_on(live, "order_amount", 1000)
    with pytest.raises(LimitRefused, match="limit_needs_value"):
        set_on(live, "order_amount", None)


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("order_share", "1.01", "bad_limit"),
        ("order_share", "-0.1", "bad_limit"),
        ("order_share", "NaN", "bad_limit"),
        ("order_amount", "1e400", "bad_limit"),
        ("open_orders_lane", "1.5", "bad_limit"),
        ("self_cross", "2", "bad_limit"),
        ("wishes", "1", "unknown_limit"),
        ("self_cross", "0", "limit_never_looser"),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_written(name: str, value: str, refused: str) -> None:
    account = account_in(Environment.PAPER)
    with pytest.raises(LimitRefused) as e:
        set_on(account, name, value)
    assert e.value.code == refused
    assert not RiskLimit.objects.exists()
    assert not AuditEntry.objects.exists()


def test_only_the_owner_or_an_admin_sets_a_limit() -> None:
    account, other = account_in(Environment.PAPER), make.make_user()
    wish = ("account", str(account.pk), "order_share", Decimal("0.01"))
    with pytest.raises(UnknownScope):
        set_limit(other, *wish)
    with pytest.raises(NotAllowed):
        set_limit(other, "site", "", "order_share", Decimal("0.01"))
    with pytest.raises(NotAllowed):
        set_limit(make.make_user(role=Role.VIEWER), *wish)
    assert set_limit(make.make_user(role=Role.ADMIN), *wish) is not None


def test_every_setting_is_in_the_audit() -> None:
    account = account_in(Environment.LIVE)
    row = set_on(account, "order_share", "0.5")
    assert row is not None
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == (
        f"user:{account.user_id}",
        "set_limit",
        f"account:{account.pk}",
    )
    assert entry.before == {"order_share": "0.05"}
    assert entry.after == {"order_share": "0.5", "since": row.since.isoformat()}


def test_a_page_is_told_who_set_what_holds() -> None:
    account, admin = account_in(Environment.PAPER), make.make_user(role=Role.ADMIN)
    assert (view(account, "quote_age").scope, view(account, "quote_age").value) == ("start", Decimal(5))
    assert view(account, "order_amount").value is None
    set_on(account, "order_share", "0.5")
    set_limit(admin, "site", "", "order_share", Decimal("0.1"))
    shown = view(account, "order_share")
    assert (shown.value, shown.scope, shown.start, shown.unit) == (Decimal("0.1"), "site", Decimal("0.05"), "rate")
