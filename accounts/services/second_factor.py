"""The second factor (A09): an authenticator app, confirmed by its first code, and ten codes for the day it is lost.

A code works once (I38). Wrong ones cost what wrong passwords cost, and a device that has signed in before is counted by
itself, so that a stranger who knows the password cannot shut the owner out (I37).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from accounts import lockout, totp
from accounts.errors import AccountsError
from accounts.lockout import Limit
from accounts.models import RecoveryCode, SecondFactor, User
from accounts.services import notices
from accounts.services.audit import record
from accounts.services.sign_in import Place, forgive, spend

CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
HALF = 5


class WrongCode(AccountsError):
    """Neither the authenticator's code of this half minute nor an unused recovery code."""

    code = "wrong_code"


class FactorRefused(AccountsError):
    """The second factor cannot be set up, confirmed or taken away as it stands now."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is told, shown until its first code has come back."""

    secret: str = field(repr=False)
    address: str = field(repr=False)


@transaction.atomic
def enrol(user: User) -> Enrolment:
    """A fresh seed, not in force before its first code has come back. Raises FactorRefused where one is in force."""
    person = User.objects.select_for_update().get(pk=user.pk)
    if person.is_2fa_enabled:
        raise FactorRefused("second_factor_is_on")
    seed = secrets.token_bytes(totp.SEED_BYTES)
    SecondFactor.objects.filter(user=person).delete()  # one that was begun and never confirmed
    factor = SecondFactor(user=person)
    _sealing("seal")(factor, {"seed": seed.hex()})
    factor.save(force_insert=True)
    return Enrolment(totp.secret_text(seed), totp.otpauth_address(seed, user.email))


def begun(user: User) -> Enrolment | None:
    """The seed that was made and waits for its first code. Whoever shows it has made sure of who looks."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    if factor is None:
        return None
    seed = _seed(factor)
    return Enrolment(totp.secret_text(seed), totp.otpauth_address(seed, user.email))


def confirm(user: User, code: str, place: Place) -> list[str]:
    """Switch the second factor on with the app's first code; the recovery codes, shown once.

    Raises WrongCode, TooManyTries, FactorRefused.
    """
    limits = _limits(user, place)
    spend(limits)
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if factor is None:
            raise FactorRefused("second_factor_not_begun")
        step = max(totp.steps_of_code(_seed(factor), code, timezone.now()), default=None)
        if step is None:
            raise WrongCode
        factor.last_step, factor.confirmed_at = step, timezone.now()
        factor.save(update_fields=["last_step", "confirmed_at"])
        _switch(user, on=True)
        codes = _fresh_codes(user)
    forgive(limits)
    return codes


def check(user: User, code: str, place: Place) -> None:
    """Take one code of a person whose second factor is on. Raises WrongCode, TooManyTries."""
    limits = _limits(user, place)
    spend(limits)
    if not (_takes_app_code(user, code) or _takes_recovery_code(user, code)):
        record(user, "second_factor", f"user:{user.pk}", result="refused")
        raise WrongCode
    forgive(limits)


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Ten new ones; the old ones are void. Raises FactorRefused where no second factor is on."""
    if not User.objects.select_for_update().get(pk=user.pk).is_2fa_enabled:
        raise FactorRefused("second_factor_is_off")
    record(user, "recovery_codes_made", f"user:{user.pk}")
    notices.tell_security(user, "recovery_codes_made")
    return _fresh_codes(user)


@transaction.atomic
def switch_off(user: User) -> None:
    """Take the second factor away. Raises FactorRefused for staff, who must have one, and where there is none."""
    person = User.objects.select_for_update().get(pk=user.pk)
    if not person.is_2fa_enabled:
        raise FactorRefused("second_factor_is_off")
    if person.is_staff:
        raise FactorRefused("second_factor_is_required")
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    _switch(user, on=False)


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _takes_app_code(user: User, code: str) -> bool:
    factor = SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).first()
    if factor is None or len(code) != totp.DIGITS:
        return False
    steps = list(totp.steps_of_code(_seed(factor), code, timezone.now()))
    # The database decides who is first: a code sent twenty times at once is taken once.
    return any(SecondFactor.objects.filter(pk=user.pk, last_step__lt=step).update(last_step=step) for step in steps)


def _takes_recovery_code(user: User, code: str) -> bool:
    unused = RecoveryCode.objects.filter(user=user, hash=_code_hash(user, code), used_at=None)
    if not unused.update(used_at=timezone.now()):
        return False
    record(user, "recovery_code_used", f"user:{user.pk}")
    notices.tell_security(user, "recovery_code_used", left=str(codes_left(user)))
    return True


def _fresh_codes(user: User) -> list[str]:
    halves = ["".join(secrets.choice(LETTERS) for _letter in range(HALF)) for _half in range(2 * CODES)]
    codes = [f"{one}-{other}" for one, other in zip(halves[::2], halves[1::2], strict=True)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, hash=_code_hash(user, code)) for code in codes)
    return codes


def _code_hash(user: User, code: str) -> str:
    plain = code.strip().lower().replace("-", "")
    return salted_hmac("accounts.recovery_code", f"{user.pk}:{plain}", algorithm="sha256").hexdigest()


def _switch(user: User, *, on: bool) -> None:
    user.is_2fa_enabled = on
    user.save(update_fields=["is_2fa_enabled", "updated_at"])
    cause = "second_factor_on" if on else "second_factor_off"
    record(user, cause, f"user:{user.pk}")
    notices.tell_security(user, cause)


def _limits(user: User, place: Place) -> dict[str, Limit]:
    if place.device:
        return {f"code {user.pk} device {place.device}": lockout.PER_ACCOUNT_AND_PLACE}
    of_place = {f"code {user.pk} place {place.block}": lockout.PER_ACCOUNT_AND_PLACE}
    return of_place | {f"code {user.pk}": lockout.PER_ACCOUNT}


def _seed(factor: SecondFactor) -> bytes:
    return bytes.fromhex(_sealing("reveal")(factor)["seed"])


def _sealing(verb: str) -> Callable[..., Any]:
    """`seal` or `reveal`. Who does it is named in the settings: it lives in an app above this one."""
    found: Callable[..., Any] = import_string(f"{settings.SECRETS}.{verb}")
    return found
