"""The only door to an order: page, API, plan and command all end here. Nothing else creates one.

`together` takes many through it at once, by what stands here.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import FORMS, Division, OrderType, TimeInForce
from markets import services as markets
from markets.models import Instrument, LatestQuote, Statements
from markets.services import Moment
from markets.types import Side
from trading import ledger, risk
from trading.errors import SameKeyOtherRequest
from trading.events import publish_account_changed, publish_order_changed
from trading.lifecycle import OrderState
from trading.models import Order, OrderEvent, SwingPlan
from trading.services.ledger import books
from trading.services.ordering.asked import Asked, check_account, check_rights
from trading.services.ordering.checks import check_plan, check_rules, check_venue, off_hours, usable_quote
from trading.services.ordering.idempotency import claim_key
from trading.services.ordering.verdicts import Verdict, judge

ORDERS, EVENTS = Statements(Order), Statements(OrderEvent)
ORDER_BELL = "kairos_orders"  # the PostgreSQL channel that wakes dispatch


def place_order(
    *,
    user: User,
    broker_account: BrokerAccount,
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    order_type: OrderType,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    time_in_force: TimeInForce = TimeInForce.DAY,
    ends_at: datetime | None = None,
    client_key: str,
    plan: SwingPlan | None = None,
    step: int | None = None,
    replaces: Order | None = None,
    division: Division = Division.PLAIN,
) -> Order:
    """Check, reserve and queue one order, in one transaction. The broker has not answered when this returns.

    The order comes back pending, or denied with its numbers where a halt, a limit, cash or holdings forbid it; the same
    `client_key` with the same content returns the same order. A stop stays pending until its price has come; with `ends_at`,
    a market time, an order is over then if not before. Raises NotAllowed, OrderRefused (nothing is written) and
    SameKeyOtherRequest.
    """
    asked = Asked(
        user=user,
        broker_account=broker_account,
        instrument=instrument,
        side=Side(side),
        quantity=quantity,
        order_type=OrderType(order_type),
        limit_price=limit_price,
        stop_price=stop_price,
        time_in_force=TimeInForce(time_in_force),
        client_key=client_key,
        plan=plan,
        step=step,
        replaces=replaces,
        ends_at=ends_at,
        division=Division(division),
    )
    return place(asked)


def place(asked: Asked) -> Order:
    """`place_order` for a wish that has been put into words."""
    check_rights(asked)
    asked = asked.plain()
    try:
        return _place(asked)
    except IntegrityError:
        earlier = Order.objects.filter(user=asked.user, client_key=asked.client_key).first()
        if earlier is None:
            raise
        return _same_order(earlier, asked)  # older than the kept keys: the order itself still carries its own


@transaction.atomic
def _place(asked: Asked) -> Order:
    account = books.lock_account(asked.broker_account.pk)
    order_id = uuid4()
    earlier = claim_key(asked.user, asked.client_key, asked.fingerprint, {"order": str(order_id)})
    if earlier is not None:
        return Order.objects.get(pk=earlier["order"])
    check_account(asked.user, account)  # as it is now, under the lock
    check_venue(asked)
    quote = usable_quote(asked.instrument)
    present = markets.moment(asked.instrument.source)
    check_rules(asked, quote, present)
    check_plan(asked, present)
    order = _reserve_and_write(order_id, replace(asked, broker_account=account), quote, present)
    tell([order])
    return order


def tell(orders: Sequence[Order]) -> None:
    """When this transaction commits: wake dispatch, and whoever looks at these orders."""
    if any(order.is_open for order in orders):
        ring_dispatch()
    for order in orders:
        if order.is_open:
            transaction.on_commit(partial(publish_account_changed, order.broker_account_id, order.user_id))
        transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version))


def ring_dispatch() -> None:
    """Wake dispatch when this transaction commits. It also polls: a lost bell costs half a second."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [ORDER_BELL])


def _same_order(earlier: Order, asked: Asked) -> Order:
    if earlier.request_hash != asked.fingerprint:
        raise SameKeyOtherRequest(order=str(earlier.pk))
    return earlier


def _reserve_and_write(order_id: UUID, asked: Asked, quote: LatestQuote, present: Moment) -> Order:
    verdict = judge(asked, quote, present)
    order = order_of(order_id, asked, present, verdict)
    write([order])
    if not verdict.denial:
        reserved = ledger.reserve(verdict.asset, verdict.needed)
        books.book(asked.broker_account, "reserve", f"order:{order.pk}", present.at, reserved, verdict.held)
    return order


def order_of(order_id: UUID, asked: Asked, present: Moment, verdict: Verdict) -> Order:
    """The row of a wish that has been judged, not yet written."""
    denial = verdict.denial
    return Order(
        id=order_id,
        client_id=order_id.hex,
        user=asked.user,
        broker_account=asked.broker_account,
        instrument=asked.instrument,
        side=asked.side,
        quantity=asked.quantity,
        order_type=asked.order_type,
        limit_price=asked.limit_price,
        stop_price=asked.stop_price,
        worst_price=verdict.worst if asked.side is Side.BUY else None,
        time_in_force=asked.time_in_force,
        division=asked.division,
        purpose=_purpose(asked),
        plan=asked.plan,
        cycle=asked.plan.cycle if asked.plan else None,
        step=asked.step,
        replaces=asked.replaces,
        state=OrderState.DENIED if denial else OrderState.PENDING,
        reason=denial.code if denial else "",
        facts=denial.facts if denial else {},
        client_key=asked.client_key,
        request_hash=asked.fingerprint,
        reserved=Decimal(0) if denial else verdict.needed,
        market_at=present.at,
        expires_at=_expiry(asked, present),
        finished_at=present.at if denial else None,
    )


def write(orders: Sequence[Order]) -> None:
    """The orders with the first line of each one's journal."""
    ORDERS.insert(orders)
    EVENTS.insert(
        [
            OrderEvent(order=order, state=order.state, origin="place", reason=order.reason, market_at=order.market_at)
            for order in orders
        ]
    )


def _purpose(asked: Asked) -> str:
    if asked.plan is None:
        return "manual"
    return "entry" if asked.side is Side.BUY else "exit"


def _expiry(asked: Asked, present: Moment) -> datetime | None:
    if asked.time_in_force is TimeInForce.GTC:
        return asked.ends_at
    form = FORMS.get(asked.division)
    hours = off_hours(asked.instrument, form.hours, present) if form and form.hours else None
    if hours is not None:
        return hours.closes_at
    day_over = risk.day_order_expiry(markets.order_calendar(asked.instrument, present), present.at)
    return day_over if asked.ends_at is None else min(day_over, asked.ends_at)
