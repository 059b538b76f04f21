"""Broker accounts: what each holds, its statement, opening a virtual one and putting play money in."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from brokers.models import BrokerAccount
from markets import services as markets
from markets.types import Source
from trading import services
from trading.errors import NotAllowed, TradingError
from trading.forms import DepositForm, VirtualAccountForm
from trading.templatetags.reasons import error_sentence
from trading.views.access import PersonRequest, refused, signed_in

PER_PAGE = 25


@require_http_methods(["GET", "POST"])
@signed_in
def account_list(request: PersonRequest) -> HttpResponse:
    """Every account with its portfolio; a POST opens another virtual one."""
    form = VirtualAccountForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            account = services.open_virtual_account(request.user, **form.cleaned_data)
        except NotAllowed as e:
            return refused(request, e)
        except TradingError as e:
            form.add_error(None, error_sentence(e))
        else:
            messages.success(request, _("모의 계좌를 열었습니다."))
            return redirect("trading:account", account_id=account.pk)
    accounts = BrokerAccount.objects.for_user(request.user)
    context = {"portfolios": [services.portfolio(account) for account in accounts], "form": form}
    return render(request, "trading/accounts.html", context, status=422 if form.errors else 200)


@require_GET
@signed_in
def account_detail(request: PersonRequest, account_id: UUID) -> HttpResponse:
    return _account_page(request, _own(request, account_id), DepositForm.blank())


@require_POST
@signed_in
def account_deposit(request: PersonRequest, account_id: UUID) -> HttpResponse:
    """Put play money in; the form's key keeps a double click one deposit."""
    account = _own(request, account_id)
    form = DepositForm(request.POST)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    if not form.is_valid():
        return _account_page(request, account, form)
    source = f"person:{account.pk}:{form.cleaned_data['client_key']}"
    try:
        services.deposit(account, form.cleaned_data["amount"], source, markets.market_time(Source.SIMULATOR))
    except TradingError as e:
        form.add_error("amount", error_sentence(e))
        return _account_page(request, account, form)
    messages.success(request, _("입금했습니다."))
    return redirect("trading:account", account_id=account.pk)


def _own(request: PersonRequest, account_id: UUID) -> BrokerAccount:
    return get_object_or_404(BrokerAccount.objects.for_user(request.user), pk=account_id)


def _account_page(request: PersonRequest, account: BrokerAccount, form: DepositForm) -> HttpResponse:
    portfolio = services.portfolio(account)
    context = {
        "account": account,
        "portfolio": portfolio,
        "positions": [(portfolio, position) for position in portfolio.positions],
        "page": Paginator(services.statement(account), PER_PAGE).get_page(request.GET.get("page")),
        "form": form,
    }
    template = "trading/_account.html" if request.htmx else "trading/account.html"
    return render(request, template, context, status=422 if form.errors else 200)
