"""Orders: the list, one order's story, the ticket, and cancelling."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from markets.models import Instrument
from trading import services
from trading.errors import NotAllowed, TradingError
from trading.forms import EstimateForm, OrderTicket
from trading.lifecycle import OrderState
from trading.models import Order, OrderEvent
from trading.models.orders import STATE_LABELS, OrderQuerySet
from trading.templatetags.reasons import error_sentence, sentence
from trading.templatetags.trading_tags import ticket_context
from trading.views.access import PersonRequest, refused, signed_in

PER_PAGE = 25
ESTIMATED = ("instrument", "side", "quantity", "order_type", "limit_price")
STATES = (("all", _("전체")), ("open", _("진행 중")), ("filled", _("체결 완료")))


@require_GET
@signed_in
def order_list(request: PersonRequest) -> HttpResponse:
    shown = request.GET.get("state", "all")
    orders = _asked_for(request, shown).select_related("instrument", "broker_account").order_by("-created_at")
    traded = Instrument.objects.filter(orders__user=request.user).distinct()
    context = {
        "page": Paginator(orders, PER_PAGE).get_page(request.GET.get("page")),
        "state": shown if shown in dict(STATES) else "all",
        "narrowed": request.GET.get("instrument", ""),
        "instruments": traded,
        "states": STATES,
        "query": request.GET.urlencode(),
        "filters": _filters(request),
    }
    return render(request, "trading/_order_table.html" if request.htmx else "trading/orders.html", context)


def _asked_for(request: PersonRequest, shown: str) -> OrderQuerySet:
    orders = Order.objects.for_user(request.user)
    if shown == "open":
        orders = orders.open()
    elif shown == "filled":
        orders = orders.filter(state=OrderState.FILLED)
    venue, _separator, symbol = request.GET.get("instrument", "").partition(":")
    return orders.filter(instrument__venue=venue, instrument__symbol=symbol) if symbol else orders


@require_GET
@signed_in
def order_detail(request: PersonRequest, order_id: UUID) -> HttpResponse:
    orders = Order.objects.for_user(request.user).select_related("instrument", "broker_account", "plan")
    order = get_object_or_404(orders, pk=order_id)
    context = {
        "order": order,
        "costs": order.fee + order.tax,
        "events": [_told(event) for event in order.events.all()],
        "fills": list(order.fills.all()),
    }
    return render(request, "trading/_order.html" if request.htmx else "trading/order.html", context)


@require_GET
@signed_in
def order_new(request: PersonRequest) -> HttpResponse:
    """The ticket on a page of its own: what a phone opens, and where a ticket with errors lands without scripts."""
    instruments = Instrument.objects.active()
    try:
        instrument = instruments.by_key(request.GET.get("instrument", ""))
    except Instrument.DoesNotExist:
        return render(
            request, "trading/order_choose.html", {"instruments": instruments.live_first().select_related("quote")}
        )
    return _ticket(request, OrderTicket.blank(request.user, instrument), instrument)


@require_POST
@signed_in
def order_place(request: PersonRequest) -> HttpResponse:
    """Send the ticket. The key inside it makes a second click the same order; every refusal leaves it as typed."""
    ticket = OrderTicket(request.user, request.POST)
    if not ticket.is_valid():
        return _ticket_again(request, ticket)
    try:
        order = services.place_order(user=request.user, **ticket.as_order())
    except NotAllowed as e:
        return refused(request, e)
    except TradingError as e:
        _blame(ticket, e)
        return _ticket_again(request, ticket.with_new_key())
    if order.state == OrderState.DENIED:
        ticket.add_error(None, sentence(order.reason, order.facts))
        return _ticket_again(request, ticket.with_new_key())
    if request.htmx:
        again = {name: ticket.cleaned_data[name] for name in ("broker_account", "side", "order_type", "limit_price")}
        return _ticket(request, OrderTicket.blank(request.user, order.instrument, **again), order.instrument, order)
    return redirect("trading:order", order_id=order.pk)


@require_POST
@signed_in
def order_estimate(request: PersonRequest) -> HttpResponse:
    """What the ticket would cost, or why it could not be sent; a half-filled one is met with silence."""
    form = EstimateForm(request.user, request.POST)
    context: dict[str, Any] = {}
    if form.is_valid():
        asked = {name: form.as_order()[name] for name in ESTIMATED}
        try:
            context = {"estimate": services.estimate_order(**asked), **asked}
        except TradingError as e:
            context = {"refusal": error_sentence(e)}
    if request.htmx:
        return render(request, "trading/_order_estimate.html", context)
    ticket = OrderTicket(request.user, request.POST)
    ticket.full_clean()
    if ticket.traded is None:
        raise Http404
    return render(request, "trading/order_new.html", context | ticket_context(request, ticket, ticket.traded))


@require_POST
@signed_in
def order_cancel(request: PersonRequest, order_id: UUID) -> HttpResponse:
    order = get_object_or_404(Order.objects.for_user(request.user), pk=order_id)
    try:
        order = services.cancel_order(request.user, order.pk)
    except TradingError as e:
        return refused(request, e)
    messages.success(request, _("주문을 취소했습니다.") if not order.is_open else _("취소를 요청했습니다."))
    return redirect("trading:order", order_id=order.pk)


def _blame(ticket: OrderTicket, error: TradingError) -> None:
    """The refusal beside the field it is about."""
    field = str(error.facts.get("field", ""))
    ticket.add_error(field if field in ticket.fields else None, error_sentence(error))


def _ticket_again(request: PersonRequest, ticket: OrderTicket) -> HttpResponse:
    """The ticket as typed with its errors; without a known instrument there is none to go back to."""
    if ticket.traded is None:
        raise Http404
    return _ticket(request, ticket, ticket.traded, status=200 if request.htmx else 422)  # htmx swaps nothing but a 200


def _ticket(
    request: PersonRequest, ticket: OrderTicket, instrument: Instrument, sent: Order | None = None, status: int = 200
) -> HttpResponse:
    context = ticket_context(request, ticket, instrument) | {"sent": sent}
    template = "trading/_order_ticket.html" if request.htmx else "trading/order_new.html"
    return render(request, template, context, status=status)


def _told(event: OrderEvent) -> dict[str, Any]:
    """One thing that happened, in words; what was written at the placing repeats the order's own reason."""
    words = "" if event.origin == "place" else sentence(event.reason)
    return {"label": STATE_LABELS[OrderState(event.state)], "sentence": words, "at": event.market_at}


def _filters(request: PersonRequest) -> str:
    """What the list is narrowed to, to be kept by the links to its other pages."""
    kept = request.GET.copy()
    kept.pop("page", None)
    return f"{kept.urlencode()}&" if kept else ""
