"""The order ticket: on a page of its own or inside another, what it would cost, and sending it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from markets.models import Instrument
from trading import services
from trading.errors import NotAllowed, TradingError
from trading.forms import EstimateForm, OrderTicket
from trading.lifecycle import OrderState
from trading.models import Order
from trading.services.ordering.asked import Asked
from trading.templatetags.reasons import error_sentence, sentence
from trading.templatetags.trading_tags import ticket_context
from trading.views.access import PersonRequest, refused, require_factor, signed_in
from trading.views.keys import blame, with_key

ESTIMATED = ("instrument", "side", "quantity", "order_type", "limit_price", "stop_price")
JUST_ASKING = "estimate"  # in the place of a key: nothing is written under it
# what the next ticket begins with
AGAIN = ("broker_account", "side", "order_type", "limit_price", "stop_price", "time_in_force", "division")


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
    ticket = OrderTicket(request.user, with_key(request))
    if not ticket.is_valid():
        return _ticket_again(request, ticket.with_new_key() if "client_key" in ticket.errors else ticket)
    try:
        asked = ticket.as_order()
        require_factor(request, asked["broker_account"])
        order = services.place_order(user=request.user, **asked)
    except NotAllowed as e:
        return refused(request, e)
    except TradingError as e:
        blame(ticket, e)
        return _ticket_again(request, ticket.with_new_key())
    if order.state == OrderState.DENIED:
        ticket.add_error(None, sentence(order.reason, order.facts))
        return _ticket_again(request, ticket.with_new_key())
    if request.htmx:
        again = {name: ticket.cleaned_data[name] for name in AGAIN}
        return _ticket(request, OrderTicket.blank(request.user, order.instrument, **again), order.instrument, order)
    return redirect("trading:order", order_id=order.pk)


@require_POST
@signed_in
def order_estimate(request: PersonRequest) -> HttpResponse:
    """What the ticket would cost, or why it could not be sent; a half-filled one is met with silence."""
    form = EstimateForm(request.user, request.POST)
    context = _estimated(request, form) if form.is_valid() else {}
    if request.htmx:
        return render(request, "trading/_order_estimate.html", context)
    ticket = OrderTicket(request.user, request.POST)
    ticket.full_clean()
    if ticket.traded is None:
        raise Http404
    return render(request, "trading/order_new.html", context | ticket_context(request, ticket, ticket.traded))


def _estimated(request: PersonRequest, form: EstimateForm) -> dict[str, Any]:
    """The cost, and beside it what the order would be denied for; or only why it cannot be an order."""
    order = form.as_order()
    asked = {name: order[name] for name in ESTIMATED}
    try:
        estimate = services.estimate_order(**asked)
        denial = services.objection_to(Asked(user=request.user, **order | {"client_key": JUST_ASKING}))
    except TradingError as e:
        return {"refusal": error_sentence(e)}
    objection = sentence(denial.code, denial.facts) if denial else ""
    return {"estimate": estimate, "objection": objection, "division": order["division"], **asked}


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
