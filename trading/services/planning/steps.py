"""SIGNAL moves on fills, never on orders: when an order of a plan has ended, what it filled decides the step."""

from datetime import datetime

import structlog

from markets.types import Side
from trading.models import Order, SignalStep, SwingPlan
from trading.signal import Action, IllegalSignalStep, advance

logger = structlog.get_logger(__name__)

SOLD = 3
ACTIONS = {1: Action.BUY_FIRST, 2: Action.BUY_SECOND, SOLD: Action.SELL}


def step_after_fill(order: Order, plan: SwingPlan, at: datetime) -> None:
    """Move the SIGNAL of a locked plan where this ended order completed a step; unfilled, the plan stays where it was.

    A buy's step is done with whatever it filled: the second step spends what the budget still has. A sale's step is done
    when nothing is held any more; until then the plan goes on selling. A late fill that fits no step moves nothing: what
    the plan holds then contradicts its SIGNAL, and its next look is blocked until a person has seen it.
    """
    _move(order, plan, at)
    if plan.stopping:
        _come_to_rest(plan, at)


def _move(order: Order, plan: SwingPlan, at: datetime) -> None:
    if order.step is None or not order.filled_quantity or plan.cycle != order.cycle:
        return
    if order.side == Side.SELL and plan.held_quantity:
        _go_on_selling(plan)
    elif order.side == Side.SELL and plan.stopping and plan.signal == 0:
        return  # the buy it sells has not ended yet
    elif not SignalStep.objects.filter(plan=plan, cycle=plan.cycle, to_signal=order.step).exists():
        _step(order, plan, order.step, at)


def _come_to_rest(plan: SwingPlan, at: datetime) -> None:
    """A plan that is being stopped sells whatever it holds by now; with nothing held and nothing under way it is off."""
    if plan.held_quantity:
        _go_on_selling(plan)
    elif not Order.objects.open().filter(plan=plan).exists():
        _step_of_earlier_sale(plan, at)
        plan.stopping, plan.exiting, plan.mode = False, False, "off"
        plan.version += 1
        plan.save(update_fields=["stopping", "exiting", "mode", "version", "updated_at"])


def _step_of_earlier_sale(plan: SwingPlan, at: datetime) -> None:
    """What a buy had filled was sold before the buy itself had ended: its step came first, the sale's comes now."""
    sales = Order.objects.filter(plan=plan, cycle=plan.cycle, step=SOLD, filled_quantity__gt=0)
    sale = sales.order_by("-created_at").first() if plan.signal in {1, 2} else None
    if sale is not None:
        _step(sale, plan, SOLD, at)


def _go_on_selling(plan: SwingPlan) -> None:
    if not plan.exiting:
        plan.exiting = True
        plan.version += 1
        plan.save(update_fields=["exiting", "version", "updated_at"])


def _step(order: Order, plan: SwingPlan, step: int, at: datetime) -> None:
    before = plan.signal
    try:
        plan.signal = advance(before, ACTIONS[step])
    except IllegalSignalStep:
        logger.exception("fill fits no step", order=str(order.pk), plan=str(plan.pk), signal=before, step=step)
        return
    SignalStep.objects.create(
        plan=plan, cycle=plan.cycle, from_signal=before, to_signal=plan.signal, order=order, at=at
    )
    if plan.signal == SOLD:
        plan.exiting = False
        plan.peak_close = None
        plan.cooldown_left = plan.cooldown_bars
    plan.version += 1
    plan.save(update_fields=["signal", "exiting", "peak_close", "cooldown_left", "version", "updated_at"])
