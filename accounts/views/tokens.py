"""Tokens for programs (A17): made after a proof, shown in one answer and never again, ended by a press."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import TokenForm
from accounts.models import Device, Scope
from accounts.services import api_devices, api_tokens, client_address, sessions
from accounts.services.api_tokens import NewToken, TooManyTokens
from accounts.views.personal import PersonRequest, page, personal


@require_http_methods(["GET", "POST"])
@personal
def tokens(request: PersonRequest) -> HttpResponse:
    """What there is, and a form for another. Admins have none: what they may do is not lent to a program."""
    if request.method == "GET" or request.user.is_staff:
        return _page(request, TokenForm(request, request.user))
    form = TokenForm(request, request.user, request.POST)
    if not form.is_valid():
        return _page(request, form)
    wanted = form.cleaned_data
    try:
        made = api_tokens.create(
            request.user,
            name=wanted["name"],
            scope=Scope(wanted["scope"]),
            days=wanted["days"],
            second_factor=sessions.used_second_factor(request),
            address=client_address(request),
        )
    except TooManyTokens as e:
        form.add_error(None, _("API 토큰은 %(limit)s개까지 만들 수 있습니다.") % {"limit": e.limit})
        return _page(request, form)
    return _page(request, TokenForm(request, request.user), made)


@require_POST
@personal
def token_end(request: PersonRequest, token_id: UUID) -> HttpResponse:
    try:
        token = api_tokens.one_of(request.user, token_id)
    except Device.DoesNotExist:
        raise Http404 from None
    api_devices.end_device(request.user, token.pk)
    messages.success(request, _("토큰을 없앴습니다: %(name)s") % {"name": token.name})
    return redirect("accounts:tokens")


def _page(request: PersonRequest, form: TokenForm, made: NewToken | None = None) -> HttpResponse:
    rows = [{"token": each, "was_used": api_tokens.was_used(each)} for each in api_tokens.tokens_of(request.user)]
    return page(request, "tokens", "tokens", {"rows": rows, "made": made}, form)
