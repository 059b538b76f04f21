"""Folding what a broker tells us into our books: safe to repeat, in any order. Fills are facts, kept once each.

Locks, always in this order: account, order, plan. What contradicts our rows is kept as an event and logged for a person;
it never stops the rest of a report.
"""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction

from brokers.models import BrokerAccount
from brokers.protocol import FillReport, OrderReport, ReportStatus
from markets.types import Side
from trading import ledger, lifecycle
from trading.errors import BooksDoNotBalance, IllegalTransition
from trading.events import publish_account_changed, publish_order_changed, publish_plan_changed
from trading.ledger import Execution, Line
from trading.lifecycle import OrderState
from trading.models import Fill, Order, OrderEvent, SwingPlan
from trading.services.ledger import books
from trading.services.planning.steps import step_after_fill
from trading.services.settling.late import reopen

logger = structlog.get_logger(__name__)

_STATES = {
    ReportStatus.ACCEPTED: OrderState.ACCEPTED,
    ReportStatus.REJECTED: OrderState.REJECTED,
    ReportStatus.CANCELED: OrderState.CANCELED,
    ReportStatus.EXPIRED: OrderState.EXPIRED,
}
_WAS_ACCEPTED = {OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED}  # an acceptance told again is old news


def locked(order_id: UUID) -> Order:
    """The order with its account, plan and instrument, the first three locked. Raises Order.DoesNotExist."""
    account = BrokerAccount.objects.select_for_update(of=("self",), no_key=True).filter(orders=order_id).first()
    if account is None:
        raise Order.DoesNotExist
    order = Order.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=order_id)
    order.broker_account = account
    if order.plan_id is not None:
        order.plan = SwingPlan.objects.select_for_update().get(pk=order.plan_id)
    return order


@transaction.atomic
def apply_report(order_id: UUID, report: OrderReport, at: datetime) -> Order:
    """Fold one broker report into the order, the ledger and its plan. `at` is market time."""
    order = locked(order_id)
    fold(order, report, at)
    return order


def fold(order: Order, report: OrderReport, at: datetime, *, origin: str = "broker") -> None:
    """`apply_report` for an order already `locked`. `origin`: who told, for the order's events."""
    before, known = OrderState(order.state), (order.broker_order_key, order.filled_quantity)
    if before is OrderState.NOT_PLACED and report.status is not ReportStatus.REJECTED:
        reopen(order, at)
    _take_broker_key(order, report, at)
    _take_fills(order, report, at)
    state, reason, raw = _state_after(order, report), report.reason, report.raw
    try:
        lifecycle.advance(before, state)
    except IllegalTransition:
        keep_contradiction(order, "contradiction", at, {"reason": reason, **raw}, told=_STATES[report.status])
        state, reason, raw = before, "", {}
    if state != before or known != (order.broker_order_key, order.filled_quantity):
        finish(order, state, at, origin=origin, reason=reason, raw=raw)
    elif raw:  # told again: kept once, and nothing else has changed
        _keep_once(order, state, reason, raw, at)


def finish(
    order: Order,
    state: OrderState,
    at: datetime,
    *,
    origin: str,
    reason: str = "",
    raw: dict[str, str] | None = None,
) -> None:
    """Write the new state of a `locked` order and its event; a terminal one gives back what is still reserved."""
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
    if order.plan is not None:
        if state in lifecycle.TERMINAL:
            step_after_fill(order, order.plan, at)
        transaction.on_commit(partial(publish_plan_changed, order.plan.pk, order.user_id, order.plan.version))
    transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version))
    transaction.on_commit(partial(publish_account_changed, order.broker_account_id, order.user_id))


def _take_broker_key(order: Order, report: OrderReport, at: datetime) -> None:
    """The broker's name for the order, told once: another one later, or one another order has, is a contradiction."""
    key = report.broker_order_key
    if not key or key == order.broker_order_key:
        return
    others = Order.objects.filter(broker_account_id=order.broker_account_id, broker_order_key=key)
    if order.broker_order_key or others.exists():
        keep_contradiction(order, "contradiction", at, {"broker_order_key": key, **report.raw})
    else:
        order.broker_order_key = key


def _state_after(order: Order, report: OrderReport) -> OrderState:
    told, state = _STATES[report.status], OrderState(order.state)
    if order.filled_quantity >= order.quantity and told is not OrderState.REJECTED:
        return OrderState.FILLED
    if told is not OrderState.ACCEPTED:
        return told
    if state in _WAS_ACCEPTED:
        return state
    return OrderState.PARTIALLY_FILLED if order.filled_quantity else OrderState.ACCEPTED


def _take_fills(order: Order, report: OrderReport, at: datetime) -> None:
    if not report.fills:
        return
    keys = {told.key for told in report.fills}
    booked = Fill.objects.filter(broker_account_id=order.broker_account_id, key__in=keys)
    known = {fill.key: fill for fill in booked}
    for told in report.fills:
        earlier = known.get(told.key)
        if earlier is None:
            try:
                known[told.key] = _book_fill(order, told)
            except BooksDoNotBalance as e:
                logger.warning("fill cannot be booked", order=str(order.pk), key=told.key, why=str(e))
                keep_contradiction(order, "fill_not_booked", at, _as_told(told))
        elif not _is_same(earlier, order, told):
            keep_contradiction(order, "fill_contradicts", at, _as_told(told))


