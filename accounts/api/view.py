"""What every view of the API has in common, and `operation`, which reads a request as its documentation says it is.

One declaration both enforces and documents: the body, the parameters, the headers and the answers of one method. So the
schema cannot say anything else than what happens.
"""

import re
import time
from collections.abc import Callable
from functools import wraps
from threading import local
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from django.utils import timezone, translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import budgets
from accounts.api.authentication import BearerAuthentication
from accounts.api.budgets import Budget
from accounts.api.fields import Answer, NoQuery, Strict, flat
from accounts.api.problems import Problem
from accounts.api.wire import JsonOnly, PlainJson, StrictJson
from accounts.models import Device, Scope, User
from accounts.services import client_address
from accounts.services.api_devices import is_stepped_up

JSON = "application/json"
SAFE = {"GET", "HEAD", "OPTIONS"}
_readers = local()
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class ApiRequest(Request):
    """A request whose person is known."""

    user: User
    auth: Device


class ErrorAnswer(Answer):
    """Every refusal and every error looks like this."""

    code = serializers.CharField(help_text="Stable, for programs.")
    message = serializers.CharField(help_text="For people, in their language.")
    detail = serializers.DictField(help_text="Numbers behind the code; `fields` where single fields are wrong.")
    request_id = serializers.CharField(help_text="Names this request in the log.")


class SignedIn(BasePermission):
    """Signed in; staff with their second factor (security.md 6.3.3)."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not isinstance(request.user, User):
            raise Problem("not_signed_in", 401).with_headers(WWW_Authenticate='Bearer realm="kairos"')
        if request.user.is_staff and not request.auth.used_second_factor and not view.without_second_factor:
            raise Problem("second_factor_required", 403)
        if request.auth.is_token:
            _check_token(request, view)
        return True


def _check_token(request: Any, view: Any) -> None:
    """What a program may do with a token of its own. Raises Problem."""
    if view.by_people_alone:
        raise Problem("not_with_a_token", 403)
    if request.auth.scope == Scope.READ and request.method not in SAFE:
        raise Problem("token_reads_only", 403)


class Trader(SignedIn):
    """Anybody may look; only those who may trade change anything."""

    def has_permission(self, request: Any, view: Any) -> bool:
        super().has_permission(request, view)
        if request.method not in SAFE and not request.user.may_trade:
            raise Problem("not_allowed", 403)
        return True


class Staff(SignedIn):
    def has_permission(self, request: Any, view: Any) -> bool:
        super().has_permission(request, view)
        if request.auth.is_token:
            raise Problem("not_with_a_token", 403)
        if not request.user.is_staff:
            raise Problem("not_permitted", 403)
        return True


class ApiView(APIView):
    """Signed-in people, JSON in and out, counted per person and address, answered in the person's language and zone."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [Trader]
    parser_classes = [StrictJson]
    renderer_classes = [PlainJson]
    content_negotiation_class = JsonOnly
    metadata_class = None
    without_second_factor = False  # whether staff get here without one, too: where they set it up
    by_people_alone = False  # whether a token is refused here: where a person's own sign-in is looked after

    asked: dict[str, Any]  # the body, read
    query: dict[str, Any]  # the parameters, read
    key: str  # the Idempotency-Key
    if_match: str
    budget: Budget | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            self.perform_authentication(request)
        finally:
            self._count(request)
        if isinstance(request.user, User):
            translation.activate(request.user.language)
            timezone.activate(ZoneInfo(request.user.time_zone))
        self.check_permissions(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        for name, value in (self.budget.headers if self.budget else {}).items():
            response.headers[name] = value
        return response

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise Problem("method_not_allowed", 405)

    def _count(self, request: Request) -> None:
        person = getattr(request, "_user", None)
        key = str(person.pk) if isinstance(person, User) else ""
        self.budget = budgets.spend(key, client_address(request._request), time.time())
        if self.budget is not None and self.budget.is_spent:
            wait = self.budget.reset
            raise Problem("too_many_requests", 429, seconds=wait).with_headers(Retry_After=str(wait))


Method = Callable[..., Response]


class Declared(NamedTuple):
    """What one method takes."""

    body: type[Strict] | None
    query: type[Strict] | None


KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[\\x21-\\x7e]{1,128}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="The same key with the same body is the same request, done once; with another body it is refused. Kept 30 days.",
)
MATCH_HEADER = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="The `ETag` last read."
)
STEP_UP = "Needs a step-up (`POST /api/v1/auth/step-up`) within the last ten minutes."
ERRORS = {
    400: "The request cannot be read: an unknown or missing field, a bad value.",
    401: "No access token, or none that counts any more.",
    403: "Not with this role, or not without a second factor or a step-up.",
    404: "Not there, or not yours.",
    405: "Not with this method.",
    409: "Not as things stand now.",
    412: "Changed since it was read.",
    413: "Too large.",
    415: "Not JSON.",
    422: "Understood and refused; `code` says why.",
    428: "`If-Match` is missing.",
    429: "Too many requests, or tries.",
    503: "Not now.",
}


