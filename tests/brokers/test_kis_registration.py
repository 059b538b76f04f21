"""Registering a KIS account: kept sealed, tried against the venue, replaced, removed with its token given back (G17, B08)."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry, Role, User
from accounts.services.audit import verify
from brokers.errors import LiveTradingOff
from brokers.kis.services import keys
from brokers.kis.services.opening import open_account
from brokers.models import BrokerAccount, Credential, Token
from brokers.protocol import Environment
from brokers.services import open_broker, secrets
from markets.types import Side
from tests import factories as make
from tests.brokers.kis_venue import APP_KEY, APP_SECRET, CASH, NUMBER, open_at_venue, pointed_at
from tests.servers.asking import asked
from tests.servers.kis.client import KisSandbox
from trading import reconcile, services
from trading.errors import NotAllowed, OrderRefused
from trading.models import Journal
from trading.services.running.account_keys import (
    KeyRefused,
    TypedKey,
    check_key,
    key_card,
    register_kis,
    remove_key,
    replace_key,
)

pytestmark = pytest.mark.django_db
TYPED = TypedKey(APP_KEY, APP_SECRET, NUMBER, "demo9", date(2027, 11, 20))


@pytest.fixture
def venue(kis_process: KisSandbox, settings: Any) -> Iterator[KisSandbox]:
    kis_process.tell("reset", always=True)
    with pointed_at(kis_process, settings) as sandbox:
        open_at_venue(sandbox)
        yield sandbox


@pytest.fixture
def user(db: None) -> User:
    return make.make_user()


@pytest.fixture
def account(venue: KisSandbox, user: User) -> BrokerAccount:
    """Registered and in use."""
    account = register_kis(user, "한투 모의", Environment.PAPER, TYPED).account
    check_key(user, account.pk)
    return BrokerAccount.objects.get(pk=account.pk)


def refusal(user: User, typed: TypedKey = TYPED, environment: Environment = Environment.PAPER, name: str = "b") -> str:
    with pytest.raises((KeyRefused, OrderRefused)) as refused:
        register_kis(user, name, environment, typed)
    error: Any = refused.value
    return str(error.code)


def test_a_registered_account_is_out_of_use_until_its_key_has_worked(venue: KisSandbox, user: User) -> None:
    row = register_kis(user, "한투 모의", Environment.PAPER, TYPED)
    assert not row.account.is_active
    assert keys.usable() == []
    check_key(user, row.account_id)
    kept = Credential.objects.select_related("account").get()
    assert kept.account.is_active
    assert (kept.failure, set(kept.permissions.values())) == ("", {""})
    assert set(kept.permissions) == {"quotes", "balance", "orders", "buyable", "stream"}
    assert keys.usable() == [kept]


def test_what_is_kept_is_masked_and_sealed(venue: KisSandbox, user: User) -> None:
    row = register_kis(user, "한투 모의", Environment.PAPER, TYPED)
    assert (row.key_hint, row.account_hint) == ("7788", "****0001-01")
    shown = {name: str(getattr(row, name)) for name in (field.name for field in Credential._meta.fields)}
    assert not any(APP_KEY in value or APP_SECRET in value or "62000001" in value for value in shown.values())
    assert secrets.reveal(row)["app_secret"] == APP_SECRET


def test_the_books_open_with_what_the_venue_holds(account: BrokerAccount) -> None:
    assert reconcile.reconcile_once(1, account=account) == 1
    assert Journal.objects.filter(broker_account=account, kind="adjustment").count() == 1
    portfolio = services.portfolio(account)
    assert portfolio.cash_available == CASH


def test_an_opened_account_orders_by_its_own_key(account: BrokerAccount, venue: KisSandbox) -> None:
    """I11, B01: the whole way from the account's row to the venue's book."""
    report = open_broker(account).submit(asked(quantity=3, side=Side.BUY, limit_price=None))
    assert report.broker_order_key
    orders = [order for order in venue.truth()["orders"] if order["account"] == NUMBER.replace("-", "")]
    assert len(orders) == 1


@pytest.mark.parametrize(
    ("typed", "failure"),
    [
        (TypedKey("X" * 36, APP_SECRET, NUMBER), "key_unknown"),
        (TypedKey(APP_KEY, "u" * 180, NUMBER), "key_secret_wrong"),
    ],
)
def test_a_wrong_key_is_kept_out_of_use_and_says_why(
    venue: KisSandbox, user: User, typed: TypedKey, failure: str
) -> None:
    row = register_kis(user, "한투 모의", Environment.PAPER, typed)
    check_key(user, row.account_id)
    kept = Credential.objects.select_related("account").get()
    assert (kept.failure, kept.account.is_active, kept.verified_at) == (failure, False, None)


def test_a_key_of_another_account_says_so(venue: KisSandbox, user: User) -> None:
    row = register_kis(user, "한투 모의", Environment.PAPER, TypedKey(APP_KEY, APP_SECRET, "62000009-01"))
    check_key(user, row.account_id)
    assert Credential.objects.get().failure in {"key_account_wrong", "key_refused"}
    assert not BrokerAccount.objects.get().is_active


def test_a_venue_that_cannot_be_reached_proves_nothing_against_a_key(
    account: BrokerAccount, user: User, settings: Any
) -> None:
    settings.KIS_URLS = dict.fromkeys(settings.KIS_URLS, "http://127.0.0.1:9")
    Token.objects.all().delete()
    check_key(user, account.pk)
    kept = Credential.objects.select_related("account").get()
    assert (kept.failure, kept.account.is_active) == ("key_unreachable", True)


def test_the_same_account_or_key_is_not_registered_twice(account: BrokerAccount, user: User) -> None:
    assert refusal(user) == "account_registered_already"
    assert refusal(user, TypedKey(APP_KEY, APP_SECRET, "62000002-01")) == "key_registered_already"
    assert refusal(make.make_user()) == "key_registered_already"
    assert BrokerAccount.objects.count() == 1


@pytest.mark.parametrize("number", ["", "1234567-01", "123456789-01", "1234567a-01", "12345678-0１"])
def test_what_is_no_account_number_is_refused(user: User, number: str) -> None:
    assert refusal(user, TypedKey(APP_KEY, APP_SECRET, number)) == "account_number_wrong"


def test_a_key_that_would_break_a_header_is_refused(user: User) -> None:
    assert refusal(user, TypedKey("key\r\nX-Evil: 1", APP_SECRET, NUMBER)) == "key_has_odd_characters"


def test_a_name_is_taken_once(account: BrokerAccount, user: User) -> None:
    assert refusal(user, TypedKey("N" * 36, APP_SECRET, "62000003-01"), name="한투 모의") == "name_taken"
    assert refusal(user, TypedKey("N" * 36, APP_SECRET, "62000003-01"), name="  ") == "name_missing"


def test_a_viewer_registers_nothing(venue: KisSandbox) -> None:
    with pytest.raises(NotAllowed):
        register_kis(make.make_user(role=Role.VIEWER), "a", Environment.PAPER, TYPED)


def test_nobody_touches_the_key_of_another(account: BrokerAccount) -> None:
    """I33."""
    stranger = make.make_user()
    for act in (lambda: check_key(stranger, account.pk), lambda: remove_key(stranger, account.pk)):
        with pytest.raises(Credential.DoesNotExist):
            act()
    with pytest.raises(Credential.DoesNotExist):
        replace_key(stranger, account.pk, TYPED)


def test_a_live_key_needs_the_server_to_allow_it(venue: KisSandbox, user: User, settings: Any) -> None:
    settings.LIVE_TRADING = False
    assert refusal(user, environment=Environment.LIVE) == "live_account_off"
    settings.LIVE_TRADING = True
    open_at_venue(venue, "live", "61000001-01", "L" * 36, "l" * 180)
    row = register_kis(user, "한투 실전", Environment.LIVE, TypedKey("L" * 36, "l" * 180, "61000001-01"))
    check_key(user, row.account_id)
    account = BrokerAccount.objects.get(pk=row.account_id)
    assert account.is_active
    settings.LIVE_TRADING = False
    with pytest.raises(LiveTradingOff):
        open_account(account)
    with pytest.raises(OrderRefused, match="live_account_off"):
        check_key(user, account.pk)
    card = key_card(account)
    assert card is not None
    assert card.state == "off"


def test_a_paper_key_shown_to_the_real_host_is_recognised(venue: KisSandbox, user: User, settings: Any) -> None:
    """EGW02004 and its like: the environments cannot mix even by a mistake of the person."""
    settings.LIVE_TRADING = True
    row = register_kis(user, "한투 실전", Environment.LIVE, TYPED)
    check_key(user, row.account_id)
    assert Credential.objects.get().failure in {"key_unknown", "key_of_other_environment"}


def test_a_replaced_key_forgets_the_tokens_of_the_one_before(
    account: BrokerAccount, user: User, venue: KisSandbox
) -> None:
    fresh = TypedKey("R" * 32 + "0002", "r" * 180, NUMBER)
    open_at_venue(venue, "paper", NUMBER, fresh.app_key, fresh.app_secret)
    replace_key(user, account.pk, fresh)
    assert not Token.objects.exists()
    check_key(user, account.pk)
    kept = Credential.objects.select_related("account").get()
    assert (kept.key_hint, kept.failure, kept.account.is_active) == ("0002", "", True)


def test_a_replacement_opens_the_same_account(account: BrokerAccount, user: User) -> None:
    """The books belong to an account number: another one would be another account."""
    with pytest.raises(KeyRefused, match="account_number_other"):
        replace_key(user, account.pk, TypedKey("R" * 36, "r" * 180, "62000005-01"))


def test_a_removed_key_is_gone_and_its_token_revoked(account: BrokerAccount, user: User, venue: KisSandbox) -> None:
    reconcile.reconcile_once(1, account=account)  # the account has books, which stay
    remove_key(user, account.pk)
    kept = Credential.objects.select_related("account").get()
    assert (kept.is_removed, kept.key_hint, kept.account.is_active) == (True, "", False)
    assert set(secrets.reveal(kept)) == {"account", "product"}
    assert not Token.objects.exists()
    told = venue.truth()["requests"]
    assert [name for name in told if "revoke" in name and name.startswith("paper")], told
    with pytest.raises(keys.NoKey):
        open_account(kept.account)


def test_a_removed_account_takes_a_new_key_of_the_same_number(
    account: BrokerAccount, user: User, venue: KisSandbox
) -> None:
    reconcile.reconcile_once(1, account=account)
    remove_key(user, account.pk)
    venue.tell("advance", seconds=70)
    replace_key(user, account.pk, TYPED)
    assert not BrokerAccount.objects.get().is_active
    check_key(user, account.pk)
    assert BrokerAccount.objects.get().is_active


def test_an_account_nothing_was_done_on_goes_altogether(venue: KisSandbox, user: User) -> None:
    row = register_kis(user, "한투 모의", Environment.PAPER, TYPED)
    remove_key(user, row.account_id)
    assert not BrokerAccount.objects.exists()
    assert not Credential.objects.exists()


def test_a_key_stays_while_an_order_is_open(account: BrokerAccount, user: User) -> None:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000, age=timedelta(seconds=-60))
    reconcile.reconcile_once(1, account=account)
    order = make.place(account, instrument, limit_price=Decimal(69_000))
    assert order.state == "pending", order.reason
    with pytest.raises(OrderRefused, match="order_open"):
        remove_key(user, account.pk)


def test_every_act_on_a_key_leaves_a_row_in_the_audit_and_no_secret(
    account: BrokerAccount, user: User, venue: KisSandbox
) -> None:
    """I42, I34."""
    fresh = TypedKey("R" * 32 + "0002", "r" * 180, NUMBER)
    open_at_venue(venue, "paper", NUMBER, fresh.app_key, fresh.app_secret)
    replace_key(user, account.pk, fresh)
    remove_key(user, account.pk)
    acts = list(AuditEntry.objects.order_by("number").values_list("action", flat=True))
    assert acts == ["register_broker_key", "replace_broker_key", "remove_broker_key"]
    assert verify().breaks == ()
    kept = "".join(str(entry.before) + str(entry.after) for entry in AuditEntry.objects.all())
    assert not any(secret in kept for secret in (APP_KEY, APP_SECRET, fresh.app_key, fresh.app_secret, "62000001"))
