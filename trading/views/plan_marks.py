"""What a plan did and decided, as marks for the chart of its instrument. The tables of its page say the same in words."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from markets.templatetags.figures import price
from markets.types import Side
from trading.models import PlanEvaluation, SwingPlan
from trading.signal import Action
from trading.views.access import PersonRequest, signed_in

MOST_MARKS = 300  # of each kind, the newest: as far back as the chart goes
STEPS = {1: gettext_lazy("1차"), 2: gettext_lazy("2차"), 3: gettext_lazy("매도")}
DECIDED = frozenset({Action.BUY_FIRST, Action.BUY_SECOND, Action.SELL})


@require_GET
@signed_in
def plan_marks(request: PersonRequest, plan_id: UUID) -> JsonResponse:
    """Marks oldest first: `time` in seconds since 1970 UTC, `kind` buy, sell, decision or blocked, and words beside it."""
    plan = get_object_or_404(SwingPlan.objects.for_user(request.user).select_related("instrument"), pk=plan_id)
    marks = sorted([*_fills(plan), *_decisions(plan)], key=lambda mark: (mark["time"], mark["kind"]))
    return JsonResponse({"marks": marks})


def _fills(plan: SwingPlan) -> Iterator[dict[str, Any]]:
    """One mark for each order that filled, at its last fill."""
    filled = plan.orders.filter(filled_quantity__gt=0).annotate(filled_at=Max("fills__at")).order_by("-filled_at")
    columns = ("side", "step", "filled_amount", "filled_quantity", "filled_at")
    for side, step, amount, quantity, at in filled.values_list(*columns)[:MOST_MARKS]:
        kind, word = ("sell" if side == Side.SELL else "buy"), STEPS.get(step or 0, "")
        yield _mark(at, kind, f"{word} {price(amount / quantity, plan.instrument)}".strip())


def _decisions(plan: SwingPlan) -> Iterator[dict[str, Any]]:
    """A mark on each bar that called for a step, whether or not an order came of it."""
    looks = PlanEvaluation.objects.filter(plan=plan, outcome__in=[*DECIDED, Action.BLOCKED])
    for at, outcome in looks.order_by("-bar_closed_at").values_list("bar_closed_at", "outcome")[:MOST_MARKS]:
        is_blocked = outcome == Action.BLOCKED
        yield _mark(at, "blocked" if is_blocked else "decision", _("막힘") if is_blocked else _("판단"), closed=True)


def _mark(at: Any, kind: str, text: str, *, closed: bool = False) -> dict[str, Any]:
    """A decision belongs to the bar that closed then; a fill to the bar it lies in."""
    return {"time": int(at.timestamp()) - (1 if closed else 0), "kind": kind, "text": text}
