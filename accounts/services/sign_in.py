"""Check a password, and make guessing expensive (security.md 6.3.1, reliability.md §3.15).

The counters are rows, not cache entries: they survive a restart and count across processes. An answer is given only
where no counter asks to wait *after* the password was checked, so a burst of parallel guesses is worth one.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import lockout
from accounts.errors import TooManyTries, WrongPassword
from accounts.lockout import Limit
from accounts.models import Throttle, User
from accounts.services.audit import record

logger = logging.getLogger(__name__)
FORGET_ROWS_AFTER = timedelta(hours=24)  # the longest memory of any limit


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request comes from: its address block, and the device where it has signed in to this account before."""

    block: str
    device: str = ""


def client_address(request: HttpRequest) -> str:
    """The visitor's address: behind our one trusted proxy the last of X-Forwarded-For, which the proxy wrote."""
    if settings.SECURE_PROXY_SSL_HEADER:
        return str(request.headers.get("X-Forwarded-For", "")).rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def check_password(request: HttpRequest, email: str, password: str, place: Place) -> User:
    """The person with this e-mail and password. Raises WrongPassword, TooManyTries.

    An unknown e-mail costs the same hash and meets the same counters as a known one.
    """
    email = email.lower()
    limits = _sign_in_limits(email, place)
    _refuse_while_blocked(Throttle.objects.filter(key__in=limits), timezone.now())
    user = authenticate(request, username=email, password=password)
    with transaction.atomic():
        rows, now = _locked(limits, missing_too=user is None), timezone.now()
        _refuse_while_blocked(rows, now)  # others may have failed while this password was being hashed
        if isinstance(user, User):
            Throttle.objects.filter(key=_own_key(email, place)).delete()
        else:
            _count(rows, limits, now)
        _keep(request, email, user)
    if not isinstance(user, User):
        logger.warning("sign-in refused from %s", place.block)
        raise WrongPassword
    logger.info("sign-in of %s from %s", user.pk, place.block)
    return user


def _keep(request: HttpRequest, email: str, user: AbstractBaseUser | None) -> None:
    """The try in the audit. What was typed stays out of it, and a known e-mail costs no more than an unknown one."""
    known = User.objects.filter(email=email).values_list("pk", flat=True).first()
    actor = user if isinstance(user, User) else "visitor"
    result = "done" if isinstance(user, User) else "refused"
    record(actor, "sign_in", f"user:{known or 'unknown'}", address=client_address(request), result=result)


def spend(limits: Mapping[str, Limit]) -> None:
    """Count one use of each budget, named by any text. Raises TooManyTries, and then counts nothing."""
    keyed = {_key(name): limit for name, limit in limits.items()}
    with transaction.atomic():
        rows, now = _locked(keyed, missing_too=True), timezone.now()
        _refuse_while_blocked(rows, now)
        _count(rows, keyed, now)


def forgive(limits: Mapping[str, Limit]) -> None:
    """Forget what was spent of these budgets: it was spent rightly."""
    Throttle.objects.filter(key__in=[_key(name) for name in limits]).delete()


def _sign_in_limits(email: str, place: Place) -> dict[str, Limit]:
    own = {_own_key(email, place): lockout.PER_ACCOUNT_AND_PLACE}
    if place.device:  # a stranger's guesses must not shut out the owner: here only this device's own errors count
        return own
    return own | {_key(f"account {email}"): lockout.PER_ACCOUNT, _key(f"place {place.block}"): lockout.PER_PLACE}


def _own_key(email: str, place: Place) -> str:
    return _key(f"account {email} device {place.device}" if place.device else f"account {email} place {place.block}")


def _key(name: str) -> str:
    # Hashed: people type passwords into the wrong field, and a table of tried addresses is nobody's business.
    return salted_hmac("accounts.throttle", name, algorithm="sha256").hexdigest()


def _locked(limits: Mapping[str, Limit], missing_too: bool) -> list[Throttle]:
    """The counters of these keys, locked in one order so that two requests cannot wait for each other."""
    if missing_too:
        never = timezone.now() - 2 * FORGET_ROWS_AFTER
        fresh = [Throttle(key=key, failures=0, last_at=never, blocked_until=never) for key in sorted(limits)]
        Throttle.objects.bulk_create(fresh, ignore_conflicts=True)
    return list(Throttle.objects.select_for_update().filter(key__in=limits).order_by("key"))


def _refuse_while_blocked(rows: Iterable[Throttle], now: datetime) -> None:
    wait = max((row.blocked_until - now for row in rows), default=timedelta(0))
    if wait > timedelta(0):
        raise TooManyTries(wait)


def _count(rows: list[Throttle], limits: Mapping[str, Limit], now: datetime) -> None:
    for row in rows:
        row.take(lockout.counted(limits[row.key], row.as_count(), now))
    Throttle.objects.bulk_update(rows, ["failures", "last_at", "blocked_until"])
    old = Throttle.objects.select_for_update(skip_locked=True).filter(last_at__lt=now - FORGET_ROWS_AFTER)
    Throttle.objects.filter(key__in=list(old.values_list("key", flat=True)[:100])).delete()
