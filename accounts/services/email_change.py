"""Changing the address a person signs in with: asked for after a step-up, confirmed from the new one, undone from the old.

The old address stays reserved for as long as the way back is open. Whether the new one is somebody's already, the page does
not say: its owner is told by mail, as at the sign-up.
"""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import lockout
from accounts.errors import AccountsError
from accounts.models import EmailChange, User
from accounts.services import notices
from accounts.services.api_devices import end_devices, hash_of
from accounts.services.audit import record
from accounts.services.sign_in import spend

CONFIRM_WITHIN, UNDO_WITHIN = timedelta(hours=1), timedelta(days=7)


class LinkOver(AccountsError):
    """Used, too old, overtaken, or none of ours."""

    code = "link_over"


class SameEmail(AccountsError):
    code = "same_email"


@dataclass(frozen=True, slots=True)
class Mailed:
    """What is mailed about a change: two links, kept nowhere here."""

    change: EmailChange
    confirm: str = field(repr=False)
    undo: str = field(repr=False)


def ask(user: User, new_email: str, address: str) -> EmailChange:
    """Begin a change of somebody who has just stepped up; `with_links` makes what is mailed. Raises SameEmail, TooManyTries."""
    new_email = new_email.lower()
    if new_email == user.email:
        raise SameEmail
    names = (f"e-mail change {user.pk}", f"e-mail change to {new_email}")
    spend(dict.fromkeys(names, lockout.RESETS_PER_ACCOUNT))
    now = timezone.now()
    with transaction.atomic():
        earlier = EmailChange.objects.filter(user=user, confirmed_at=None, undone_at=None)
        earlier.update(confirm_until=now)  # the last one asked for counts
        change = EmailChange.objects.create(
            user=user,
            old_email=user.email,
            new_email=new_email,
            confirm_hash=hash_of(_new_link()),  # nobody's, until they are mailed
            undo_hash=hash_of(_new_link()),
            confirm_until=now + CONFIRM_WITHIN,
            undo_until=now + UNDO_WITHIN,
        )
        record(user, "email_change_asked", f"user:{user.pk}", address=address)
    return change


def with_links(change_id: int) -> Mailed | None:
    """New links, which void earlier ones; None where the change is gone. Made where they are mailed: no message carries them."""
    confirm, undo = _new_link(), _new_link()
    EmailChange.objects.filter(pk=change_id).update(confirm_hash=hash_of(confirm), undo_hash=hash_of(undo))
    change = EmailChange.objects.select_related("user").filter(pk=change_id).first()
    return Mailed(change, confirm, undo) if change else None


def waiting_change(user: User) -> EmailChange | None:
    """The change that waits for its new address, if there is one."""
    last = EmailChange.objects.filter(user=user).order_by("-asked_at").first()
    return last if last is not None and last.is_waiting(timezone.now()) else None


def find(link: str, *, undo: bool) -> EmailChange:
    """The change behind a mailed link that may still be followed. Raises LinkOver."""
    name = "undo_hash" if undo else "confirm_hash"
    change = EmailChange.objects.select_related("user").filter(**{name: hash_of(link)}).first()
    now = timezone.now()
    if change is None or not (change.may_be_undone(now) if undo else change.is_waiting(now)):
        raise LinkOver
    return change


def confirm(link: str, address: str) -> User:
    """The new address has answered: it counts from now on, and whoever is signed in elsewhere is signed out. Raises LinkOver."""
    with transaction.atomic():
        change = _locked(find(link, undo=False))
        if not change.is_waiting(timezone.now()) or _is_taken(change.new_email, change.user):
            raise LinkOver
        change.confirmed_at = timezone.now()
        change.save(update_fields=["confirmed_at"])
        _set(change.user, change.new_email)
        end_devices(change.user, "email_changed")
        record(change.user, "email_changed", f"user:{change.user_id}", address=address)
        notices.tell_security(change.user, "email_changed", email=change.new_email)
    return change.user


def undo(link: str, address: str) -> User:
    """The old address says no: it is the person's again, nobody stays signed in, no password counts. Raises LinkOver."""
    with transaction.atomic():
        change = _locked(find(link, undo=True))
        user = change.user
        if not change.may_be_undone(timezone.now()) or _is_taken(change.old_email, user):
            raise LinkOver
        # This change and whatever was asked for after it by whoever asked for it.
        later = EmailChange.objects.filter(user=user, asked_at__gte=change.asked_at, undone_at=None)
        later.update(undone_at=timezone.now())
        user.set_unusable_password()  # whoever asked for the change knew it: a mailed link sets a new one
        _set(user, change.old_email)
        end_devices(user, "email_change_undone")
        record(user, "email_change_undone", f"user:{user.pk}", address=address)
        notices.tell_security(user, "email_change_undone")
    return user


def is_reserved(email: str, but_for: User | None = None) -> bool:
    """Whether this was somebody's address until lately, and may be again."""
    open_ways = EmailChange.objects.filter(old_email=email.lower(), undone_at=None, undo_until__gt=timezone.now())
    others = open_ways.exclude(confirmed_at=None)
    return (others.exclude(user=but_for) if but_for else others).exists()


def _new_link() -> str:
    return secrets.token_urlsafe(32)


def _is_taken(email: str, user: User) -> bool:
    return User.objects.filter(email=email).exclude(pk=user.pk).exists() or is_reserved(email, user)


def _locked(change: EmailChange) -> EmailChange:
    """With its person, both as they are now."""
    user = User.objects.select_for_update().get(pk=change.user_id)
    locked = EmailChange.objects.select_for_update().get(pk=change.pk)
    locked.user = user
    return locked


def _set(user: User, email: str) -> None:
    user.email = email
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "password", "updated_at"])
    except IntegrityError:  # somebody signed up with it at this very moment
        raise LinkOver from None
