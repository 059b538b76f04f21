"""The only door to an order: page, API, plan and command all end here. Nothing else creates one."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from brokers.virtual import costs
from markets import services as markets
from markets.dated import NoRuleInForce
from markets.models import Instrument, LatestQuote
from markets.rules import RuleViolation, check_order
from markets.services import Moment
from markets.types import Side, Source, market_day
from trading import ledger, risk
from trading.errors import NotAllowed, OrderNotOpen, OrderRefused, SameKeyOtherOrder
from trading.events import publish_account_changed, publish_order_changed
from trading.lifecycle import WORKING, OrderState
from trading.models import Order, OrderEvent, SwingPlan
from trading.services import books
from trading.services.asked import Asked, check_account, check_limit, check_rights, plain_number
from trading.services.reports import finish, locked

ORDER_BELL = "kairos_orders"  # the PostgreSQL channel that wakes dispatch


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order would cost (a buy) or bring (a sell) at `price`, in the instrument's currency."""

    price: Decimal
    amount: Decimal
    fee: Decimal
    tax: Decimal
    total: Decimal


def place_order(
    *,
    user: User,
    broker_account: BrokerAccount,
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    order_type: OrderType,
    limit_price: Decimal | None = None,
    time_in_force: TimeInForce = TimeInForce.DAY,
    client_key: str,
    plan: SwingPlan | None = None,
    step: int | None = None,
) -> Order:
    """Check, reserve and queue one order, in one transaction. The broker has not answered when this returns.

    The order comes back pending, or denied with its numbers where cash or holdings do not suffice; the same `client_key`
    with the same content returns the same order. Raises NotAllowed, OrderRefused (nothing is written) and
    SameKeyOtherOrder.
    """
    asked = Asked(
        user,
        broker_account,
        instrument,
        Side(side),
        quantity,
        OrderType(order_type),
        limit_price,
        TimeInForce(time_in_force),
        client_key,
        plan,
        step,
    )
    check_rights(asked)
    asked = asked.plain()
    try:
        return _place(asked)
    except IntegrityError:
        earlier = _earlier(asked)
        if earlier is None:
            raise
        return _same_order(earlier, asked)  # the same key, at the same moment, on another account of this person


@transaction.atomic
def _place(asked: Asked) -> Order:
    account = books.lock_account(asked.broker_account.pk)
    if earlier := _earlier(asked):
        return _same_order(earlier, asked)
    check_account(asked.user, account)  # as it is now, under the lock
    quote = _usable_quote(asked.instrument)
    present = markets.moment(asked.instrument.source)
    _check_rules(asked, quote, present)
    order = _reserve_and_write(replace(asked, broker_account=account), quote, present)
    if order.is_open:
        ring_dispatch()
        transaction.on_commit(partial(publish_account_changed, account.pk, order.user_id))
    transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version))
    return order


def estimate_order(
    instrument: Instrument, side: Side, quantity: Decimal, order_type: OrderType, limit_price: Decimal | None
) -> Estimate:
    """What the order would cost with fee and tax at its limit, or at the quoted price. Raises OrderRefused."""
    check_limit(order_type, limit_price)
    quantity = plain_number(quantity, "quantity")
    quote = _usable_quote(instrument)
    now = markets.market_now(instrument)
    _check_numbers(instrument, side, quantity, limit_price, quote, now)
    quoted = quote.ask if side is Side.BUY else quote.bid
    price = limit_price or quoted or quote.price
    charge = costs.charges(instrument.rules, side, price, quantity, market_day(now))
    sign = 1 if side is Side.BUY else -1
    total = charge.amount + sign * (charge.fee + charge.tax)
    return Estimate(price, charge.amount, charge.fee, charge.tax, total)


@transaction.atomic
def cancel_order(user: User, order_id: UUID) -> Order:
    """Withdraw what has not been sent, or ask the broker to cancel what rests there; fills so far stand.

    Raises Order.DoesNotExist for anyone else's order and OrderNotOpen for a finished one.
    """
    if not user.may_trade:
        raise NotAllowed
    if not Order.objects.for_user(user).filter(pk=order_id).exists():
        raise Order.DoesNotExist
    order = locked(order_id)
    if not order.is_open:
        raise OrderNotOpen(state=order.state)
    at = markets.market_now(order.instrument)
    if order.state == OrderState.PENDING:
        finish(order, OrderState.WITHDRAWN, at, origin="person", reason="canceled_by_person")
    elif not order.cancel_requested:
        order.cancel_requested = True
        order.version += 1
        order.save(update_fields=["cancel_requested", "version"])
        OrderEvent.objects.create(
            order=order, state=order.state, origin="person", reason="cancel_requested", market_at=at
        )
        ring_dispatch()
        transaction.on_commit(partial(publish_order_changed, order.pk, user.pk, order.version))
    return order


