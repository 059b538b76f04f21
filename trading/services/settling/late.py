"""An order taken for never placed turns up at the broker after all: rare, and a person has to know (I5).

Its reservation was given back when it was taken for absent. What is still free is set aside again, so that nothing else
spends what it will need, and the plan behind it only reduces from here on.
"""

from datetime import datetime
from decimal import Decimal

from markets.types import Side, market_day
from trading import ledger, lifecycle, risk
from trading.models import Order, OrderEvent
from trading.services.ledger import books
from trading.services.safeguards import halts
from trading.services.safeguards.alerts import raise_alert

LATE_ACCEPT = "late_accept"


def reopen(order: Order, at: datetime) -> None:
    """Make a `locked` order that was taken for absent one that may rest and fill again. The caller writes its row."""
    order.fence += 1
    order.finished_at = None
    raw = _leave_step_taken_since(order)
    _reserve_again(order, at)
    OrderEvent.objects.create(
        order=order, state=order.state, origin="broker", reason=LATE_ACCEPT, raw=raw, market_at=at
    )
    raise_alert(LATE_ACCEPT, f"order:{order.pk}", order.user_id, instrument=order.instrument.key)
    if order.plan_id is not None:
        halts.latch("plan", str(order.plan_id), "reduce_only", LATE_ACCEPT, order=str(order.pk))


def _leave_step_taken_since(order: Order) -> dict[str, str]:
    """The plan may have gone on to another order for the same step, and a step has one open order: that one keeps it.

    What this one fills, the plan then holds beside its SIGNAL, and its next look is blocked until a person has seen it.
    """
    if order.step is None:
        return {}
    same_step = Order.objects.filter(plan=order.plan_id, cycle=order.cycle, step=order.step, state__in=lifecycle.OPEN)
    if not same_step.exclude(pk=order.pk).exists():
        return {}
    raw = {"step": str(order.step)}
    order.step = None
    return raw


def _reserve_again(order: Order, at: datetime) -> None:
    rules = order.instrument.rules
    side = Side(order.side)
    worst = order.limit_price or order.worst_price or Decimal(0)  # a buy has one, a sale sets its units aside
    needed = risk.to_reserve(rules, side, order.remaining, worst, market_day(at))
    asset = order.instrument.currency if side is Side.BUY else order.instrument.key
    held = books.held(order.broker_account, [asset])
    amount = min(needed, held.get((ledger.AVAILABLE, asset), Decimal(0)))
    if amount > 0:
        lines = ledger.reserve(asset, amount)
        books.book(order.broker_account, "reserve", f"order:{order.pk}:{order.fence}", at, lines, held)
        order.reserved = amount
