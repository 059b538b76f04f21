"""Stopping a plan for good, with what it holds kept or sold."""

from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from accounts.models import User
from brokers.protocol import OrderType
from markets import services as markets
from markets.types import Side
from trading.errors import NotAllowed, OrderNotOpen, OrderRefused
from trading.events import publish_plan_changed
from trading.lifecycle import OrderState
from trading.models import Order, SwingPlan
from trading.services.ledger import books
from trading.services.ordering.cancels import cancel_order
from trading.services.ordering.orders import place_order
from trading.services.planning.steps import SOLD
from trading.sizing import size_sell


class Stopped(NamedTuple):
    """A plan that is off, or on its way there: the sale under way, or why there is none yet, as a code and its facts."""

    plan: SwingPlan
    sale: Order | None = None
    reason: str = ""
    facts: dict[str, Any] = {}


@transaction.atomic
def stop_plan(user: User, plan_id: UUID, *, sell: bool) -> Stopped:
    """Call the plan's open orders back and switch it off; with `sell`, its buys alone, and sell all it holds first.

    While it sells it buys nothing more and goes on bar by bar until it is flat, also after a rejection or a halt; then it
    is off. Pressed again it sells nothing twice. Raises NotAllowed and SwingPlan.DoesNotExist.
    """
    if not user.may_trade:
        raise NotAllowed
    account = books.lock_account(SwingPlan.objects.for_user(user).get(pk=plan_id).broker_account_id)
    _call_back(user, plan_id, sides={Side.BUY} if sell else {Side.BUY, Side.SELL})
    plans = SwingPlan.objects.select_for_update(of=("self",)).select_related("instrument")
    plan = plans.get(pk=plan_id)
    plan.broker_account = account
    is_quiet = not Order.objects.open().filter(plan=plan).exists()
    if not sell or (is_quiet and not _sellable(plan)):
        _switch_off(plan)
        return Stopped(plan)
    _begin_to_leave(plan)
    return _sell(user, plan)


def _call_back(user: User, plan_id: UUID, sides: set[Side]) -> None:
    orders = Order.objects.open().filter(plan=plan_id, side__in=sides).order_by("created_at", "pk")
    for order_id in list(orders.values_list("pk", flat=True)):
        try:
            cancel_order(user, order_id)
        except OrderNotOpen:  # it ended a moment ago
            continue


def _switch_off(plan: SwingPlan) -> None:
    if plan.mode == "off" and not plan.stopping:
        return
    if plan.stopping:
        plan.exiting = False  # what is kept is sold by the rule again, should the plan be resumed
    plan.mode, plan.stopping = "off", False
    _save(plan)


def _begin_to_leave(plan: SwingPlan) -> None:
    """From here on the plan only sells. It has to run: what does not sell now is sold on the bars to come."""
    if plan.mode == "off":
        plan.watches_from = markets.market_now(plan.instrument)
    if not plan.stopping or plan.mode != "on" or not plan.exiting:
        plan.mode, plan.stopping, plan.exiting = "on", True, bool(plan.held_quantity)
        _save(plan)


def _save(plan: SwingPlan) -> None:
    plan.version += 1
    plan.save(update_fields=["mode", "stopping", "exiting", "watches_from", "version", "updated_at"])
    transaction.on_commit(partial(publish_plan_changed, plan.pk, plan.user_id, plan.version))


def _sell(user: User, plan: SwingPlan) -> Stopped:
    """The sale of all it holds, unless one is under way. The lock on the account makes two presses one after the other."""
    sales = Order.objects.filter(plan=plan, side=Side.SELL)
    under_way = sales.open().first()
    if under_way is not None or not _sellable(plan):
        return Stopped(plan, under_way)
    try:
        with transaction.atomic():
            sale = place_order(
                user=user,
                broker_account=plan.broker_account,
                instrument=plan.instrument,
                side=Side.SELL,
                quantity=_sellable(plan),
                order_type=OrderType.MARKET,
                client_key=f"{plan.pk}:{plan.cycle}:stop:{sales.count()}",
                plan=plan,
                step=SOLD,
            )
    except OrderRefused as e:
        return Stopped(plan, None, e.code, dict(e.facts))
    if sale.state == OrderState.DENIED:
        return Stopped(plan, None, sale.reason, sale.facts)
    return Stopped(plan, sale)


def _sellable(plan: SwingPlan) -> Decimal:
    return size_sell(held=plan.held_quantity, lot=plan.instrument.rules.lot)
