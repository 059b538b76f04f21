"""What the pages of one's own settings have in common: signed-in people alone, kept by no cache, the list of pages beside."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import StepUpForm
from accounts.models import User

P = ParamSpec("P")
PAGES = (
    ("settings", _("내 정보")),
    ("second_factor", _("2단계 인증")),
    ("devices", _("기기")),
    ("tokens", _("API 토큰")),
    ("notice_settings", _("알림")),
)


class PersonRequest(HttpRequest):
    """A request whose person is known."""

    user: User


def personal(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Signed-in people alone; what they type here stays out of every error report."""

    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return cast("HttpResponse", redirect_to_login(request.get_full_path()))
        response = view(cast("PersonRequest", request), *args, **kwargs)
        add_never_cache_headers(response)
        return response

    quiet = sensitive_post_parameters()(wraps(view)(guarded))
    return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", quiet)


def page(
    request: HttpRequest,
    here: str,
    template: str,
    context: dict[str, Any] | None = None,
    form: StepUpForm | None = None,
) -> HttpResponse:
    """One page of the settings. With a `form` that was refused: 422, or 429 and how long to wait."""
    shown = {"settings_pages": PAGES, "here": here, "form": form} | (context or {})
    response = render(request, f"accounts/{template}.html", shown)
    if form is not None and form.errors:
        response.status_code = 422
        if form.refusal:
            response.status_code = 429
            response["Retry-After"] = str(form.refusal.seconds)
    return response
