"""Connecting accounts at Korea Investment: registering a key, trying it, replacing it, taking it away. Its owner's alone."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import StepUpForm
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from trading.errors import NotAllowed, TradingError
from trading.forms.account_keys import SECRET_FIELDS, KeyRemovalForm, KisAccountForm, KisKeyForm
from trading.services.running import account_keys
from trading.services.running.account_keys import KeyCard, KeyRefused
from trading.templatetags.reasons import error_sentence, sentence
from trading.views.access import PersonRequest, refused, signed_in
from trading.views.accounts import own_account

FIELDS_OF = {"name_missing": "name", "live_account_off": "environment"}


@require_http_methods(["GET", "POST"])
@signed_in
@sensitive_post_parameters(*SECRET_FIELDS)
def kis_register(request: PersonRequest) -> HttpResponse:
    """A new account: its key is kept sealed and tried at once."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    form = KisAccountForm(request, request.user, request.POST or None)
    if form.is_bound and form.is_valid():
        name, environment = form.cleaned_data["name"], Environment(form.cleaned_data["environment"])
        try:
            row = account_keys.register_kis(request.user, name, environment, form.typed)
        except (KeyRefused, TradingError) as e:
            _blame(form, e)
        else:
            return _try_key(request, row.account_id)
    return _form_page(request, "trading/kis_register.html", form)


@require_http_methods(["GET", "POST"])
@signed_in
@sensitive_post_parameters(*SECRET_FIELDS)
def account_key(request: PersonRequest, account_id: UUID) -> HttpResponse:
    """Another key for an account that has, or had, one."""
    account = own_account(request, account_id)
    card = _card(account)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    form = KisKeyForm(request, request.user, request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            account_keys.replace_key(request.user, account.pk, form.typed)
        except (KeyRefused, TradingError) as e:
            _blame(form, e)
        else:
            return _try_key(request, account.pk)
    return _form_page(request, "trading/key_replace.html", form, account, card)


@require_POST
@signed_in
def account_key_check(request: PersonRequest, account_id: UUID) -> HttpResponse:
    """Ask the broker what the key can do."""
    account = own_account(request, account_id)
    _card(account)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    return _try_key(request, account.pk)


@require_http_methods(["GET", "POST"])
@signed_in
@sensitive_post_parameters("password")
def account_key_remove(request: PersonRequest, account_id: UUID) -> HttpResponse:
    """Take the key away: asked first, and with the password."""
    account = own_account(request, account_id)
    card = _card(account)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    form = KeyRemovalForm(request, request.user, request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            account_keys.remove_key(request.user, account.pk)
        except TradingError as e:
            _blame(form, e)
        else:
            messages.success(request, _("키를 지웠습니다. 이 계좌로는 더 주문하지 않습니다."))
            return redirect("trading:account_list")
    return _form_page(request, "trading/key_remove.html", form, account, card)


def _try_key(request: PersonRequest, account_id: UUID) -> HttpResponse:
    try:
        row = account_keys.check_key(request.user, account_id)
    except TradingError as e:
        return refused(request, e)
    if row.failure:
        messages.warning(request, _("키를 확인했지만 쓸 수 없습니다. ") + sentence(row.failure))
    else:
        messages.success(request, _("증권사에 연결되었습니다. 잔고와 주문을 곧 읽어 옵니다."))
    return redirect("trading:account", account_id=account_id)


def _card(account: BrokerAccount) -> KeyCard:
    card = account_keys.key_card(account)
    if card is None:
        raise Http404
    return card


def _blame(form: StepUpForm, error: KeyRefused | TradingError) -> None:
    """The refusal beside the field it is about."""
    if isinstance(error, KeyRefused):
        field, text = error.field, sentence(error.code)
    else:
        field, text = FIELDS_OF.get(error.code, ""), error_sentence(error)
    form.add_error(field if field in form.fields else None, text)


def _form_page(
    request: PersonRequest,
    template: str,
    form: StepUpForm,
    account: BrokerAccount | None = None,
    card: KeyCard | None = None,
) -> HttpResponse:
    context = {"form": form, "account": account, "card": card}
    response = render(request, template, context, status=422 if form.errors else 200)
    if form.refusal:
        response.status_code = 429
        response["Retry-After"] = str(form.refusal.seconds)
    return response
