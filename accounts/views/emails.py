"""Another e-mail address: asked for by its person, confirmed and undone by whoever has the mailed link."""

import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from kombu.exceptions import OperationalError

from accounts import tasks
from accounts.errors import TooManyTries
from accounts.forms import EmailForm, wait_error
from accounts.services import client_address
from accounts.services import email_change as changes
from accounts.services.email_change import LinkOver
from accounts.views.personal import PersonRequest, page, personal

logger = logging.getLogger(__name__)


@require_http_methods(["GET", "POST"])
@personal
def email_change(request: PersonRequest) -> HttpResponse:
    """The answer is the same whether or not the new address is somebody's: its owner is told by mail."""
    form = EmailForm(request, request.user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _ask(request, form):
        return redirect("accounts:email_change")
    context = {"waiting": changes.waiting_change(request.user)}
    return page(request, "settings", "email_change", context, form)


@require_http_methods(["GET", "POST"])
def email_confirm(request: HttpRequest, link: str) -> HttpResponse:
    """A press of a button, not the opening alone: mail programs look at links before people do."""
    try:
        change = changes.find(link, undo=False)
        if request.method == "POST":
            changes.confirm(link, client_address(request))
            messages.success(request, _("이메일을 바꾸었습니다. 새 이메일로 로그인하세요."))
            return redirect("accounts:sign_in")
    except LinkOver:
        return _link_page(request, "email_link", {}, 410)
    return _link_page(request, "email_link", {"change": change})


@require_http_methods(["GET", "POST"])
def email_undo(request: HttpRequest, link: str) -> HttpResponse:
    """Back to the old address; nobody stays signed in, and a link for a new password goes to it."""
    try:
        change = changes.find(link, undo=True)
        if request.method == "POST":
            user = changes.undo(link, client_address(request))
            _send_reset(request, user.email)
            return redirect("accounts:password_reset_sent")
    except LinkOver:
        return _link_page(request, "email_link", {"undo": True}, 410)
    return _link_page(request, "email_link", {"change": change, "undo": True})


def _ask(request: PersonRequest, form: EmailForm) -> bool:
    """Whether the mails are on their way; if not, the form says why."""
    try:
        change = changes.ask(request.user, form.cleaned_data["email"], client_address(request))
        tasks.send_email_change.delay(change.pk, _site(request))
    except TooManyTries as e:
        form.refusal = e
        form.add_error(None, wait_error(e))
        return False
    except OperationalError:
        logger.exception("the mails of a change of address could not be queued")
        form.add_error(None, _("지금은 메일을 보낼 수 없습니다. 잠시 뒤에 다시 시도하세요."))
        return False
    messages.success(request, _("새 이메일로 확인 링크를 보냈습니다. 한 시간 안에 열어 주세요."))
    return True


def _send_reset(request: HttpRequest, email: str) -> None:
    try:
        tasks.send_password_reset.delay(email, _site(request))
    except OperationalError:
        logger.exception("a password reset could not be queued")  # it can be asked for again


def _link_page(request: HttpRequest, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
    response = render(request, f"accounts/{template}.html", context, status=status)
    add_never_cache_headers(response)
    response["Referrer-Policy"] = "no-referrer"  # the address is the secret
    return response


def _site(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
