"""Calling orders back: what has not been sent is withdrawn, what rests at the venue is asked for."""

from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from accounts.models import User
from brokers.models import BrokerAccount
from markets import services as markets
from markets.models import Instrument
from trading.errors import NotAllowed, OrderNotOpen
from trading.events import publish_order_changed
from trading.lifecycle import WORKING, OrderState
from trading.models import Order, OrderChange, OrderEvent
from trading.services.ordering.orders import ring_dispatch
from trading.services.settling.reports import finish, locked

WAITING = "waiting"  # a change whose order has yet to be canceled


class Canceled(NamedTuple):
    """How many orders were withdrawn before sending, and about how many the venue is asked."""

    withdrawn: int
    asked: int


def cancelable(order: Order) -> bool:
    """Whether a person can still call this order back."""
    return order.state == OrderState.PENDING or (order.state in WORKING and not order.cancel_requested)


@transaction.atomic
def cancel_order(user: User, order_id: UUID) -> Order:
    """Withdraw what has not been sent, or ask the broker to cancel what rests there; fills so far stand.

    A change that waits for the order to be canceled is dropped: the person wants it gone. Raises NotAllowed,
    Order.DoesNotExist for anyone else's order and OrderNotOpen for a finished one.
    """
    order = own_locked(user, order_id)
    if not order.is_open:
        raise OrderNotOpen(state=order.state)
    if order.state == OrderState.PENDING:
        at = markets.market_now(order.instrument)
        finish(order, OrderState.WITHDRAWN, at, origin="person", reason="canceled_by_person")
        return order
    OrderChange.objects.filter(order=order, outcome=WAITING).update(outcome="refused", reason="canceled_by_person")
    if not order.cancel_requested:
        ask_to_cancel(order, "cancel_requested")
    return order


def cancel_all(user: User, account: BrokerAccount | None = None, instrument: Instrument | None = None) -> Canceled:
    """Cancel every open order of a person, or those of one account or instrument, each for itself. Raises NotAllowed."""
    if not user.may_trade:
        raise NotAllowed
    orders = Order.objects.for_user(user).open()
    if account is not None:
        orders = orders.filter(broker_account=account)
    if instrument is not None:
        orders = orders.filter(instrument=instrument)
    withdrawn = asked = 0
    for order_id in list(orders.order_by("created_at", "pk").values_list("pk", flat=True)):
        try:
            still_open = cancel_order(user, order_id).is_open
        except OrderNotOpen:  # it ended a moment ago
            continue
        withdrawn, asked = withdrawn + (not still_open), asked + still_open
    return Canceled(withdrawn, asked)


def own_locked(user: User, order_id: UUID) -> Order:
    """The person's own order, locked with its account. Raises NotAllowed and Order.DoesNotExist."""
    if not user.may_trade:
        raise NotAllowed
    if not Order.objects.for_user(user).filter(pk=order_id).exists():
        raise Order.DoesNotExist
    order = locked(order_id)
    order.user = user
    return order


def ask_to_cancel(order: Order, reason: str) -> None:
    """Have dispatch ask the venue for the rest of a locked order."""
    at = markets.market_now(order.instrument)
    order.cancel_requested = True
    order.version += 1
    order.save(update_fields=["cancel_requested", "version"])
    OrderEvent.objects.create(order=order, state=order.state, origin="person", reason=reason, market_at=at)
    ring_dispatch()
    transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version))
