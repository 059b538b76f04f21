"""What a person does with the keys of their broker accounts: rights, what stands in the way, and the audit (G17, I42)."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import audit
from brokers.kis.services import registration
from brokers.kis.services.registration import TypedKey
from brokers.models import BrokerAccount, Credential
from brokers.protocol import Environment
from brokers.services.credentials import KeyRefused
from trading import lifecycle
from trading.errors import NotAllowed, OrderRefused
from trading.models import Order, SwingPlan

__all__ = ["KeyCard", "KeyRefused", "TypedKey", "check_key", "key_card", "register_kis", "remove_key", "replace_key"]

EXPIRES_SOON = timedelta(days=14)
OPEN = sorted(lifecycle.OPEN)


@dataclass(frozen=True, slots=True)
class KeyCard:
    """What a person may see of a key (G17): never a part of it beyond its last four characters."""

    credential: Credential
    is_allowed: bool  # whether this server may use keys of its environment at all

    @property
    def state(self) -> str:
        """`removed`, `off`, `unchecked`, `failed` or `works`."""
        row = self.credential
        if row.is_removed:
            return "removed"
        if not self.is_allowed:
            return "off"
        if row.checked_at is None:
            return "unchecked"
        return "failed" if row.failure else "works"

    def days_left(self, today: date) -> int | None:
        """Until the key ends, as its owner read at the broker's; None where nobody told."""
        ends = self.credential.expires_on
        return None if ends is None else (ends - today).days


def key_card(account: BrokerAccount) -> KeyCard | None:
    """None for an account that needs no key, or has never had one."""
    row = Credential.objects.select_related("account", "budget").filter(account=account).first()
    if row is None:
        return None
    return KeyCard(row, settings.LIVE_TRADING or account.environment != Environment.LIVE)


def register_kis(user: User, name: str, environment: Environment, typed: TypedKey) -> Credential:
    """Open an account at Korea Investment for Kairos. Out of use until `check_key` has worked.

    Raises NotAllowed, OrderRefused name_missing and live_trading_off, KeyRefused.
    """
    _assert_may(user)
    name = name.strip()
    if not name or not name.isprintable():
        raise OrderRefused("name_missing")
    _assert_allowed(environment)
    with transaction.atomic():
        row = registration.register(user, name, environment, typed)
        _record(user, "register_broker_key", row)
    return row


def replace_key(user: User, account_id: UUID, typed: TypedKey) -> Credential:
    """Another key for the same account. Raises as `register_kis`, and Credential.DoesNotExist."""
    _assert_may(user)
    row = _own(user, account_id)
    _assert_allowed(Environment(row.account.environment))
    before = str(row)
    replaced = registration.replace(row, typed)
    _record(user, "replace_broker_key", replaced, before)
    return replaced


def check_key(user: User, account_id: UUID) -> Credential:
    """Ask the broker what the key can do. Raises NotAllowed, OrderRefused, Credential.DoesNotExist."""
    _assert_may(user)
    row = _own(user, account_id)
    if row.is_removed:
        raise OrderRefused("broker_key_missing")
    _assert_allowed(Environment(row.account.environment))
    return registration.check(row)


def remove_key(user: User, account_id: UUID) -> None:
    """Forget the key and give its token back; the account's books stay. Raises NotAllowed, Credential.DoesNotExist,
    OrderRefused plan_running and order_unresolved: without a key nobody could finish or cancel an order.
    """
    _assert_may(user)
    row = _own(user, account_id)
    running = SwingPlan.objects.running().filter(broker_account=row.account).values_list("name", flat=True).first()
    if running is not None:
        raise OrderRefused("plan_running", plan=running)
    if count := Order.objects.filter(broker_account=row.account, state__in=OPEN).count():
        raise OrderRefused("order_open", orders=count)
    registration.remove(row)
    audit.record(user, "remove_broker_key", f"account:{account_id}", {"key": str(row)}, {})


def _assert_may(user: User) -> None:
    if not user.may_trade:
        raise NotAllowed


def _assert_allowed(environment: Environment) -> None:
    if environment is Environment.LIVE and not settings.LIVE_TRADING:
        raise OrderRefused("live_account_off")


def _own(user: User, account_id: UUID) -> Credential:
    return Credential.objects.for_user(user).select_related("account").get(account_id=account_id)


def _record(user: User, act: str, row: Credential, before: str = "") -> None:
    after = {"key": str(row), "account": row.account_hint, "environment": row.account.environment}
    audit.record(user, act, f"account:{row.account_id}", {"key": before} if before else {}, after)
