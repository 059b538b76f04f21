"""The API's description for people and for programs, from our own files, and answers for addresses there are not."""

from collections.abc import Callable
from functools import cache
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from accounts.api.authentication import bearer_of
from accounts.api.problems import Problem
from accounts.api.wire import written
from config.api import plain_answer
from config.api_streams import document
from config.environment import Mode
from strategies.document import RuleDocument

# Both draw with styles of their own making; ReDoc searches in a worker made from a blob. Scripts are our own files alone.
DRAWN_BY_SCRIPTS = {
    "default-src": [SELF],
    "img-src": [SELF, "data:"],
    "style-src": [SELF, UNSAFE_INLINE],
    "worker-src": [SELF, "blob:"],
    "object-src": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
    "form-action": [SELF],
}
JSON = "application/json"
# No page is under these: the API, and the literal addresses of other systems (config.compat).
FOR_PROGRAMS = (
    *("/api/", "/auth/", "/users/", "/account/", "/order/", "/stocks/", "/swing/", "/realtime/", "/backtest/"),
    "/ai_strategy/",
)
ERROR_CODES = {400: "invalid_request", 403: "not_permitted", 404: "not_found", 500: "internal_error"}


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1. In production for signed-in people (security.md 13.4)."""
    if not _may_read(request):
        return plain_answer(request, "not_signed_in", 401)
    return HttpResponse(schema_text(), content_type="application/vnd.oai.openapi+json; charset=utf-8")


@cache
def schema_text() -> bytes:
    """The schema, made once: it is the code's own, and the same for everybody."""
    return written(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@require_safe
def streams(request: HttpRequest) -> HttpResponse:
    """AsyncAPI 3: the sockets. As the schema, for signed-in people in production."""
    if not _may_read(request):
        return plain_answer(request, "not_signed_in", 401)
    return HttpResponse(written(document()), content_type="application/vnd.aai.asyncapi+json; charset=utf-8")


@require_safe
def strategy_schema(request: HttpRequest) -> HttpResponse:
    """JSON Schema: what a rule document may hold. As the schema of the API, for signed-in people in production."""
    if not _may_read(request):
        return plain_answer(request, "not_signed_in", 401)
    return HttpResponse(_strategy_schema_text(), content_type="application/schema+json; charset=utf-8")


@cache
def _strategy_schema_text() -> bytes:
    return written(RuleDocument.json_schema())


@require_safe
@csp(DRAWN_BY_SCRIPTS)
def swagger(request: HttpRequest) -> HttpResponseBase:
    return _page(request, "api/swagger.html")


@require_safe
@csp(DRAWN_BY_SCRIPTS)
def redoc(request: HttpRequest) -> HttpResponseBase:
    return _page(request, "api/redoc.html")


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponse:
    """Under /api/ nothing is guessed: no redirect to another spelling, for a POST would lose its body on the way."""
    return plain_answer(request, "not_found", 404)


def error_page(status: int, page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A handler that answers programs in the API's shape and people with a page."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if _is_for_programs(request):
            return plain_answer(request, ERROR_CODES[status], status)
        return page(request, *args, template_name=f"errors/{status}.html", **kwargs)

    return answer


handler400 = error_page(400, defaults.bad_request)
handler403 = error_page(403, defaults.permission_denied)
handler404 = error_page(404, defaults.page_not_found)
handler500 = error_page(500, defaults.server_error)


def _is_for_programs(request: HttpRequest) -> bool:
    asked = request.headers.get("Accept", "")
    match = request.resolver_match
    is_api_view = match is not None and hasattr(getattr(match.func, "cls", None), "check_permissions")
    return is_api_view or request.path.startswith(FOR_PROGRAMS) or (JSON in asked and "text/html" not in asked)


def _page(request: HttpRequest, template: str) -> HttpResponseBase:
    if not _may_read(request):
        return redirect_to_login(request.get_full_path())
    return render(request, template)


def _may_read(request: HttpRequest) -> bool:
    from django.conf import settings

    if settings.ENVIRONMENT.mode is not Mode.PRODUCTION or request.user.is_authenticated:
        return True
    try:
        return bearer_of(request) is not None
    except Problem:
        return False
