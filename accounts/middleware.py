"""How long a session lasts, what staff must have shown, and each answer in its person's language and time zone."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import sessions

API = "/api/v1/"  # no session is read here, and none kept alive
# What staff reach before they have shown their second factor: where they set it up, the way out, and how pages look.
WITHOUT_SECOND_FACTOR = {
    "accounts:second_factor",
    "accounts:sign_in",
    "accounts:sign_out",
    "set_language",
    "markets:theme",
    "health",
    "health-live",
    "health-database",
    "health-ready",
}


class SessionLimits:
    """Sessions end idle and after a time (security.md 7.3); staff act with their second factor alone (6.3.3)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API) and isinstance(request.user, User):
            sessions.touch(request, request.user)
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Where staff have not shown it, or have none: the page where it is set up, or the sign-in that asks for it."""
        if request.path_info.startswith(API) or not isinstance(request.user, User) or not request.user.is_staff:
            return None
        if sessions.used_second_factor(request):
            return None
        match = request.resolver_match
        if hasattr(view, "cls") or (match is not None and match.view_name in WITHOUT_SECOND_FACTOR):
            return None
        messages.warning(request, _("관리자는 2단계 인증을 켜고 그 코드로 로그인해야 합니다."))
        return redirect("accounts:second_factor")


class PersonalSettingsMiddleware:
    """Language and time zone come from the person; for a visitor, browser and cookie decide.

    The API knows its person by a token alone, and sees to both itself (`accounts.api.view`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = settings.USER_TIME_ZONE
        if not request.path_info.startswith(API) and request.user.is_authenticated:
            zone = request.user.time_zone
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        with timezone.override(ZoneInfo(zone)):
            return self._get_response(request)
