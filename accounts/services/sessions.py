"""Browsers' sign-ins: each has its row beside those of apps and tokens, a time after which it is forgotten, and an end.

How long one may lie idle, and how long it lasts at most, is the session's own expiry: whoever reads the session table,
a page or a socket, finds nothing there when the time is over. It is put forward at most once a minute, and not by what a
page fetches by itself.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user, logout
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Device, DeviceKind, User
from accounts.services.api_devices import SIGN_OUT, STAFF_IDLE, STAFF_LIFE, STEP_UP_LIFE
from accounts.services.sign_in import client_address
from accounts.user_agents import device_name

IDLE, LIFE = timedelta(hours=12), timedelta(days=7)  # security.md 7.3; staff: STAFF_IDLE, STAFF_LIFE
TOUCH_EVERY = timedelta(minutes=1)
DEVICE, BEGAN, SEEN, STEPPED_UP, SECOND_FACTOR = "device", "began_at", "seen_at", "stepped_up_at", "second_factor"


@transaction.atomic
def begin(request: HttpRequest, user: User) -> Device:
    """The row of a browser that has just signed in. Whether a second factor was shown, its caller says (`prove`)."""
    session, now = request.session, timezone.now()
    _end(session.get(DEVICE), SIGN_OUT)  # signed in again over an earlier sign-in
    if not session.session_key:
        session.create()
    idle, life = limits_of(user)
    device = Device.objects.create(
        user=user,
        kind=DeviceKind.BROWSER,
        name=device_name(request.headers.get("User-Agent", "")),
        address=client_address(request),
        password_mark=user.get_session_auth_hash(),
        session_key=session.session_key or "",
        stepped_up_at=now,
        seen_at=now,
        expires_at=now + life,
    )
    session.update({DEVICE: str(device.pk), BEGAN: now.timestamp(), SEEN: now.timestamp(), SECOND_FACTOR: False})
    session[STEPPED_UP] = now.timestamp()
    session.set_expiry(int(idle.total_seconds()))
    return device


def prove(request: HttpRequest, *, second_factor: bool) -> None:
    """Its person has just proved who they are; with the second factor where one was shown."""
    request.session[STEPPED_UP] = timezone.now().timestamp()
    if second_factor:
        request.session[SECOND_FACTOR] = True
    shown = {"used_second_factor": True} if second_factor else {}
    _row(request).update(stepped_up_at=timezone.now(), **shown)


def device_id(request: HttpRequest) -> UUID | None:
    """The row of this browser."""
    kept = request.session.get(DEVICE)
    return UUID(kept) if kept else None


def used_second_factor(request: HttpRequest) -> bool:
    return bool(request.session.get(SECOND_FACTOR))


def is_stepped_up(request: HttpRequest, user: User) -> bool:
    """Whether its person proved who they are within the last ten minutes, with the second factor where there is one (I39)."""
    at = _time(request.session.get(STEPPED_UP))
    recent = at is not None and timezone.now() - at <= STEP_UP_LIFE
    return recent and (used_second_factor(request) or not user.is_2fa_enabled)


def touch(request: HttpRequest, user: User) -> bool:
    """Put the end of an idle session forward. False where its time is over: it has been signed out."""
    session, now = request.session, timezone.now()
    began, seen = _time(session.get(BEGAN)), _time(session.get(SEEN))
    if began is None or seen is None:  # signed in by an older version
        begin(request, user)
        return True
    idle, life = limits_of(user)
    if now >= began + life or now - seen > idle:
        logout(request)
        return False
    if now - seen >= TOUCH_EVERY and not _is_by_itself(request):
        session[SEEN] = now.timestamp()
        session.set_expiry(max(1, int(min(idle, began + life - now).total_seconds())))
        _row(request).update(seen_at=now, address=client_address(request))
    return True


def renew(request: HttpRequest) -> None:
    """The session goes on under a new key, or after a new password: its row goes with it."""
    user = get_user(request)
    if isinstance(user, User):
        _row(request).update(session_key=request.session.session_key or "", password_mark=user.get_session_auth_hash())


def ended(request: HttpRequest) -> None:
    """Its person has signed out: the row ends, too."""
    _end(request.session.get(DEVICE), SIGN_OUT)


def limits_of(user: User) -> tuple[timedelta, timedelta]:
    """How long a session may lie idle, and how long it lasts at most."""
    return (STAFF_IDLE, STAFF_LIFE) if user.is_staff else (IDLE, LIFE)


def _row(request: HttpRequest) -> QuerySet[Device]:
    kept = device_id(request)
    return Device.objects.filter(pk=kept) if kept else Device.objects.none()


def _is_by_itself(request: HttpRequest) -> bool:
    """What htmx fetches while nobody is there, such as a list after an order has filled."""
    return request.method == "GET" and "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _end(device_id: Any, because: str) -> None:
    if device_id:
        Device.objects.filter(pk=device_id, ended_at=None).update(ended_at=timezone.now(), ended_by=because)


def _time(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)
