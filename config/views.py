"""Pages that belong to no app: health for probes, and what a person sees when a request is refused."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import health
from config.operations import look


@never_cache
@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """This process answers. Nothing else is asked, so that a lost database does not get it restarted."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def database(_request: HttpRequest) -> JsonResponse:
    answers = health.database_answers()
    return JsonResponse({"status": "up" if answers else "down"}, status=200 if answers else 503)


@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    report, status = health.readiness(timezone.now())
    response = JsonResponse(report, status=status)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark: "not ready" is an answer here, no error of ours
    return response


@require_safe
@login_required
def help_page(request: HttpRequest) -> HttpResponse:
    """What the words on the pages mean, and where to look when something is in the way."""
    return render(request, "config/help.html")


@never_cache
@require_safe
@login_required
def operations(request: HttpRequest) -> HttpResponse:
    """How the whole installation is, for admins; the page asks again every few seconds."""
    if not request.user.is_staff:
        raise PermissionDenied
    is_fragment = request.headers.get("HX-Request") == "true"
    template = "config/_operations.html" if is_fragment else "config/operations.html"
    return render(request, template, {"look": look(timezone.now()), "page": "operations"})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form sent from an old or foreign page: say so instead of Django's English page."""
    return render(request, "errors/403_csrf.html", {"reason": reason}, status=403)
