"""From an order back to what led to it: the look at its plan, the version of the rule that judged, and the bar (G16)."""

from typing import Any

from strategies.models import StrategyVersion
from trading.models import Order
from trading.templatetags.looks import version_of
from trading.views.outlook import Explained


def why_of(order: Order) -> dict[str, Any]:
    """What `_order_why.html` shows; nothing of an order that no look at a plan has called for."""
    look = order.evaluations.first() if order.plan_id else None
    if look is None:
        return {"why": None}
    number = version_of(look)  # None of what an older release wrote
    version = StrategyVersion.objects.filter(pk=number).select_related("strategy").first() if number else None
    return {"why": Explained(look), "why_version": version}
