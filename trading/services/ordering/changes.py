"""Changing orders, so that there are never two where a person wants one.

What has not been sent is withdrawn and placed anew in one transaction. What rests at the venue is canceled first, and its
rest is placed only once it is certain how much of it had filled.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from brokers.protocol import Division, OrderType, ReportStatus, TimeInForce
from markets import services as markets
from markets.types import Side
from trading.errors import OrderDenied, OrderNotOpen, OrderRefused, TradingError
from trading.events import publish_order_changed
from trading.lifecycle import TERMINAL, UNRESOLVED, OrderState
from trading.models import BrokerOrder, Order, OrderChange, OrderEvent
from trading.services.ordering.asked import Asked, abilities_of, check_prices, check_rights, plain_number
from trading.services.ordering.cancels import WAITING, ask_to_cancel, cancelable, own_locked
from trading.services.ordering.checks import check_rules, usable_quote
from trading.services.ordering.idempotency import check_key, claim_key, fingerprint
from trading.services.ordering.orders import place_order
from trading.services.running.timing import scaled
from trading.services.safeguards import halts
from trading.services.safeguards.alerts import raise_alert
from trading.services.settling.reports import finish, locked

# A person who changes a price means the market of now: what could not be carried out within this is not done at all.
CARRY_OUT_WITHIN = timedelta(minutes=10)
REPLACED, REFUSED, TOO_LATE = "replaced", "refused", "too_late"


class Wish(NamedTuple):
    """What an order is to become. `quantity` is of the whole order, what it has filled included."""

    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a change that waited ended, and why."""

    name: str
    reason: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def changeable(order: Order) -> bool:
    """Whether a person can still change this order."""
    return cancelable(order) and order.plan_id is None


@transaction.atomic
def change_order(
    user: User,
    order_id: UUID,
    *,
    quantity: Decimal,
    limit_price: Decimal | None,
    stop_price: Decimal | None = None,
    client_key: str,
) -> Order:
    """Give an order another quantity or price. `quantity` is of the whole order, what it has filled included.

    An order that has not been sent is replaced at once, and the new one is returned. One that rests at the venue is
    returned with its cancel requested; `carry_out_changes` places its rest. The same `client_key` is the same change.
    Raises NotAllowed, Order.DoesNotExist, OrderNotOpen, OrderRefused, OrderDenied and SameKeyOtherRequest; the order is
    then as it was.
    """
    order = own_locked(user, order_id)
    wish = _plain_wish(order, quantity, limit_price, stop_price)
    check_key(client_key)
    request = fingerprint("change", str(order.pk), *(None if n is None else format(n, "f") for n in wish))
    if claim_key(user, client_key, request, {"order": str(order.pk)}) is not None:
        return _standing(order)
    _check_changeable(order, wish)
    if order.state == OrderState.PENDING:
        return _replace_unsent(order, wish)
    _check_rest(order, wish)
    OrderChange.objects.create(
        order=order,
        quantity=wish.quantity,
        limit_price=wish.limit_price,
        stop_price=wish.stop_price,
        client_key=_key_of_rest(order),
    )
    ask_to_cancel(order, "change_requested")
    return order


def carry_out_changes() -> int:
    """Place the rest of orders that were canceled to be changed, or write down why not; how many changes ended.

    For dispatch, each turn. Each change is one transaction: whoever dies in it leaves the change waiting, and the same
    key makes the same order.
    """
    ended = OrderChange.objects.filter(outcome=WAITING, order__state__in=sorted(TERMINAL)).order_by("created_at", "pk")
    return sum(_carry_out(change_id) for change_id in list(ended.values_list("pk", flat=True)))


def _standing(order: Order) -> Order:
    """The order that took this one's place, or itself."""
    return Order.objects.filter(replaces=order).first() or order


def _key_of_rest(order: Order) -> str:
    """One order is replaced once at most, whatever is asked and how often."""
    return f"replaces:{order.pk}"


def _plain_wish(order: Order, quantity: Decimal, limit_price: Decimal | None, stop_price: Decimal | None) -> Wish:
    check_prices(OrderType(order.order_type), limit_price, stop_price)
    return Wish(
        plain_number(quantity, "quantity"),
        None if limit_price is None else plain_number(limit_price, "limit_price"),
        None if stop_price is None else plain_number(stop_price, "stop_price"),
    )


