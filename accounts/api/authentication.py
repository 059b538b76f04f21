"""Who asks: the bearer of an access token, whose device is still signed in. Roles are read from the database each time."""

from typing import Any

from django.http.request import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication

from accounts.access_tokens import TokenRefused
from accounts.api.problems import Problem
from accounts.models import Device, User
from accounts.services import client_address
from accounts.services.api_devices import device_of, note_use

CHALLENGE = 'Bearer realm="kairos"'


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`, and nothing else: no cookie means no request forged by another page (I41).

    A program's own token (A17) comes in the same place.
    """

    def authenticate(self, request: Any) -> tuple[User, Device] | None:
        found = bearer_of(request)
        if found is not None:
            note_use(found[1], client_address(request._request))
        return found

    def authenticate_header(self, request: Any) -> str:
        return CHALLENGE


def bearer_of(request: HttpRequest) -> tuple[User, Device] | None:
    """The person and the device of a request, None where it carries no token. Raises Problem for a bad one."""
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer" or not token:
        raise _refused("token_invalid")
    try:
        device = device_of(token.strip())
    except TokenRefused as e:
        raise _refused(e.code) from None
    return device.user, device


def _refused(code: str) -> Problem:
    return Problem(code, 401).with_headers(WWW_Authenticate=f'{CHALLENGE}, error="invalid_token"')


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names it."""

    target_class = "accounts.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT, or an API token"}
