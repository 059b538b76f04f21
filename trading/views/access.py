"""Who may see a page: signed-in people, each only their own rows. What they see is never kept by a cache."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from accounts.services import sessions
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from trading.errors import NotAllowed, OrderNotOpen, SecondFactorMissing, TradingError
from trading.templatetags.reasons import error_sentence

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request whose person is known."""

    user: User
    htmx: HtmxDetails
    state_stamp: str  # of a whole page that listens to events: how things stood before anything was read


def signed_in(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let signed-in people in and send others to the sign-in page; a fragment sends the whole page there."""

    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        response = view(cast("PersonRequest", request), *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", wraps(view)(guarded))


def freshly_proven(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[PersonRequest, P], HttpResponse]:
    """Ask who took the books out of the house: proved ten minutes ago at most (I39). Comes below `signed_in`."""

    def guarded(request: PersonRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if sessions.is_stepped_up(request, request.user):
            return view(request, *args, **kwargs)
        came_from = urlsplit(request.headers.get("Referer", ""))
        after = came_from.path if came_from.netloc == request.get_host() else "/"
        return redirect(f"{reverse('accounts:confirm')}?{urlencode({'next': after})}")

    return cast("Callable[Concatenate[PersonRequest, P], HttpResponse]", wraps(view)(guarded))


def require_factor(request: PersonRequest, account: BrokerAccount) -> None:
    """Raise SecondFactorMissing where real money would move for somebody who has not shown a second factor."""
    has_shown = request.user.is_2fa_enabled and sessions.used_second_factor(request)
    if account.environment == Environment.LIVE and not has_shown:
        raise SecondFactorMissing


def refused(request: HttpRequest, error: TradingError) -> HttpResponse:
    """The page that says why nothing was done."""
    status = {NotAllowed.code: 403, SecondFactorMissing.code: 403, OrderNotOpen.code: 409}.get(error.code, 422)
    return render(request, "trading/refused.html", {"sentence": error_sentence(error)}, status=status)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    htmx = cast("PersonRequest", request).htmx
    if not htmx:
        return redirect_to_login(request.get_full_path())
    shown = urlsplit(htmx.current_url or "")
    return HttpResponseClientRedirect(redirect_to_login(shown.path or "/").url)