def _check_changeable(order: Order, wish: Wish) -> None:
    """Raise OrderNotOpen or OrderRefused for an order that cannot become this."""
    if not order.is_open:
        raise OrderNotOpen(state=order.state)
    if order.plan_id is not None:
        raise OrderRefused("plan_order_fixed")
    if order.state in UNRESOLVED:
        raise OrderRefused("order_in_doubt")
    if order.cancel_requested:
        raise OrderRefused("cancel_already_requested")
    if wish.quantity <= order.filled_quantity:
        raise OrderRefused("quantity_already_filled", field="quantity", filled=order.filled_quantity)
    if wish == (order.quantity, order.limit_price, order.stop_price):
        raise OrderRefused("nothing_changed")


def _replace_unsent(order: Order, wish: Wish) -> Order:
    """The order anew, or, where that is refused or denied, everything as it was."""
    at = markets.market_now(order.instrument)
    finish(order, OrderState.WITHDRAWN, at, origin="person", reason=REPLACED)
    anew = _place_rest(order, wish)
    if anew.state == OrderState.DENIED:
        raise OrderDenied(anew.reason, **anew.facts)
    return anew


def _check_rest(order: Order, wish: Wish) -> None:
    """Raise OrderRefused or OrderDenied before a resting order is canceled for what could not take its place."""
    asked = Asked(
        user=order.user, broker_account=order.broker_account, instrument=order.instrument, **_rest(order, wish)
    )
    check_rights(asked)
    check_rules(asked, usable_quote(asked.instrument), markets.moment(asked.instrument.source))
    if denial := halts.denial_at_place(asked):
        raise OrderDenied(denial.code, **denial.facts)


def _place_rest(order: Order, wish: Wish) -> Order:
    return place_order(
        user=order.user, broker_account=order.broker_account, instrument=order.instrument, **_rest(order, wish)
    )


def _rest(order: Order, wish: Wish) -> dict[str, Any]:
    """What is left of an order, as it is to be: the arguments of the order that takes its place."""
    return {
        "side": Side(order.side),
        "quantity": wish.quantity - order.filled_quantity,
        "order_type": OrderType(order.order_type),
        "limit_price": wish.limit_price,
        "stop_price": wish.stop_price,
        "time_in_force": TimeInForce(order.time_in_force),
        "division": Division(order.division),
        "client_key": _key_of_rest(order),
        "replaces": order,
    }


@transaction.atomic
def _carry_out(change_id: int) -> bool:
    order = locked(OrderChange.objects.values_list("order_id", flat=True).get(pk=change_id))
    change = OrderChange.objects.select_for_update().get(pk=change_id)
    if change.outcome != WAITING or order.state not in TERMINAL:
        return False
    try:
        outcome = _outcome(order, change)
    except TradingError as e:
        outcome = Outcome(REFUSED, e.code, {name: str(value) for name, value in e.facts.items()})
    if outcome is None:
        return False
    _end(order, change, outcome)
    return True


def _outcome(order: Order, change: OrderChange) -> Outcome | None:
    """Place the rest where that is still wanted; None while it is not certain how much of the order had filled."""
    if order.state != OrderState.CANCELED or order.filled_quantity >= change.quantity:
        return Outcome(TOO_LATE, order.state)
    if timezone.now() - change.created_at > scaled(CARRY_OUT_WITHIN):
        return Outcome(TOO_LATE, "waited_too_long")
    if not _is_certain(order):
        return None
    anew = _place_rest(order, Wish(change.quantity, change.limit_price, change.stop_price))
    if anew.state == OrderState.DENIED:
        return Outcome(REFUSED, anew.reason, anew.facts)
    return Outcome(REPLACED)


def _is_certain(order: Order) -> bool:
    """Whether all that a canceled order filled is booked: the venue's own list has said so, where there is a wire."""
    if not abilities_of(order.broker_account).has_wire:
        return True
    listed = BrokerOrder.objects.filter(broker_account=order.broker_account, key=order.broker_order_key)
    return listed.exclude(status=ReportStatus.ACCEPTED).filter(filled_quantity=order.filled_quantity).exists()


def _end(order: Order, change: OrderChange, outcome: Outcome) -> None:
    change.outcome, change.reason, change.facts = outcome.name, outcome.reason, outcome.facts
    change.save(update_fields=["outcome", "reason", "facts"])
    order.version += 1
    order.save(update_fields=["version"])
    at = markets.market_now(order.instrument)
    reason = REPLACED if outcome.name == REPLACED else f"change_{outcome.name}"
    raw = {"reason": outcome.reason, **outcome.facts} if outcome.reason else {}
    OrderEvent.objects.create(order=order, state=order.state, origin="change", reason=reason, raw=raw, market_at=at)
    if outcome.name != REPLACED:  # the order is gone, and nothing has taken its place
        raise_alert("change_not_placed", f"order:{order.pk}", order.user_id, reason=outcome.reason)
    transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version))
