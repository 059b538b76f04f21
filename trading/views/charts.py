"""What lies on the chart of an instrument beside its candles: indicators, and what the person's orders and plans did there."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import Max, Q
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from markets.bars import Bars
from markets.models import Instrument
from markets.templatetags.figures import price, quantity
from markets.types import Interval, Side
from trading.forms import sentence_language
from trading.models import Order, PlanEvaluation
from trading.models.orders import SIDE_LABELS
from trading.services.planning.rule_charts import CHART_INDICATORS, Drawn, indicators_drawn
from trading.signal import Action
from trading.views.access import PersonRequest, signed_in

BARS = 500  # as many as the candles' own address gives
MOST_MARKS = 300  # of each kind, the newest: as far back as the chart goes
STEPS = {1: gettext_lazy("1차"), 2: gettext_lazy("2차"), 3: gettext_lazy("매도")}
DECIDED = frozenset({Action.BUY_FIRST, Action.BUY_SECOND, Action.SELL})


class ChartForm(forms.Form):
    """Which bars, and which indicators on them."""

    interval = forms.TypedChoiceField(choices=[(each.value, each.value) for each in Interval], coerce=Interval)
    show = forms.MultipleChoiceField(choices=[(key, key) for key in CHART_INDICATORS])


@require_GET
@signed_in
def chart_indicators(request: PersonRequest, venue: str, symbol: str) -> JsonResponse:
    """The indicators asked for on the last closed bars: `times` in seconds since 1970 UTC, each line as long as they."""
    instrument = get_object_or_404(Instrument, venue=venue, symbol=symbol)
    form = ChartForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"code": "bad_chart"}, status=400)
    interval, chosen = form.cleaned_data["interval"], form.cleaned_data["show"]
    drawn = indicators_drawn(instrument, interval, chosen, sentence_language(), BARS)
    return JsonResponse(lines_as_data(drawn))


@require_GET
@signed_in
def chart_marks(request: PersonRequest, venue: str, symbol: str) -> JsonResponse:
    """What the person's orders and plans did on the instrument, and the orders that wait there now."""
    instrument = get_object_or_404(Instrument, venue=venue, symbol=symbol)
    orders = Order.objects.for_user(request.user).filter(instrument=instrument)
    looks = PlanEvaluation.objects.filter(plan__user=request.user, plan__instrument=instrument)
    return marks_as_data(instrument, orders, looks)


def marks_as_data(instrument: Instrument, orders: Any, looks: Any) -> JsonResponse:
    """`marks` oldest first: `time` in seconds since 1970 UTC, `kind` buy, sell, decision or blocked, and words beside it.

    `waiting`: the prices at which orders stand in the market.
    """
    marks = sorted([*_fills(instrument, orders), *_decisions(looks)], key=lambda mark: (mark["time"], mark["kind"]))
    return JsonResponse({"marks": marks, "waiting": list(_waiting(instrument, orders))})


def lines_as_data(drawn: Drawn) -> dict[str, Any]:
    lines = [
        {
            "indicator": line.alias,
            "name": line.name,
            "over": line.over_prices,
            "shape": line.shape,
            "values": line.values,
        }
        for line in drawn.lines
    ]
    return {"times": drawn.bars.opened_at.tolist(), "lines": lines}


def bars_as_data(bars: Bars) -> list[dict[str, float]]:
    """Candles as `markets` gives them."""
    columns = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    names = ("time", "open", "high", "low", "close", "volume")
    return [dict(zip(names, row, strict=True)) for row in zip(*(each.tolist() for each in columns), strict=True)]


def _fills(instrument: Instrument, orders: Any) -> Iterator[dict[str, Any]]:
    """One mark for each order that filled, at its last fill."""
    filled = orders.filter(filled_quantity__gt=0).annotate(filled_at=Max("fills__at")).order_by("-filled_at")
    columns = ("side", "step", "filled_amount", "filled_quantity", "filled_at")
    for side, step, amount, units, at in filled.values_list(*columns)[:MOST_MARKS]:
        kind, word = ("sell" if side == Side.SELL else "buy"), STEPS.get(step or 0, "")
        yield _mark(at, kind, f"{word} {price(amount / units, instrument)}".strip())


def _decisions(looks: Any) -> Iterator[dict[str, Any]]:
    """A mark on each bar that called for a step, whether or not an order came of it."""
    found = looks.filter(outcome__in=[*DECIDED, Action.BLOCKED]).order_by("-bar_closed_at")
    for at, outcome in found.values_list("bar_closed_at", "outcome")[:MOST_MARKS]:
        is_blocked = outcome == Action.BLOCKED
        yield _mark(at, "blocked" if is_blocked else "decision", _("막힘") if is_blocked else _("판단"), closed=True)


def _waiting(instrument: Instrument, orders: Any) -> Iterator[dict[str, Any]]:
    priced = orders.working().filter(Q(limit_price__isnull=False) | Q(stop_price__isnull=False))
    for order in priced.order_by("-created_at")[:MOST_MARKS]:
        is_waiting_for_stop = order.stop_price is not None and order.triggered_at is None
        at = order.stop_price if is_waiting_for_stop else order.limit_price
        if at is not None:
            text = f"{SIDE_LABELS[Side(order.side)]} {quantity(order.quantity - order.filled_quantity)}"
            yield {"price": float(at), "side": order.side, "text": text}


def _mark(at: Any, kind: str, text: str, *, closed: bool = False) -> dict[str, Any]:
    """A decision belongs to the bar that closed then; a fill to the bar it lies in."""
    return {"time": int(at.timestamp()) - (1 if closed else 0), "kind": kind, "text": text}
