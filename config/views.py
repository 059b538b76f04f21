"""Pages that belong to no app: what a person sees when a request is refused."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form sent from an old or foreign page: say so instead of Django's English page."""
    return render(request, "errors/403_csrf.html", {"reason": reason}, status=403)
