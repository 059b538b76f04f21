"""Broker accounts: what each holds, its statement, opening a virtual one, its play money, and beginning it anew."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from brokers.models import BrokerAccount
from trading import services
from trading.errors import NotAllowed, TradingError
from trading.forms import ResetForm, TransferForm, VirtualAccountForm
from trading.forms.orders import KeyedForm
from trading.models import AccountReading
from trading.services.running.account_keys import key_card
from trading.views.access import PersonRequest, refused, signed_in
from trading.views.keys import blame, with_key

PER_PAGE = 25
BLAMED = {  # the field a refusal is about, where the refusal itself does not say
    "name_taken": "name",
    "name_missing": "name",
    "insufficient_cash": "amount",
    "not_settled_yet": "amount",
}
FORMS: dict[str, type[KeyedForm]] = {"deposit": TransferForm, "withdrawal": TransferForm, "reset": ResetForm}


@require_http_methods(["GET", "POST"])
@signed_in
def account_list(request: PersonRequest) -> HttpResponse:
    """Every account with its portfolio; a POST opens another virtual one."""
    form = VirtualAccountForm(with_key(request)) if request.method == "POST" else VirtualAccountForm(initial=_new_key())
    if form.is_bound and form.is_valid():
        try:
            account = services.open_virtual_account(
                request.user, key=form.cleaned_data.pop("client_key"), **form.cleaned_data
            )
        except NotAllowed as e:
            return refused(request, e)
        except TradingError as e:
            _blame(form, e, amount="opening_balance")
        else:
            messages.success(request, _("모의 계좌를 열었습니다."))
            return redirect("trading:account", account_id=account.pk)
    context = {"portfolios": services.portfolios(request.user), "form": form}
    return render(request, "trading/accounts.html", context, status=422 if form.errors else 200)


@require_GET
@signed_in
def account_detail(request: PersonRequest, account_id: UUID) -> HttpResponse:
    return _account_page(request, own_account(request, account_id))


@require_POST
@signed_in
def account_deposit(request: PersonRequest, account_id: UUID) -> HttpResponse:
    """Put play money in; the form's key keeps a double click one deposit."""

    def pay_in(account: BrokerAccount, said: dict[str, Any]) -> None:
        services.pay_in(request.user, account, said["amount"], said["client_key"])
        messages.success(request, _("입금했습니다."))

    return _act(request, account_id, "deposit", pay_in)


@require_POST
@signed_in
def account_withdraw(request: PersonRequest, account_id: UUID) -> HttpResponse:
    """Take play money out, as far as it is settled."""

    def pay_out(account: BrokerAccount, said: dict[str, Any]) -> None:
        services.pay_out(request.user, account, said["amount"], said["client_key"])
        messages.success(request, _("출금했습니다."))

    return _act(request, account_id, "withdrawal", pay_out)


@require_POST
@signed_in
def account_reset(request: PersonRequest, account_id: UUID) -> HttpResponse:
    """Begin the account anew with fresh play money."""

    def reset(account: BrokerAccount, said: dict[str, Any]) -> None:
        services.reset_account(request.user, account, said["opening_balance"], said["client_key"])
        messages.success(request, _("계좌를 초기화했습니다."))

    return _act(request, account_id, "reset", reset, amount="opening_balance")


def own_account(request: PersonRequest, account_id: UUID) -> BrokerAccount:
    """The person's own account; anyone else's does not exist."""
    return get_object_or_404(BrokerAccount.objects.for_user(request.user), pk=account_id)


def _act(
    request: PersonRequest,
    account_id: UUID,
    name: str,
    act: Callable[[BrokerAccount, dict[str, Any]], None],
    amount: str = "amount",
) -> HttpResponse:
    """Check the form, do what it asks and go back to the account; a refusal shows the form as typed."""
    account = own_account(request, account_id)
    form = FORMS[name](with_key(request), auto_id=f"{name}_%s")
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    if form.is_valid():
        try:
            act(account, form.cleaned_data)
        except TradingError as e:
            _blame(form, e, amount)
        else:
            return redirect("trading:account", account_id=account.pk)
    form.with_new_key()
    _lead_to_error(form)
    return _account_page(request, account, {name: form})


def _lead_to_error(form: forms.Form) -> None:
    """The page opens at the first field that is wrong: the forms stand below a long statement on a phone."""
    for name in form.errors:
        if name in form.fields and not form.fields[name].widget.is_hidden:
            form.fields[name].widget.attrs["autofocus"] = True
            return


def _blame(form: KeyedForm, error: TradingError, amount: str) -> None:
    """Beside its field: the services know one word for every amount, a form may have its own."""
    field = error.facts.get("field", BLAMED.get(error.code, ""))
    error.facts["field"] = amount if field == "amount" else field
    blame(form, error)


def _new_key() -> dict[str, str]:
    return {"client_key": uuid4().hex}


def _account_page(
    request: PersonRequest, account: BrokerAccount, sent: dict[str, KeyedForm] | None = None
) -> HttpResponse:
    portfolio = services.portfolio(account)
    page = Paginator(services.statement(account), PER_PAGE).get_page(request.GET.get("page"))
    blank: dict[str, forms.Form] = {
        name: form(initial=_new_key(), auto_id=f"{name}_%s") for name, form in FORMS.items()
    }
    card = key_card(account)
    context = {
        "account": account,
        "card": card,
        "reading": AccountReading.objects.filter(broker_account=account).first() if card else None,
        "portfolio": portfolio,
        "positions": [(portfolio, position) for position in portfolio.positions],
        "page": page,
        "entries": services.statement_entries(page),
        **blank,
        **(sent or {}),
    }
    template = "trading/_account.html" if request.htmx else "trading/account.html"
    return render(request, template, context, status=422 if sent else 200)
