"""The broker's side beside ours (G05): its orders, what it holds, where the two differ, and a person's word on it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from brokers import services as brokers
from brokers.errors import BrokerNotConfigured
from brokers.models import BrokerAccount
from trading import services
from trading.errors import NotAllowed, TradingError
from trading.forms.safety import SettleForm
from trading.lifecycle import WORKING, OrderState
from trading.models import AccountReading, BrokerOrder, Order, PositionDifference
from trading.services.settling import differences
from trading.views.access import PersonRequest, refused, signed_in

PER_PAGE = 25
IN_DOUBT = (OrderState.UNKNOWN, OrderState.AMBIGUOUS)
ZERO = Decimal(0)


@require_GET
@signed_in
def reconciliation(request: PersonRequest, account_id: UUID) -> HttpResponse:
    return _page(request, _own(request, account_id))


@require_POST
@signed_in
def difference_adopt(request: PersonRequest, account_id: UUID, difference_id: int) -> HttpResponse:
    """Take over the broker's figure: our books follow it."""
    return _decide(request, account_id, difference_id, adopt=True)


@require_POST
@signed_in
def difference_ignore(request: PersonRequest, account_id: UUID, difference_id: int) -> HttpResponse:
    """Leave our books as they are: what the broker has more or less there is not ours to trade."""
    return _decide(request, account_id, difference_id, adopt=False)


@require_POST
@signed_in
def order_settle(request: PersonRequest, account_id: UUID, order_id: UUID) -> HttpResponse:
    """A person looked it up at the broker and says which row an order in doubt is, or that it never arrived."""
    account = _own(request, account_id)
    order = get_object_or_404(_in_doubt(account), pk=order_id)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    form = SettleForm(_candidates([order])[order.pk], request.POST, prefix=str(order.pk))
    if not form.is_valid():
        return _page(request, account, {order.pk: form}, status=422)
    try:
        differences.settle_by_person(request.user, order.pk, form.broker_order_key)
    except TradingError as e:
        return refused(request, e)
    messages.success(request, _("확인한 대로 적었습니다."))
    return redirect("trading:reconciliation", account_id=account.pk)


@require_GET
@signed_in
def difference_page(request: PersonRequest, difference_id: int) -> HttpResponse:
    """Where an alert about a difference leads: the page of its account."""
    own = PositionDifference.objects.filter(broker_account__user=request.user)
    difference = get_object_or_404(own, pk=difference_id)
    return redirect("trading:reconciliation", account_id=difference.broker_account_id)


def _decide(request: PersonRequest, account_id: UUID, difference_id: int, *, adopt: bool) -> HttpResponse:
    account = _own(request, account_id)
    difference = get_object_or_404(PositionDifference, broker_account=account, pk=difference_id)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    if request.POST.get("seen") != seen_figures(difference):
        messages.warning(request, _("그 사이 수량이 바뀌었습니다. 새 수량을 보고 다시 정해 주세요."))
        return redirect("trading:reconciliation", account_id=account.pk)
    decide = differences.adopt_difference if adopt else differences.ignore_difference
    try:
        decide(request.user, difference.pk)
    except TradingError as e:
        return refused(request, e)
    messages.success(request, _("증권사 수량을 장부에 받아들였습니다.") if adopt else _("장부를 그대로 둡니다."))
    return redirect("trading:reconciliation", account_id=account.pk)


def seen_figures(difference: PositionDifference) -> str:
    """What a person decides on, as the page's form sends it back: another reading may move it meanwhile."""
    return f"{difference.ours.normalize():f} {difference.theirs.normalize():f}"


def _own(request: PersonRequest, account_id: UUID) -> BrokerAccount:
    return get_object_or_404(BrokerAccount.objects.for_user(request.user), pk=account_id)


def _page(
    request: PersonRequest, account: BrokerAccount, typed: dict[UUID, SettleForm] | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"account": account, "has_wire": _has_wire(account)}
    if context["has_wire"]:
        context |= _both_sides(request, account, typed or {})
    return render(request, "trading/reconciliation.html", context, status=status)


def _has_wire(account: BrokerAccount) -> bool:
    """Whether somebody else keeps books on this account, too. Of a broker we cannot reach we know that it does."""
    try:
        return brokers.abilities(account).has_wire
    except BrokerNotConfigured:
        return True


def _both_sides(request: PersonRequest, account: BrokerAccount, typed: dict[UUID, SettleForm]) -> dict[str, Any]:
    listed = BrokerOrder.objects.filter(broker_account=account).select_related("order__instrument")
    opened = PositionDifference.objects.filter(broker_account=account)
    missing = Order.objects.filter(broker_account=account, state__in=sorted(WORKING), broker_order=None)
    reading = AccountReading.objects.filter(broker_account=account).first()
    return {
        "reading": reading,
        "differences": [(row, seen_figures(row)) for row in opened.filter(closed_at=None).order_by("opened_at")],
        "ignored": list(opened.filter(resolution="ignored").order_by("-opened_at")),
        "doubts": _doubts(account, typed),
        "missing": list(missing.exclude(state__in=IN_DOUBT).select_related("instrument").order_by("-created_at")),
        "holdings": _side_by_side(account, reading) if reading else [],
        "page": Paginator(listed, PER_PAGE).get_page(request.GET.get("page")),
        "filters": "",
    }


def _in_doubt(account: BrokerAccount) -> Any:
    return Order.objects.filter(broker_account=account, state__in=IN_DOUBT).select_related("instrument")


def _doubts(account: BrokerAccount, typed: dict[UUID, SettleForm]) -> list[dict[str, Any]]:
    """Each order in doubt with the broker's rows it could be, and the form to say which."""
    orders = list(_in_doubt(account).order_by("created_at"))
    rows = _candidates(orders)
    return [
        {
            "order": order,
            "candidates": rows[order.pk],
            "form": typed.get(order.pk) or SettleForm(rows[order.pk], prefix=str(order.pk)),
        }
        for order in orders
    ]


def _candidates(orders: list[Order]) -> dict[UUID, list[BrokerOrder]]:
    """The broker's rows nobody has claimed, of the same instrument, side and quantity; one query for all the orders."""
    if not orders:
        return {}
    free = list(BrokerOrder.objects.filter(broker_account=orders[0].broker_account_id, order=None))
    return {order.pk: [row for row in free if _could_be(row, order)] for order in orders}


def _could_be(row: BrokerOrder, order: Order) -> bool:
    return (row.instrument, row.side, row.quantity) == (order.instrument.key, order.side, order.quantity)


def _side_by_side(account: BrokerAccount, reading: AccountReading) -> list[dict[str, Any]]:
    """Cash and units by our books and as the broker last told them."""
    portfolio = services.portfolio(account)
    ours = {portfolio.currency: portfolio.cash_available + portfolio.cash_reserved}
    ours |= {position.instrument.key: position.quantity for position in portfolio.positions}
    names = {position.instrument.key: position.instrument.name for position in portfolio.positions}
    theirs = {asset: Decimal(str(amount)) for asset, amount in (reading.cash | reading.units).items()}
    return [
        {
            "asset": asset,
            "name": names.get(asset, ""),
            "ours": ours.get(asset, ZERO),
            "theirs": theirs.get(asset),
            "differs": theirs.get(asset, ZERO) != ours.get(asset, ZERO),
        }
        for asset in sorted(ours.keys() | theirs.keys(), key=lambda asset: (":" in asset, asset))
    ]
