"""Orders: the list, one order's story, changing one, and calling one or all of them back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from markets.models import Instrument
from trading import services
from trading.errors import NotAllowed, TradingError
from trading.forms import OrderChangeForm
from trading.lifecycle import OrderState
from trading.models import Order, OrderEvent
from trading.models.orders import STATE_LABELS, OrderQuerySet
from trading.templatetags.reasons import sentence
from trading.views.access import PersonRequest, refused, require_factor, signed_in
from trading.views.keys import blame, with_key
from trading.views.order_why import why_of

PER_PAGE = 25
CALLED_BACK = "canceled_by_person"
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
        "has_open": Order.objects.for_user(request.user).open().exists(),
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
    order = get_object_or_404(_with_names(request), pk=order_id)
    return render(request, "trading/_order.html" if request.htmx else "trading/order.html", _story(order))


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


@require_http_methods(["GET", "POST"])
@signed_in
def order_cancel_all(request: PersonRequest) -> HttpResponse:
    """Every open order, or those of one instrument: first how many they are, then, once confirmed, all of them."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    instrument = _instrument_named(request.POST.get("instrument") or request.GET.get("instrument", ""))
    if request.method == "POST":
        done = services.cancel_all(request.user, instrument=instrument)
        words = _("보내기 전 주문 %(withdrawn)s건을 회수하고, %(asked)s건의 취소를 요청했습니다.")
        messages.success(request, words % {"withdrawn": done.withdrawn, "asked": done.asked})
        return redirect("trading:order_list")
    orders = Order.objects.for_user(request.user).open()
    if instrument is not None:
        orders = orders.filter(instrument=instrument)
    listed = orders.select_related("instrument", "broker_account").order_by("-created_at")
    return render(request, "trading/order_cancel_all.html", {"orders": list(listed), "instrument": instrument})


@require_POST
@signed_in
def order_change(request: PersonRequest, order_id: UUID) -> HttpResponse:
    """Another quantity or price; every refusal leaves the order as it was and the form as typed."""
    order = get_object_or_404(_with_names(request), pk=order_id)
    form = OrderChangeForm(order, with_key(request))
    if not form.is_valid():
        return _change_again(request, order, form)
    try:
        require_factor(request, order.broker_account)
        anew = services.change_order(request.user, order.pk, **form.as_change())
    except NotAllowed as e:
        return refused(request, e)
    except TradingError as e:
        blame(form, e)
        return _change_again(request, order, form)
    messages.success(request, _("주문을 바꿨습니다.") if anew.pk != order.pk else _("변경을 요청했습니다."))
    address = reverse("trading:order", args=[anew.pk])
    return HttpResponseClientRedirect(address) if request.htmx else HttpResponseRedirect(address)


def _change_again(request: PersonRequest, order: Order, form: OrderChangeForm) -> HttpResponse:
    form.with_new_key()
    if request.htmx:  # which swaps nothing but a 200
        return render(request, "trading/_order_change.html", {"order": order, "change": form})
    return render(request, "trading/order.html", _story(order, form), status=422)


def _story(order: Order, change: OrderChangeForm | None = None) -> dict[str, Any]:
    """One order with all that happened to it."""
    if change is None and services.changeable(order):
        change = OrderChangeForm.blank(order)
    changed = order.changes.order_by("-created_at").first()
    return {
        "order": order,
        "costs": order.fee + order.tax,
        "events": [_told(event) for event in order.events.all()],
        "fills": list(order.fills.all()),
        "change": change,
        "changed": changed,
        "called_back_to_change": order.reason == CALLED_BACK and changed is not None and changed.reason != CALLED_BACK,
        "replacement": Order.objects.filter(replaces=order).first(),
        **why_of(order),
    }


def _with_names(request: PersonRequest) -> OrderQuerySet:
    return Order.objects.for_user(request.user).select_related("instrument", "broker_account", "plan")


def _instrument_named(key: str) -> Instrument | None:
    """The instrument of this key, None for none. Raises Http404 for one nobody knows: all is more than was asked for."""
    if not key:
        return None
    venue, _separator, symbol = key.partition(":")
    return get_object_or_404(Instrument, venue=venue, symbol=symbol)


def _told(event: OrderEvent) -> dict[str, Any]:
    """One thing that happened, in words; what was written at the placing repeats the order's own reason."""
    words = "" if event.origin == "place" else sentence(event.reason)
    return {"label": STATE_LABELS[OrderState(event.state)], "sentence": words, "at": event.market_at}


def _filters(request: PersonRequest) -> str:
    """What the list is narrowed to, to be kept by the links to its other pages."""
    kept = request.GET.copy()
    kept.pop("page", None)
    return f"{kept.urlencode()}&" if kept else ""
