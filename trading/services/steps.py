"""SIGNAL moves on fills, never on orders: when an order of a plan has ended, what it filled decides the step."""

from datetime import datetime

from markets.types import Side
from trading.models import Order, SignalStep, SwingPlan
from trading.signal import Action, advance

SOLD = 3
ACTIONS = {1: Action.BUY_FIRST, 2: Action.BUY_SECOND, SOLD: Action.SELL}


def step_after_fill(order: Order, at: datetime) -> None:
    """Move the plan's SIGNAL where this ended order completed a step; unfilled, the plan stays where it was.

    A buy's step is done with whatever it filled: the second step spends what the budget still has. A sale's step is done
    when nothing is held any more; until then the plan goes on selling.
    """
    if order.plan_id is None or order.step is None or not order.filled_quantity:
        return
    plan = SwingPlan.objects.select_for_update().get(pk=order.plan_id)
    if plan.cycle != order.cycle:
        return
    if order.side == Side.SELL and plan.held_quantity:
        plan.exiting = True
        plan.version += 1
        plan.save(update_fields=["exiting", "version", "updated_at"])
        return
    if SignalStep.objects.filter(plan=plan, cycle=plan.cycle, to_signal=order.step).exists():
        return
    before, plan.signal = plan.signal, advance(plan.signal, ACTIONS[order.step])
    SignalStep.objects.create(
        plan=plan, cycle=plan.cycle, from_signal=before, to_signal=plan.signal, order=order, at=at
    )
    if plan.signal == SOLD:
        plan.exiting = False
        plan.peak_close = None
        plan.cooldown_left = plan.cooldown_bars
    plan.version += 1
    plan.save(update_fields=["signal", "exiting", "peak_close", "cooldown_left", "version", "updated_at"])
