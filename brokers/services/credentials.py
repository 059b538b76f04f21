"""Keeping, replacing and removing the keys of accounts. Who may do so is the caller's to ask; none of it is ever shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from brokers.errors import BrokerError
from brokers.models import BrokerAccount, Credential, Token
from brokers.sealing import Unopenable
from brokers.services import secrets

HINT = 4
ACCOUNT_FIELDS = ("account", "product")  # which account it is: kept, sealed, also when the key is gone


class KeyRefused(BrokerError):
    """The key cannot be kept as it was given; `code` says why, `field` where."""

    def __init__(self, code: str, field_name: str) -> None:
        super().__init__(code)
        self.code = code
        self.field = field_name


@dataclass(frozen=True, slots=True, repr=False)
class NewKey:
    """A key as its owner gave it, checked by its broker's adapter: `secret` in that adapter's words."""

    app_key: str = field(repr=False)
    secret: Mapping[str, str] = field(repr=False)
    expires_on: date | None = None

    @property
    def number(self) -> tuple[str, ...]:
        return tuple(self.secret[name] for name in ACCOUNT_FIELDS)

    def __repr__(self) -> str:
        return "<key>"


@transaction.atomic
def open_account(account: BrokerAccount, key: NewKey) -> Credential:
    """Save a new account with its key; it is out of use until a check has worked. Raises KeyRefused."""
    if _is_registered(account, key):
        raise KeyRefused("account_registered_already", "account_number")
    account.is_active = False
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise KeyRefused("name_taken", "name") from None
    return _kept(Credential(account=account), key)


@transaction.atomic
def replace(credential: Credential, key: NewKey) -> Credential:
    """Another key for the same account; the tokens of the one before are forgotten. Raises KeyRefused."""
    row = Credential.objects.select_for_update().select_related("account").get(pk=credential.pk)
    if number_of(row) not in (None, key.number):
        raise KeyRefused("account_number_other", "account_number")
    Token.objects.filter(credential=row).delete()
    if row.is_removed:
        row.removed_at = row.verified_at = None
    row.checked_at, row.failure, row.permissions = None, "", {}
    return _kept(row, key)


@transaction.atomic
def remove(credential: Credential) -> None:
    """Forget the key and its tokens, and put the account out of use. An account that never was in use goes altogether."""
    row = Credential.objects.select_for_update().select_related("account").get(pk=credential.pk)
    if _is_forgotten_whole(row.account):
        return
    number = number_of(row)
    Token.objects.filter(credential=row).delete()
    secrets.seal(row, dict(zip(ACCOUNT_FIELDS, number or (), strict=False)))
    row.fingerprint, row.key_hint, row.expires_on = f"removed:{row.pk}", "", None
    row.removed_at, row.permissions, row.failure = timezone.now(), {}, ""
    row.save()
    BrokerAccount.objects.filter(pk=row.account_id).update(is_active=False)


def number_of(row: Credential) -> tuple[str, ...] | None:
    """Which account it opens; None where that cannot be read any more."""
    try:
        told = secrets.reveal(row)
        return tuple(told[name] for name in ACCOUNT_FIELDS)
    except (Unopenable, KeyError):
        return None


def note_check(row: Credential, failure: str, permissions: Mapping[str, str]) -> None:
    """Keep what a check found; the first that works puts the account to use."""
    now = timezone.now()
    row.checked_at, row.failure, row.permissions = now, failure, dict(permissions)
    changed = ["checked_at", "failure", "permissions"]
    if not failure and row.verified_at is None:
        row.verified_at = now
        changed.append("verified_at")
        BrokerAccount.objects.filter(pk=row.account_id).update(is_active=True)
        row.account.is_active = True
    row.save(update_fields=changed)


def masked_number(account: str, product: str) -> str:
    return f"****{account[-HINT:]}-{product}"


def _is_forgotten_whole(account: BrokerAccount) -> bool:
    """Delete the account unless something was done on it, which stays."""
    try:
        with transaction.atomic():
            account.delete()
    except ProtectedError:
        return False
    return True


def _kept(row: Credential, key: NewKey) -> Credential:
    row.fingerprint = sha256(f"{row.account.broker}|{row.account.environment}|{key.app_key}".encode()).hexdigest()
    row.key_hint, row.account_hint = key.app_key[-HINT:], masked_number(*key.number)
    row.expires_on = key.expires_on
    secrets.seal(row, key.secret)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise KeyRefused("key_registered_already", "app_key") from None
    return row


def _is_registered(account: BrokerAccount, key: NewKey) -> bool:
    """Whether this person has the very account already: two of ours on one of the broker's would spoil each other's books."""
    same = Credential.objects.filter(
        account__user_id=account.user_id, account__broker=account.broker, account__environment=account.environment
    )
    return any(number_of(row) == key.number for row in same.select_related("account"))