def ring_dispatch() -> None:
    """Wake dispatch when this transaction commits. It also polls: a lost bell costs half a second."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [ORDER_BELL])


def _earlier(asked: Asked) -> Order | None:
    return Order.objects.filter(user=asked.user, client_key=asked.client_key).first()


def _same_order(earlier: Order, asked: Asked) -> Order:
    if earlier.request_hash != asked.fingerprint:
        raise SameKeyOtherOrder(order=str(earlier.pk))
    return earlier


def _usable_quote(instrument: Instrument) -> LatestQuote:
    quote = markets.latest_quote(instrument)
    if quote is None:
        raise OrderRefused("no_price", instrument=instrument.key)
    if markets.quote_is_stale(quote):
        raise OrderRefused("stale_price", instrument=instrument.key)
    return quote


def _check_rules(asked: Asked, quote: LatestQuote, present: Moment) -> None:
    _check_numbers(asked.instrument, asked.side, asked.quantity, asked.limit_price, quote, present.at)
    if not markets.session_calendar(asked.instrument, present).is_open(present.at):
        raise OrderRefused("closed_session", instrument=asked.instrument.key)


def _check_numbers(
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    limit_price: Decimal | None,
    quote: LatestQuote,
    now: datetime,
) -> None:
    # Adjusted prices of a replay know no tick and no base price of their day: its bars are its limits.
    base = None if instrument.source == Source.REPLAY else quote.base_price
    try:
        check_order(instrument.rules, side, quantity, limit_price, base, market_day(now))
        costs.rates(instrument.rules, side, market_day(now))  # never free by default
    except NoRuleInForce as e:
        raise OrderRefused(e.code, instrument=instrument.key) from e
    except RuleViolation as e:
        numbers = {"given": e.given, "low": e.low, "high": e.high, "step": e.step}
        facts: dict[str, Any] = {name: number for name, number in numbers.items() if number is not None}
        raise OrderRefused(e.code, field=e.field, **facts) from e


def _reserve_and_write(asked: Asked, quote: LatestQuote, present: Moment) -> Order:
    rules, now = asked.instrument.rules, present.at
    worst = asked.limit_price
    if worst is None and asked.side is Side.BUY:
        worst = risk.worst_buy_price(rules, quote.ask or quote.price, market_day(now))
    needed = risk.to_reserve(rules, asked.side, asked.quantity, worst or quote.price, market_day(now))
    asset = asked.instrument.currency if asked.side is Side.BUY else asked.instrument.key
    held = books.held(asked.broker_account, [asset])
    denial = risk.shortage(asked.side, needed, held.get((ledger.AVAILABLE, asset), Decimal(0)))
    order_id = uuid4()
    order = Order.objects.create(
        id=order_id,
        client_id=order_id.hex,
        user=asked.user,
        broker_account=asked.broker_account,
        instrument=asked.instrument,
        side=asked.side,
        quantity=asked.quantity,
        order_type=asked.order_type,
        limit_price=asked.limit_price,
        worst_price=worst if asked.side is Side.BUY else None,
        time_in_force=asked.time_in_force,
        purpose=_purpose(asked),
        plan=asked.plan,
        cycle=asked.plan.cycle if asked.plan else None,
        step=asked.step,
        state=OrderState.DENIED if denial else OrderState.PENDING,
        reason=denial.code if denial else "",
        facts=denial.facts if denial else {},
        client_key=asked.client_key,
        request_hash=asked.fingerprint,
        reserved=Decimal(0) if denial else needed,
        market_at=now,
        expires_at=_expiry(asked, present),
        finished_at=now if denial else None,
    )
    OrderEvent.objects.create(order=order, state=order.state, origin="place", reason=order.reason, market_at=now)
    if not denial:
        books.book(asked.broker_account, "reserve", f"order:{order.pk}", now, ledger.reserve(asset, needed), held)
    return order


def _purpose(asked: Asked) -> str:
    if asked.plan is None:
        return "manual"
    return "entry" if asked.side is Side.BUY else "exit"


def _expiry(asked: Asked, present: Moment) -> datetime | None:
    if asked.time_in_force is TimeInForce.GTC:
        return None
    return risk.day_order_expiry(markets.order_calendar(asked.instrument, present), present.at)


def cancelable(order: Order) -> bool:
    """Whether a person can still call this order back."""
    return order.state == OrderState.PENDING or (order.state in WORKING and not order.cancel_requested)
