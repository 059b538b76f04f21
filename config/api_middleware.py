"""Around every request: a name for it, in the log and in the answer, and headers no answer goes without."""

import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

REQUEST_ID = "X-Request-ID"
FOR_DATA = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ALWAYS = {  # also where the chain ends early: files, preflights, a host that is not ours
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}
_SENT = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestNames:
    """`request.id`, on every log line and in `X-Request-ID`. A name the sender gave is kept where it is harmless."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get(REQUEST_ID, "")
        name = sent if _SENT.fullmatch(sent) else uuid4().hex
        request.id = name  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=name)
        try:
            response = self._get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        response.headers[REQUEST_ID] = name
        for header, value in ALWAYS.items():
            response.headers.setdefault(header, value)
        if not settings.DEBUG:  # the pages that then show what went wrong have styles of their own
            response.headers.setdefault("Content-Security-Policy", FOR_DATA)
        return response


class ContentPolicy(CSPMiddleware):
    """The Content-Security-Policy of every answer: the site's for pages, and for JSON, which loads nothing, the strictest."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type") == "application/json":
            response.headers.setdefault("Content-Security-Policy", FOR_DATA)
            return response
        return super().process_response(request, response)