def _is_same(fill: Fill, order: Order, told: FillReport) -> bool:
    ours = (fill.order_id, fill.quantity, fill.price, fill.amount, fill.fee, fill.tax)
    return ours == (order.pk, told.quantity, told.price, told.amount, told.fee, told.tax)


def _as_told(fill: FillReport) -> dict[str, str]:
    numbers = {"quantity": fill.quantity, "price": fill.price, "amount": fill.amount, "fee": fill.fee, "tax": fill.tax}
    return {"key": fill.key, "at": fill.at.isoformat()} | {name: format(n, "f") for name, n in numbers.items()}


def _book_fill(order: Order, told: FillReport) -> Fill:
    """Keep one new execution and post it. Raises BooksDoNotBalance, with nothing written, where that is impossible."""
    if told.quantity <= 0 or told.amount < 0:
        raise BooksDoNotBalance(f"{told.quantity} for {told.amount}")
    if order.filled_quantity + told.quantity > order.quantity:
        raise BooksDoNotBalance(f"{order.filled_quantity} of {order.quantity} filled, {told.quantity} more told")
    account = order.broker_account
    done = Execution(order.instrument.key, order.instrument.currency, told.quantity, told.amount, told.fee, told.tax)
    before = books.held(account, {done.instrument, done.currency})
    needed, lines = _lines(order, done, before)
    books.require_sound(lines, before)
    fill = Fill.objects.create(
        order=order,
        broker_account=account,
        key=told.key,
        quantity=told.quantity,
        price=told.price,
        amount=told.amount,
        fee=told.fee,
        tax=told.tax,
        pricing=told.pricing,
        synthetic=told.synthetic,
        at=told.at,
    )
    books.book(account, "fill", books.fill_source(fill), fill.at, lines, before)
    order.reserved -= min(needed, order.reserved)
    order.filled_quantity += fill.quantity
    order.filled_amount += fill.amount
    order.fee += fill.fee
    order.tax += fill.tax
    if order.plan is not None:
        _book_to_plan(order, order.plan, done, fill.at)
    return fill


def _lines(order: Order, done: Execution, before: books.Held) -> tuple[Decimal, list[Line]]:
    """How much of the reservation the fill takes, and its postings.

    What the reservation lacks (the order had ended, or filled dearer than its limit) comes from what is free, never
    from what is reserved for another order.
    """
    if order.side == Side.BUY:
        needed, asset, lines = done.amount + done.fee + done.tax, done.currency, ledger.bought(done)
    else:
        units = [before.get((bucket, done.instrument), Decimal(0)) for bucket in (ledger.AVAILABLE, ledger.RESERVED)]
        held_cost = before.get((ledger.position_bucket(done.instrument), done.currency), Decimal(0))
        cost = ledger.cost_of_sold(done.quantity, ledger.total(units), held_cost, order.instrument.cash_decimals)
        needed, asset, lines = done.quantity, done.instrument, ledger.sold(done, cost)
    lacking = needed - order.reserved
    return needed, [*ledger.reserve(asset, lacking), *lines] if lacking > 0 else lines


def _book_to_plan(order: Order, plan: SwingPlan, done: Execution, at: datetime) -> None:
    if order.side == Side.BUY:
        plan.held_since = plan.held_since if plan.held_quantity else at
        plan.held_quantity += done.quantity
        plan.held_cost += done.amount
        plan.cycle_spent += done.amount + done.fee
        plan.realised -= done.fee
    else:
        if done.quantity > plan.held_quantity:
            logger.error("plan sold more than it holds", plan=str(plan.pk), held=plan.held_quantity, sold=done.quantity)
        cost = ledger.cost_of_sold(done.quantity, plan.held_quantity, plan.held_cost, order.instrument.cash_decimals)
        plan.held_quantity -= min(done.quantity, plan.held_quantity)
        plan.held_cost -= cost
        plan.realised += done.amount - done.fee - done.tax - cost
    plan.version += 1
    counted = ["held_quantity", "held_cost", "held_since", "cycle_spent", "realised"]
    plan.save(update_fields=[*counted, "version", "updated_at"])


def _release_rest(order: Order, at: datetime) -> None:
    if not order.reserved:
        return
    asset = order.instrument.currency if order.side == Side.BUY else order.instrument.key
    account = order.broker_account
    lines = ledger.release(asset, order.reserved)
    # An order accepted late has given back once before: its fence, which only grows, tells the two apart.
    books.book(account, "release", f"order:{order.pk}:{order.fence}", at, lines, books.held(account, [asset]))
    order.reserved = Decimal(0)


def keep_contradiction(order: Order, reason: str, at: datetime, raw: dict[str, str], *, told: str = "") -> None:
    """What the broker said that cannot be: the broker is the truth, so nothing of it is lost, and a person looks."""
    if _keep_once(order, told or order.state, reason, raw, at):
        logger.error("contradicting report", order=str(order.pk), state=order.state, told=told, reason=reason)


def _keep_once(order: Order, state: str, reason: str, raw: dict[str, str], at: datetime) -> bool:
    """Keep what was told as an event; False where the very same was told and kept before, for lists tell it every time."""
    words = json.dumps([state, reason, raw], sort_keys=True, ensure_ascii=False)
    source_key = f"{reason}:{hashlib.sha256(words.encode()).hexdigest()[:24]}"
    _event, is_new = OrderEvent.objects.get_or_create(
        order=order,
        origin="broker",
        source_key=source_key,
        defaults={"state": state, "reason": reason, "raw": raw, "market_at": at},
    )
    return is_new
