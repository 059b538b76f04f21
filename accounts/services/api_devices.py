"""Signing in through the API: a device gets an access token and a refresh token, and keeps them until something ends it.

A refresh token is used once. Used a second time, by whomever, it may have been stolen, and its device is signed out (I40).
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import access_tokens
from accounts.access_tokens import Access, TokenRefused
from accounts.models import Device, RefreshToken, User
from accounts.services.audit import record

logger = structlog.get_logger(__name__)
REFRESH_LIFE, STAFF_LIFE = timedelta(days=7), timedelta(hours=8)
STEP_UP_LIFE = timedelta(minutes=10)
KEPT = timedelta(days=30)  # how long an ended device stays in its person's list
PASSWORD_CHANGED, SIGN_OUT, ELSEWHERE, USED_AGAIN = "password_changed", "sign_out", "another_device", "token_used_again"


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
        tokens = _rotated(_hash(refresh_token), now)
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
        return None
    if not may_act(device, now):
        return None
    device.seen_at = now
    device.save(update_fields=["seen_at"])
    return _tokens(device, now)


def device_of(access_token: str) -> Device:
    """The device a request comes from, with its person; one query. Raises TokenRefused."""
    access = access_tokens.read(settings.JWT_SECRET, access_token)
    device = Device.objects.select_related("user").filter(pk=access.device_id, user_id=access.user_id).first()
    if device is None or not may_act(device, timezone.now()):
        raise TokenRefused("token_invalid")
    return device


def end_device(user: User, device_id: UUID, because: str = ELSEWHERE) -> None:
    """Sign one device out. Raises Device.DoesNotExist for another's."""
    with transaction.atomic():
        device = Device.objects.select_for_update().get(pk=device_id, user=user)
        if device.ended_at is None:
            _end([device], because, timezone.now())
            record(user, "device_ended", f"device:{device.pk}", after={"because": because})


def end_devices(user: User, because: str, keep: UUID | None = None) -> int:
    """Sign out every device of a person, or every other one; how many there were."""
    with transaction.atomic():
        others = Q() if keep is None else ~Q(pk=keep)
        live = list(Device.objects.select_for_update().filter(others, user=user, ended_at=None))
        _end(live, because, timezone.now())
        if live:
            record(user, "devices_ended", f"user:{user.pk}", after={"because": because, "devices": len(live)})
    return len(live)


def live_devices(user: User) -> QuerySet[Device]:
    """The devices a person is signed in on, last signed in first."""
    now, mark = timezone.now(), user.get_session_auth_hash()
    live = Device.objects.filter(user=user, ended_at=None, expires_at__gt=now, password_mark=mark)
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
    return device.is_live(now) and device.user.is_active and same_password


def _tokens(device: Device, now: datetime) -> Tokens:
    refresh = secrets.token_urlsafe(32)
    RefreshToken.objects.create(device=device, hash=_hash(refresh))
    access = access_tokens.issue(settings.JWT_SECRET, Access(device.user_id, device.pk), uuid4(), now)
    return Tokens(device, access, refresh)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _end(devices: Iterable[Device], because: str, now: datetime) -> None:
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(ended_at=now, ended_by=because)


def _forget_old(user: User, now: datetime) -> None:
    Device.objects.filter(user=user, expires_at__lt=now - KEPT).delete()
