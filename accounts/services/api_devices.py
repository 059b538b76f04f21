"""Signing in through the API, and what ends a sign-in of any kind: an app's, a browser's, a program's token.

An app gets an access token and a refresh token, and keeps them until something ends it. A refresh token is used once. Used
a second time, by whomever, it may have been stolen, and its device is signed out (I40).
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import CharField, Q, QuerySet, UUIDField
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import access_tokens
from accounts.access_tokens import Access, TokenRefused
from accounts.models import Device, DeviceKind, RefreshToken, User
from accounts.models.kept import Given, KeptQuery
from accounts.services import notices
from accounts.services.audit import record

logger = structlog.get_logger(__name__)
REFRESH_LIFE, STAFF_LIFE = timedelta(days=7), timedelta(hours=8)
STAFF_IDLE = timedelta(minutes=30)
STEP_UP_LIFE = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last use is known
SIGNED_IN = frozenset(
    {DeviceKind.APP, DeviceKind.BROWSER}
)  # what "every other device" means; tokens are ended one by one
TOKEN_PREFIX = "kairos_"  # noqa: S105 (what every token of a program begins with)
KEPT = timedelta(days=30)  # how long an ended device stays in its person's list
PASSWORD_CHANGED, SIGN_OUT, ELSEWHERE, USED_AGAIN = "password_changed", "sign_out", "another_device", "token_used_again"

MOST_REMEMBERED = 4096
_found_good: dict[str, Access] = {}
DEVICE, PERSON = ([field.attname for field in model._meta.concrete_fields] for model in (Device, User))


def _with_person(**which: Any) -> QuerySet[Device, tuple[Any, ...]]:
    return Device.objects.filter(**which).values_list(*DEVICE, *(f"user__{name}" for name in PERSON))


# Whoever asks anything of the API is looked up by one of these: their SQL is kept.
BY_HASH = KeptQuery(lambda: _with_person(kind=DeviceKind.TOKEN, token_hash=Given("hash", CharField())))
BY_KEY = KeptQuery(
    lambda: _with_person(kind=DeviceKind.APP, pk=Given("device", UUIDField()), user_id=Given("user", UUIDField()))
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a device is given: it is shown once and kept nowhere here."""

    device: Device
    access: str = field(repr=False)
    refresh: str = field(repr=False)

    @property
    def access_seconds(self) -> int:
        return int(access_tokens.LIFE.total_seconds())


class RefreshRefused(Exception):
    """No refresh token of a device that is signed in; which of the many reasons, nobody is told."""

    code = "refresh_token_invalid"


@transaction.atomic
def sign_in_device(user: User, *, name: str, address: str, second_factor: bool) -> Tokens:
    """A new device of a person whose password, and second factor where there is one, have just been checked."""
    now = timezone.now()
    device = Device.objects.create(
        user=user,
        name=name[:120],
        address=address,
        password_mark=user.get_session_auth_hash(),
        used_second_factor=second_factor,
        stepped_up_at=now,
        seen_at=now,
        expires_at=now + (STAFF_LIFE if user.is_staff else REFRESH_LIFE),
    )
    _forget_old(user, now)
    return _tokens(device, now)


def rotate(refresh_token: str) -> Tokens:
    """New tokens for old. Raises RefreshRefused; of a token used before, after its device has been signed out."""
    now = timezone.now()
    with transaction.atomic():
        tokens = _rotated(hash_of(refresh_token), now)
    if tokens is None:
        raise RefreshRefused
    return tokens


def _rotated(token_hash: str, now: datetime) -> Tokens | None:
    row = RefreshToken.objects.filter(hash=token_hash).first()
    if row is None:
        return None
    devices = Device.objects.select_for_update(of=("self",)).select_related("user")
    device = devices.get(pk=row.device_id)
    device.user = User.objects.get(pk=device.user_id)  # as it is now, under the lock
    if not RefreshToken.objects.filter(pk=row.pk, used_at=None).update(used_at=now):
        logger.warning("a refresh token came twice", device=str(device.pk))
        _end([device], USED_AGAIN, now)
        record(device.user, "device_ended", f"device:{device.pk}", after={"because": USED_AGAIN}, result="refused")
        notices.tell_security(device.user, "token_used_again", device=device.name)
        return None
    if not may_act(device, now):
        return None
    device.seen_at = now
    device.save(update_fields=["seen_at"])
    return _tokens(device, now)


def device_of(token: str) -> Device:
    """The device behind an access token or a program's own token, with its person; one query. Raises TokenRefused."""
    now = timezone.now()
    if token.startswith(TOKEN_PREFIX):
        device = _read(BY_HASH, {"hash": hash_of(token)})
    else:
        access = _access(token, now)
        device = _read(BY_KEY, {"device": access.device_id, "user": access.user_id})
    if device is None or not may_act(device, now):
        raise TokenRefused("token_invalid")
    return device


