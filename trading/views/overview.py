"""The first page: what it is worth, what is running, what just happened. And the simulated market's speed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from brokers.models import BrokerAccount
from markets import services as markets
from markets.models import Instrument, PriceFeed, WatchlistItem
from markets.templatetags.page import may_set_speed
from markets.types import Source
from trading import services
from trading.errors import NotAllowed
from trading.forms import MarketSpeedForm
from trading.models import Order, SwingPlan
from trading.services.valuation.worth import worth_by_day
from trading.views.access import PersonRequest, refused, signed_in
from trading.views.curves import curve
from trading.views.happenings import latest
from trading.views.outlook import outlooks

HOME_CURRENCY = "KRW"
SHOWN = 8
WATCHED = 20
DAYS_DRAWN = 30


@require_GET
def landing(request: HttpRequest) -> HttpResponse:
    """The bare address: the overview for whoever is signed in, else the sign-in page; a line of JSON for a program."""
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"name": "Kairos", "status": "ok"})
    return redirect("trading:overview" if request.user.is_authenticated else "accounts:sign_in")


@require_GET
@signed_in
def overview(request: PersonRequest) -> HttpResponse:
    user = request.user
    active = [portfolio for portfolio in services.portfolios(user) if portfolio.account.is_active]
    accounts = [portfolio.account for portfolio in active]
    chosen = _chosen(accounts, request.GET.get("account", ""))
    portfolios = [portfolio for portfolio in active if chosen in (None, portfolio.account)]
    plans = SwingPlan.objects.for_user(user).running().select_related("instrument", "broker_account")
    orders = Order.objects.for_user(user).open().select_related("instrument").order_by("-created_at")
    values = {each.account.pk: each.known_value for each in portfolios}
    worths = worth_by_day([each.account for each in portfolios], DAYS_DRAWN, values)
    curves = {each.currency: curve(each) for each in worths}
    context = {
        "accounts": accounts,
        "chosen": chosen,
        "portfolios": portfolios,
        "totals": [total | {"curve": curves.get(total["currency"])} for total in totals_by_currency(portfolios)],
        "positions": [(portfolio, position) for portfolio in portfolios for position in portfolio.positions],
        "plans": outlooks(plans.order_by("-updated_at")[:SHOWN]),
        "orders": list(orders[:SHOWN]),
        "happenings": latest(user, SHOWN, chosen),
        "days_drawn": DAYS_DRAWN,
    }
    if request.htmx:
        return render(request, "trading/_overview.html", context)
    watched = _watched(user)
    steps = _first_steps(user, accounts, watched, context)
    return render(request, "trading/overview.html", context | {"watched": watched, "steps": steps})


def totals_by_currency(portfolios: Sequence[Any]) -> list[dict[str, Any]]:
    """Sums of portfolios, one row per currency, won first. Currencies are never added to one another."""
    sums: dict[str, dict[str, Any]] = {}
    for portfolio in portfolios:
        row = sums.setdefault(portfolio.currency, {"currency": portfolio.currency} | dict.fromkeys(SUMMED, Decimal(0)))
        for name in SUMMED:
            row[name] += getattr(portfolio, name)
    for row in sums.values():
        row["profit_rate"] = row["profit"] / row["deposited"] if row["deposited"] else None
    return sorted(sums.values(), key=lambda row: (row["currency"] != HOME_CURRENCY, row["currency"]))


SUMMED = ("total_value", "cash_available", "cash_reserved", "positions_value", "deposited", "profit")


@require_POST
@signed_in
def market_speed(request: PersonRequest) -> HttpResponse:
    """How fast the simulated clock runs, for everyone who watches it."""
    feed = PriceFeed.objects.filter(source=Source.SIMULATOR).defer("state").first()
    if feed is None or not may_set_speed(request.user, feed):
        return refused(request, NotAllowed())
    form = MarketSpeedForm(request.POST)
    if form.is_valid():
        markets.set_speed(Source.SIMULATOR, form.cleaned_data["speed"])
    else:
        messages.error(request, _("고를 수 없는 속도입니다."))
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    # redirect() takes a word that is no path for a view's name
    return redirect(back if safe and back.startswith("/") else "trading:overview")


def _chosen(accounts: list[BrokerAccount], account_id: str) -> BrokerAccount | None:
    return next((account for account in accounts if str(account.pk) == account_id), None)


def _watched(user: User) -> list[dict[str, Any]]:
    items = WatchlistItem.objects.filter(user=user).select_related("instrument", "instrument__quote")
    return [_watch_row(item.instrument) for item in items[:WATCHED]]


def _watch_row(instrument: Instrument) -> dict[str, Any]:
    quote = getattr(instrument, "quote", None)
    rate = quote.price / quote.base_price - 1 if quote and quote.base_price else None
    return {
        "instrument": instrument,
        "quote": quote,
        "change_rate": rate,
        "is_stale": markets.quote_is_stale(quote),
    }


def _first_steps(user: User, accounts: list[Any], watched: list[Any], shown: dict[str, Any]) -> list[dict[str, Any]]:
    """What a newcomer does first; each ticks itself off, and the list is gone once all are done."""
    ordered = bool(shown["orders"] or shown["happenings"]) or Order.objects.for_user(user).exists()
    planned = bool(shown["plans"]) or SwingPlan.objects.for_user(user).exists()
    steps = [
        {"label": _("모의 계좌 열기"), "done": bool(accounts), "url": reverse("trading:account_list")},
        {"label": _("관심 종목 담기"), "done": bool(watched), "url": reverse("markets:list")},
        {"label": _("첫 주문 내기"), "done": ordered, "url": reverse("trading:order_new")},
        {"label": _("오토 스윙 등록하기"), "done": planned, "url": reverse("trading:plan_new")},
    ]
    return [] if all(step["done"] for step in steps) else steps
