"""Devices that have signed in before, told by a signed cookie: a stranger's guesses cannot shut out the owner there."""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from accounts.models import Device, User
from accounts.services import notices

SALT = "accounts.known_device"
MAX_AGE = 400 * 24 * 3600  # the longest a browser keeps a cookie
PEOPLE_PER_DEVICE = 5
DEVICE_HEADER = "X-Device-Token"  # for programs that keep no cookies


def device_cookie() -> str:
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def known_device(request: HttpRequest, email: str) -> str:
    """The device's id where it has signed in as `email` before, else an empty string."""
    device, people = _read(request)
    return device if _person(email) in people else ""


def device_token(request: HttpRequest, email: str) -> str:
    """After a sign-in: what this device is told to keep, by which it is known for this e-mail, too."""
    device, people = _read(request)
    person = _person(email)
    people = [*(other for other in people if other != person), person][-PEOPLE_PER_DEVICE:]
    return signing.dumps({"device": device or secrets.token_hex(16), "people": people}, salt=SALT)


def remember_device(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Have a browser keep its device token as a cookie."""
    response.set_cookie(
        device_cookie(),
        device_token(request, email),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def tell_of_new_device(user: User, was_known: bool, name: str, address: str) -> None:
    """Tell somebody who had signed in before that a device did that never had (I52, security.md 6.3.5)."""
    if not was_known and Device.objects.filter(user=user).count() > 1:  # the one row is this sign-in's own
        notices.tell_security(user, "new_device", device=name, address=address)


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    kept = request.COOKIES.get(device_cookie()) or request.headers.get(DEVICE_HEADER, "")
    try:
        content: dict[str, Any] = signing.loads(kept, salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:  # none, an old one, or somebody else's handwriting
        return "", []
    return content["device"], content["people"]


def _person(email: str) -> str:
    return salted_hmac(SALT, email.lower(), algorithm="sha256").hexdigest()[:32]
