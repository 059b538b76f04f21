"""Folding what a broker tells us into our books: safe to repeat, in any order. Fills are facts, kept once each."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction

from brokers.protocol import FillReport, OrderReport, ReportStatus
from markets.types import Side
from trading import ledger, lifecycle
from trading.errors import IllegalTransition
from trading.events import publish_account_changed, publish_order_changed, publish_plan_changed
from trading.ledger import Execution
from trading.lifecycle import OrderState
from trading.models import Fill, Order, OrderEvent, SwingPlan
from trading.services import books
from trading.services.steps import step_after_fill

logger = structlog.get_logger(__name__)

_STATES = {
    ReportStatus.ACCEPTED: OrderState.ACCEPTED,
    ReportStatus.REJECTED: OrderState.REJECTED,
    ReportStatus.CANCELED: OrderState.CANCELED,
    ReportStatus.EXPIRED: OrderState.EXPIRED,
}


@transaction.atomic
def apply_report(order_id: UUID, report: OrderReport, at: datetime) -> Order:
    """Fold one broker report into the order, the ledger and its plan. `at` is market time."""
    found = Order.objects.only("broker_account_id").get(pk=order_id)
    books.lock_account(found.broker_account_id)
    order = (
        Order.objects.select_for_update(of=("self",))
        .select_related("instrument", "broker_account", "plan")
        .get(pk=order_id)
    )
    if report.broker_order_key:
        order.broker_order_key = report.broker_order_key
    for fill in report.fills:
        _book_fill(order, fill)
    state = _state_after(order, report)
    try:
        lifecycle.advance(OrderState(order.state), state)
    except IllegalTransition:
        # The broker is the truth and the fills are booked; a state that contradicts ours is for a person to read.
        logger.error("contradicting report", order=str(order.pk), state=order.state, reported=report.status)
        state = OrderState(order.state)
    finish(order, state, at, origin="broker", reason=report.reason, raw=report.raw)
    return order


def finish(
    order: Order,
    state: OrderState,
    at: datetime,
    *,
    origin: str,
    reason: str = "",
    raw: dict[str, str] | None = None,
) -> None:
    """Write the order's new state and its event; a terminal one gives back what is still reserved and frees its plan."""
    moved = state != order.state
    order.state = state
    order.reason = reason or order.reason
    if state in lifecycle.TERMINAL and order.finished_at is None:
        order.finished_at = at
        _release_rest(order, at)
    order.version += 1
    order.save()
    if moved or raw:
        OrderEvent.objects.create(order=order, state=state, origin=origin, reason=reason, raw=raw or {}, market_at=at)
    if state in lifecycle.TERMINAL and order.plan_id:
        step_after_fill(order, at)
        plan = SwingPlan.objects.only("version").get(pk=order.plan_id)
        transaction.on_commit(partial(publish_plan_changed, order.plan_id, order.user_id, plan.version))
    transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version))
    transaction.on_commit(partial(publish_account_changed, order.broker_account_id, order.user_id))


def _state_after(order: Order, report: OrderReport) -> OrderState:
    if order.filled_quantity >= order.quantity:
        return OrderState.FILLED
    told = _STATES[report.status]
    if told is OrderState.ACCEPTED:
        if order.state in lifecycle.TERMINAL:
            return OrderState(order.state)  # an old acceptance told again
        return OrderState.PARTIALLY_FILLED if order.filled_quantity else OrderState.ACCEPTED
    return told


def _book_fill(order: Order, report: FillReport) -> None:
    fill, is_new = Fill.objects.get_or_create(
        broker_account_id=order.broker_account_id,
        key=report.key,
        defaults={
            "order": order,
            "quantity": report.quantity,
            "price": report.price,
            "amount": report.amount,
            "fee": report.fee,
            "tax": report.tax,
            "pricing": report.pricing,
            "at": report.at,
        },
    )
    if not is_new:
        return
    order.filled_quantity += fill.quantity
    order.filled_amount += fill.amount
    order.fee += fill.fee
    order.tax += fill.tax
    execution = Execution(
        order.instrument.key, order.instrument.currency, fill.quantity, fill.amount, fill.fee, fill.tax
    )
    _post(order, fill, execution)
    if order.plan_id:
        _book_to_plan(order, execution)


def _post(order: Order, fill: Fill, execution: Execution) -> None:
    account, source = order.broker_account, f"fill:{order.broker_account_id}:{fill.key}"
    if order.side == Side.BUY:
        order.reserved -= execution.amount + execution.fee + execution.tax
        books.book(account, "fill", source, fill.at, ledger.bought(execution))
        return
    held = books.balance(account, ledger.AVAILABLE, execution.instrument) + books.balance(
        account, ledger.RESERVED, execution.instrument
    )
    held_cost = books.balance(account, ledger.position_bucket(execution.instrument), execution.currency)
    cost = ledger.cost_of_sold(execution.quantity, held, held_cost, order.instrument.cash_decimals)
    order.reserved -= execution.quantity
    books.book(account, "fill", source, fill.at, ledger.sold(execution, cost))


def _book_to_plan(order: Order, execution: Execution) -> None:
    plan = SwingPlan.objects.select_for_update().get(pk=order.plan_id)
    if order.side == Side.BUY:
        plan.held_quantity += execution.quantity
        plan.held_cost += execution.amount
        plan.cycle_spent += execution.amount + execution.fee
        plan.realised -= execution.fee
    else:
        cost = ledger.cost_of_sold(
            execution.quantity, plan.held_quantity, plan.held_cost, order.instrument.cash_decimals
        )
        plan.held_quantity -= execution.quantity
        plan.held_cost -= cost
        plan.realised += execution.amount - execution.fee - execution.tax - cost
    plan.version += 1
    plan.save(update_fields=["held_quantity", "held_cost", "cycle_spent", "realised", "version", "updated_at"])


def _release_rest(order: Order, at: datetime) -> None:
    if not order.reserved:
        return
    asset = order.instrument.currency if order.side == Side.BUY else order.instrument.key
    lines = ledger.release(asset, order.reserved)
    books.book(order.broker_account, "release", f"order:{order.pk}", at, lines)
    order.reserved = Decimal(0)
