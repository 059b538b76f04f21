"""Tokens for programs (A17): named, reading alone or trading, with an end, shown once, kept as a hash.

A token is no person: it proves nothing by a password, so nothing that needs a step-up is done with one, and nothing about
people, either (`accounts.api.view`). It ends with its time, its person's password, its person, or a word.
"""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import AccountsError
from accounts.models import Device, DeviceKind, Scope, User
from accounts.services import notices
from accounts.services.api_devices import TOKEN_PREFIX, hash_of, live_devices
from accounts.services.audit import record

MOST = 20
DAYS = (7, 30, 90, 365)  # how long one may live
TOKENS = frozenset({DeviceKind.TOKEN})
HINT = 4


class TooManyTokens(AccountsError):
    """So many nobody can tell apart any more."""

    code = "too_many_tokens"
    limit = MOST


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a program is given: it is shown once and kept nowhere here."""

    device: Device
    text: str = field(repr=False)


@transaction.atomic
def create(user: User, *, name: str, scope: Scope, days: int, second_factor: bool, address: str) -> NewToken:
    """A token of somebody who has just stepped up. Raises TooManyTokens."""
    User.objects.select_for_update().get(pk=user.pk)  # two at once are counted one after the other
    if tokens_of(user).count() >= MOST:
        raise TooManyTokens
    now, text = timezone.now(), TOKEN_PREFIX + secrets.token_urlsafe(32)
    device = Device.objects.create(
        user=user,
        kind=DeviceKind.TOKEN,
        name=name[:120],
        address=address,
        password_mark=user.get_session_auth_hash(),
        used_second_factor=second_factor,
        token_hash=hash_of(text),
        token_hint=text[-HINT:],
        scope=scope,
        seen_at=now,
        expires_at=now + timedelta(days=days),
    )
    after = {"name": device.name, "scope": device.scope, "days": days}
    record(user, "token_made", f"device:{device.pk}", after=after, address=address)
    notices.tell_security(user, "token_made", name=device.name)
    return NewToken(device, text)


def tokens_of(user: User) -> QuerySet[Device]:
    """A person's tokens that count, newest first."""
    return live_devices(user, TOKENS)


def one_of(user: User, token_id: UUID) -> Device:
    """Raises Device.DoesNotExist for another's, and for what is no token."""
    return Device.objects.select_related("user").get(pk=token_id, user=user, kind=DeviceKind.TOKEN)


def was_used(token: Device) -> bool:
    """`seen_at` begins as the time it was made."""
    return token.seen_at > token.created_at + timedelta(seconds=5)
