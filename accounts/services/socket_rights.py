"""Who may keep a socket open: somebody's page, by its session, or a device, by a token or a ticket used once (I30, I41)."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import access_tokens
from accounts.access_tokens import TokenRefused
from accounts.models import Device, SocketTicket, User
from accounts.services.api_devices import device_of, may_act
from accounts.services.sessions import SECOND_FACTOR

TICKET_LIFE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Right:
    """Why a socket is open: this person's session, or this person's device until a time."""

    user_id: UUID
    session_key: str = ""
    device_id: UUID | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Shown once; kept here as a hash."""

    text: str
    expires_at: datetime


def issue_ticket(device: Device) -> Ticket:
    """A ticket for one socket of this device, good for half a minute."""
    now = timezone.now()
    ticket = Ticket(secrets.token_urlsafe(32), now + TICKET_LIFE)
    SocketTicket.objects.filter(expires_at__lt=now).delete()
    SocketTicket.objects.create(hash=_hash(ticket.text), device=device, expires_at=ticket.expires_at)
    return ticket


def right_of_ticket(text: str) -> Right:
    """Use a ticket up. Raises TokenRefused for one that is used, too old, or of a device that is signed out."""
    with transaction.atomic():
        row = SocketTicket.objects.select_related("device__user").filter(hash=_hash(text)).first()
        # Of two that come at once, one deletes the row.
        if row is None or not SocketTicket.objects.filter(pk=row.pk).delete()[0]:
            raise TokenRefused("ticket_invalid")
    now = timezone.now()
    if now >= row.expires_at or not _may_listen(row.device, now):
        raise TokenRefused("ticket_invalid")
    return Right(row.device.user_id, device_id=row.device_id, until=now + access_tokens.LIFE)


def right_of_token(token: str) -> Right:
    """What an access token allows, until its time is over. Raises TokenRefused."""
    device = device_of(token)
    if not _may_listen(device, timezone.now()):
        raise TokenRefused("second_factor_required")
    until = device.expires_at if device.is_token else access_tokens.read(settings.JWT_SECRET, token).ends_at
    return Right(device.user_id, device_id=device.pk, until=until)


def right_of_session(session_key: str | None) -> Right | None:
    """What a page's cookie allows; None for nobody's, an ended one, or one of somebody shut out."""
    user_id = _people_of_sessions({session_key}).get(session_key) if session_key else None
    return Right(user_id, session_key=session_key or "") if user_id else None


def still_held(rights: Collection[Right]) -> set[Right]:
    """Those that hold at this moment, read afresh: three queries, however many there are."""
    now = timezone.now()
    people = _people_of_sessions({right.session_key for right in rights if right.session_key})
    devices = Device.objects.select_related("user").in_bulk([right.device_id for right in rights if right.device_id])

    def holds(right: Right) -> bool:
        if right.session_key:
            return people.get(right.session_key) == right.user_id
        device = devices.get(right.device_id)
        return device is not None and _may_listen(device, now) and (right.until is None or now < right.until)

    return {right for right in rights if holds(right)}


def _may_listen(device: Device, now: datetime) -> bool:
    """As with requests: staff with their second factor alone (security.md 6.3.4)."""
    return may_act(device, now) and (device.used_second_factor or not device.user.is_staff)


def _people_of_sessions(keys: Collection[str]) -> dict[str, UUID]:
    """Session key → its person, of the sessions that still sign somebody in."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    rows = store.get_model_class().objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions: dict[str, Any] = {row.session_key: store().decode(row.session_data) for row in rows}
    people = {str(user.pk): user for user in User.objects.filter(pk__in=_named(sessions.values()), is_active=True)}
    return {key: user.pk for key, each in sessions.items() if (user := _person(each, people)) is not None}


def _named(sessions: Collection[Any]) -> set[str]:
    return {each[SESSION_KEY] for each in sessions if SESSION_KEY in each}


def _person(session: Any, people: dict[str, User]) -> User | None:
    """As Django's own look: a known backend, and the password there was at the sign-in."""
    user = people.get(session.get(SESSION_KEY, ""))
    if user is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    if user.is_staff and not session.get(SECOND_FACTOR):  # as with pages: no side door (security.md 6.3.4)
        return None
    return user if constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()) else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