def operation(
    summary: str,
    *,
    body: type[Strict] | None = None,
    query: type[Strict] | None = None,
    answer: Any = None,
    status: int = 200,
    idempotent: bool = False,
    if_match: bool = False,
    steps_up: bool = False,
    media_type: str = JSON,
    errors: tuple[int, ...] = (),
    description: str = "",
    **schema: Any,
) -> Callable[[Method], Method]:
    """Declare one method of a view: what it takes, what it answers, what must be shown first."""

    def declare(method: Method) -> Method:
        @wraps(method)
        def read_first(self: ApiView, request: ApiRequest, *args: Any, **kwargs: Any) -> Response:
            if steps_up:
                require_step_up(request)
            self.query = checked(query or NoQuery, flat(request.query_params))
            if idempotent:
                self.key = _idempotency_key(request)
            if if_match:
                self.if_match = _if_match(request)
            if body is not None:
                self.asked = checked(body, request.data)
            elif request.method not in SAFE and request.data:
                raise Problem("unexpected_body", 400)
            return method(self, request, *args, **kwargs)

        read_first.declared = Declared(body, query)  # type: ignore[attr-defined]  # what tests walk by
        shown: dict[Any, Any] = {
            (code, JSON): OpenApiResponse(ErrorAnswer, description=ERRORS[code]) for code in _errors()
        }
        shown[status, media_type] = OpenApiResponse(answer, description=summary)
        return cast(
            "Method",
            extend_schema(
                summary=summary,
                description=" ".join(filter(None, [description, STEP_UP if steps_up else ""])),
                request=body,
                responses=dict(sorted(shown.items())),
                parameters=[*([query] if query else []), *([KEY_HEADER] if idempotent else []), *_match(if_match)],
                **schema,
            )(read_first),
        )

    def _errors() -> set[int]:
        usual = {400, 401, 403, 404, 405, 429, 503}
        writes = {409, 413, 415, 422} if body is not None or idempotent else set()
        return usual | writes | ({412, 428} if if_match else set()) | set(errors)

    return declare


def checked(serializer: type[Strict], data: Any) -> dict[str, Any]:
    """The data as the serializer reads it. Raises ValidationError."""
    try:
        return dict(_reader(serializer).run_validation(data))
    except ValidationError:
        read = serializer(data=data)  # once more, by the way that words what is wrong
        read.is_valid(raise_exception=True)
        raise


def _reader(serializer: type[Strict]) -> Strict:
    """A serializer of that kind of this thread's own: making its fields anew costs more than reading by them."""
    kept: dict[type[Strict], Strict] | None = getattr(_readers, "kept", None)
    if kept is None:
        kept = _readers.kept = {}
    if serializer not in kept:
        kept[serializer] = serializer()
    return kept[serializer]


def require_step_up(request: ApiRequest) -> None:
    """Raise Problem unless the person has proved who they are a moment ago (I39)."""
    if not is_stepped_up(request.auth):
        raise Problem("step_up_required", 403)


def require_match(if_match: str, etag: str) -> None:
    """Raise Problem where the thing is no longer what the sender has read."""
    if if_match != "*" and etag not in [each.strip() for each in if_match.split(",")]:
        raise Problem("changed_meanwhile", 412)


def _match(if_match: bool) -> list[OpenApiParameter]:
    return [MATCH_HEADER] if if_match else []


def _idempotency_key(request: Request) -> str:
    key: str = request.headers.get("Idempotency-Key", "")
    if not key:
        raise Problem("idempotency_key_missing", 400)
    if not _KEY.fullmatch(key):
        raise Problem("idempotency_key_invalid", 400)
    return key


def _if_match(request: Request) -> str:
    seen: str = request.headers.get("If-Match", "")
    if not seen:
        raise Problem("if_match_missing", 428)
    return seen