def _access(token: str, now: datetime) -> Access:
    """What a token says. Its signature is checked once: found good it stays so until its end, and is known by its hash.

    Whether its device is still signed in is in no token: that is read from the database with every request.
    """
    mark = hash_of(settings.JWT_SECRET + token)
    known = _found_good.get(mark)
    if known is not None and known.ends_at is not None and now < known.ends_at + access_tokens.LEEWAY:
        return known
    access = access_tokens.read(settings.JWT_SECRET, token)
    if len(_found_good) >= MOST_REMEMBERED:
        _found_good.clear()
    _found_good[mark] = access
    return access


def _read(query: KeptQuery, values: dict[str, Any]) -> Device | None:
    """A device with its person, as they are now."""
    rows = query.ask(values, 1)
    if not rows:
        return None
    device = Device.from_db(DEFAULT_DB_ALIAS, DEVICE, rows[0][: len(DEVICE)])
    device.user = User.from_db(DEFAULT_DB_ALIAS, PERSON, rows[0][len(DEVICE) :])
    return device


def note_use(device: Device, address: str) -> None:
    """Keep when and from where a device was last used, to the minute."""
    now = timezone.now()
    if now - device.seen_at >= SEEN_EVERY:
        Device.objects.filter(pk=device.pk).update(seen_at=now, address=address)
        device.seen_at, device.address = now, address


def end_device(user: User, device_id: UUID, because: str = ELSEWHERE) -> None:
    """Sign one device out. Raises Device.DoesNotExist for another's."""
    with transaction.atomic():
        device = Device.objects.select_for_update().get(pk=device_id, user=user)
        if device.ended_at is None:
            _end([device], because, timezone.now())
            record(user, "device_ended", f"device:{device.pk}", after={"because": because})


def end_devices(
    user: User, because: str, keep: UUID | None = None, kinds: frozenset[DeviceKind] = frozenset(DeviceKind)
) -> int:
    """Sign out every device of a person, or every other one; how many there were."""
    with transaction.atomic():
        others = Q() if keep is None else ~Q(pk=keep)
        live = list(Device.objects.select_for_update().filter(others, user=user, ended_at=None, kind__in=kinds))
        _end(live, because, timezone.now())
        if live:
            record(user, "devices_ended", f"user:{user.pk}", after={"because": because, "devices": len(live)})
    return len(live)


def live_devices(user: User, kinds: frozenset[DeviceKind] = SIGNED_IN) -> QuerySet[Device]:
    """The devices a person is signed in on, or their tokens, last signed in first."""
    now, mark = timezone.now(), user.get_session_auth_hash()
    live = Device.objects.filter(user=user, ended_at=None, expires_at__gt=now, password_mark=mark, kind__in=kinds)
    return live.order_by("-created_at", "-id")


def step_up(device: Device, *, second_factor: bool) -> None:
    """The device's person has just proved again who they are."""
    device.stepped_up_at = timezone.now()
    device.used_second_factor = device.used_second_factor or second_factor
    device.save(update_fields=["stepped_up_at", "used_second_factor"])


def is_stepped_up(device: Device) -> bool:
    """Whether its person proved who they are within the last ten minutes, with the second factor where there is one (I39)."""
    recent = device.stepped_up_at is not None and timezone.now() - device.stepped_up_at <= STEP_UP_LIFE
    return recent and (device.used_second_factor or not device.user.is_2fa_enabled)


def may_act(device: Device, now: datetime) -> bool:
    """Whether it is signed in, of somebody active, whose password is the one it signed in with."""
    same_password = constant_time_compare(device.password_mark, device.user.get_session_auth_hash())
    return device.is_live(now) and device.user.is_active and same_password and not _is_idle(device, now)


def _is_idle(device: Device, now: datetime) -> bool:
    """Staff's lie idle for half an hour at most (security.md 7.3), give or take the minute their last use is known to."""
    return device.user.is_staff and not device.is_token and now - device.seen_at > STAFF_IDLE + SEEN_EVERY


def _tokens(device: Device, now: datetime) -> Tokens:
    refresh = secrets.token_urlsafe(32)
    RefreshToken.objects.create(device=device, hash=hash_of(refresh))
    access = access_tokens.issue(settings.JWT_SECRET, Access(device.user_id, device.pk), uuid4(), now)
    return Tokens(device, access, refresh)


def hash_of(token: str) -> str:
    """What is kept of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _end(devices: Iterable[Device], because: str, now: datetime) -> None:
    """Their rows, and the sessions of browsers."""
    ending = list(devices)
    Device.objects.filter(pk__in=[device.pk for device in ending]).update(ended_at=now, ended_by=because)
    if keys := [device.session_key for device in ending if device.session_key]:
        sessions = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
        sessions.objects.filter(session_key__in=keys).delete()


def _forget_old(user: User, now: datetime) -> None:
    Device.objects.filter(user=user, expires_at__lt=now - KEPT).delete()
