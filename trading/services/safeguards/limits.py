"""Pre-trade limits (reliability.md §3.12): data per scope, checked when an order is placed and again when it is claimed.

Before anybody has set a limit, a virtual account has none but its venue's rules, its cash and its holdings: one query says
so. What is read here is read afresh for every order, under the account's lock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.protocol import Division, Environment, OrderType
from markets import services as markets
from markets.models import Instrument, LatestQuote
from markets.services import Moment
from markets.types import InstrumentKind, Side, market_day
from trading import lifecycle, limits, risk
from trading.lifecycle import OrderState
from trading.limits import Facts, Limits
from trading.models import Order, SwingPlan
from trading.risk import Denial
from trading.services.ordering.asked import Asked
from trading.services.safeguards.limit_rows import LimitRefused, LimitView, Scope, limits_of, set_limit, values_for
from trading.services.settling import differences
from trading.services.valuation.standing import Standing, day_losses, standings

__all__ = ["LimitRefused", "LimitView", "denial_at_claim", "denial_for", "limits_of", "set_limit", "values_for"]

ZERO = Decimal(0)
MINUTE = timedelta(minutes=1)
REAL = [Environment.PAPER.value, Environment.LIVE.value]
# An order that never stood at a venue, or was withdrawn whole, is no double of anything.
CAME_TO_NOTHING = {OrderState.WITHDRAWN, OrderState.REJECTED, OrderState.NOT_PLACED}
OVER = {OrderState.CANCELED, OrderState.EXPIRED}
OPEN = sorted(lifecycle.OPEN)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the limits look at, of a wish for an order or of an order about to be claimed."""

    account: BrokerAccount
    instrument: Instrument
    user_id: UUID
    plan: SwingPlan | None
    side: Side
    position_side: str
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None
    worst_price: Decimal
    is_triggered: bool
    order_id: UUID | None = None  # None: not written yet
    since: datetime | None = None  # when it was written
    is_replacement: bool = False
    reserved: Decimal = ZERO  # of its own
    division: Division = Division.PLAIN

    def price_at(self, quote: LatestQuote) -> Decimal | None:
        """What it names or, where the venue takes the best price of the other side, that; None: collared, or no worse."""
        if self.waits:
            return None
        if self.division not in {Division.BEST, Division.AFTER_BEST}:
            return self.limit_price
        return (quote.ask if self.side is Side.BUY else quote.bid) or quote.price

    @property
    def is_real(self) -> bool:
        return self.account.environment != Environment.VIRTUAL

    @property
    def waits(self) -> bool:
        """Whether this is a stop whose price has not come: its own price is checked when it has."""
        return self.order_type is OrderType.STOP and not self.is_triggered

    @property
    def scopes(self) -> list[Scope]:
        own = [("site", ""), ("user", str(self.user_id)), ("account", str(self.account.pk))]
        own.append(("instrument", str(self.instrument.pk)))
        return [*own, ("plan", str(self.plan.pk))] if self.plan else own


def denial_for(asked: Asked, quote: LatestQuote, present: Moment, worst_price: Decimal) -> Denial | None:
    """The first limit this wish would break, with its numbers, or None. Call under the account's lock."""
    wish = Wish(
        account=asked.broker_account,
        instrument=asked.instrument,
        user_id=asked.user.pk,
        plan=asked.plan,
        side=asked.side,
        position_side="",
        quantity=asked.quantity,
        order_type=asked.order_type,
        division=asked.division,
        limit_price=asked.limit_price,
        worst_price=worst_price,
        is_triggered=False,
        is_replacement=asked.replaces is not None,
    )
    return _denial(wish, quote)


def denial_at_claim(order: Order, present: Moment) -> Denial | None:
    """The first limit that the order, let through when it was placed, would break now: limits, losses and prices move."""
    return _denial(_wish_of(order), None)


def _wish_of(order: Order) -> Wish:
    return Wish(
        account=order.broker_account,
        instrument=order.instrument,
        user_id=order.user_id,
        plan=order.plan,
        side=Side(order.side),
        position_side=order.position_side,
        quantity=order.remaining,
        order_type=OrderType(order.order_type),
        limit_price=order.limit_price,
        worst_price=order.worst_price or order.limit_price or ZERO,
        is_triggered=order.triggered_at is not None,
        order_id=order.pk,
        since=order.created_at,
        is_replacement=order.replaces_id is not None,
        reserved=order.reserved,
        division=Division(order.division),
    )


def collar_at_claim(order: Order, present: Moment) -> Decimal | None:
    """The limit a market order goes out with where its account has a collar; None for every other order.

    It is reckoned anew at each claim, from the quote that this claim was checked against.
    """
    if not order.is_at_market or order.division != Division.PLAIN:
        return None
    scopes = _wish_of(order).scopes
    kind = InstrumentKind(order.instrument.kind)
    rate = values_for(order.broker_account, scopes).get(limits.collar_of(kind))
    quote = markets.latest_quote(order.instrument) if rate is not None else None
    if rate is None or quote is None:
        return None
    rules, on = order.instrument.rules, market_day(present.at)
    return risk.collar_price(rules, Side(order.side), quote.price, quote.base_price, rate, order.worst_price, on)


def _denial(wish: Wish, quote: LatestQuote | None) -> Denial | None:
    if wish.account.environment == Environment.LIVE and not settings.LIVE_TRADING:
        return Denial("live_trading_off", {})
    if _is_blocked(wish):
        return Denial("position_difference", {"instrument": wish.instrument.key})
    values = values_for(wish.account, wish.scopes)
    if not limits.guards_orders(values):
        return None
    quote = quote or markets.latest_quote(wish.instrument)
    if quote is None:
        return Denial("no_price", {"instrument": wish.instrument.key})
    return limits.first_denial(values, _facts(wish, quote, values))


def _is_blocked(wish: Wish) -> bool:
    """Whether the books and the broker differ on what is held: entries wait until a person has looked (I22)."""
    if not wish.is_real or wish.side is Side.SELL or wish.order_id is not None:  # the claim asks for itself
        return False
    return differences.blocks_entry(wish.account.pk, wish.instrument.key)


def _facts(wish: Wish, quote: LatestQuote, values: Limits) -> Facts:
    """What the limits in `values` need to know, and nothing that none of them does."""
    facts: dict[str, Any] = {
        "side": wish.side,
        "kind": InstrumentKind(wish.instrument.kind),
        "reference": quote.price,
        "limit_price": wish.price_at(quote),
        "amount": (wish.worst_price or quote.price) * wish.quantity,
        "quote_age": Decimal(round((timezone.now() - quote.received_at).total_seconds() * 10)) / 10,
        "of_plan": wish.plan is not None,
        "crosses": _crosses(wish) if values.get("self_cross") else None,
    }
    around = _Around(wish, timedelta(seconds=int(values.get("duplicate_within", ZERO))))
    facts["is_duplicate"] = around.is_duplicate
    if wish.side is Side.BUY:
        facts |= around.counts() | _money(wish, values, around)
        facts["clean_orders"] = _clean_orders(wish, values, facts["amount"])
        facts["minute_site"] = _minute_site(wish) if "orders_per_minute_site" in values else None
    return Facts(**facts)


class _Around:
    """The account's orders that are open, or from the last minutes: read once, counted in several ways."""

    def __init__(self, wish: Wish, duplicate_within: timedelta) -> None:
        self.wish, self.window = wish, duplicate_within
        self.now = timezone.now()
        recent = self.now - max(duplicate_within, MINUTE)
        orders = Order.objects.filter(Q(state__in=OPEN) | Q(created_at__gte=recent), broker_account=wish.account)
        self.others = [
            order
            for order in orders.exclude(state=OrderState.DENIED)
            if order.pk != wish.order_id and (wish.since is None or order.created_at <= wish.since)
        ]

    @property
    def is_duplicate(self) -> bool:
        """Whether the same was ordered a short while ago and has come, or may come, to something."""
        if self.wish.is_replacement:
            return False
        return any(
            order.created_at >= self.now - self.window and self._is_same(order) and not _came_to_nothing(order)
            for order in self.others
        )

    def counts(self) -> dict[str, int]:
        is_open = [order for order in self.others if order.is_open]
        minute = [order for order in self.others if order.created_at > self.now - MINUTE]
        plan = self.wish.plan
        return {
            "open_in_lane": sum(self._is_in_lane(order) for order in is_open),
            "open_in_account": len(is_open),
            "minute_account": len(minute),
            "minute_plan": sum(order.plan_id == plan.pk for order in minute) if plan else 0,
        }

    def ordered(self) -> Decimal:
        """Money set aside for other open buys of this instrument."""
        return sum((o.reserved for o in self.others if o.is_open and self._is_in_lane(o)), ZERO)

    def _is_in_lane(self, order: Order) -> bool:
        lane = (self.wish.instrument.pk, self.wish.side, self.wish.position_side)
        return (order.instrument_id, order.side, order.position_side) == lane

    def _is_same(self, order: Order) -> bool:
        return self._is_in_lane(order) and order.quantity == self.wish.quantity


def _came_to_nothing(order: Order) -> bool:
    return order.state in CAME_TO_NOTHING or (order.state in OVER and not order.filled_quantity)


def _money(wish: Wish, values: Limits, around: _Around) -> dict[str, Decimal | None]:
    """What the account is worth, holds and has lost today; this order's own reservation is not counted as held."""
    needs_loss = "daily_loss_account" in values or ("daily_loss_plan" in values and wish.plan is not None)
    if not needs_loss and not {"order_share", "instrument_share", "account_share"} & values.keys():
        return {}
    standing = standings([wish.account])[wish.account.pk]
    of_this = standing.worth.get(wish.instrument.pk, ZERO)
    facts: dict[str, Decimal | None] = {
        "account_value": standing.value,
        "held": None if of_this is None else of_this + around.ordered(),
        "gross": None if standing.positions is None else standing.positions + standing.reserved - wish.reserved,
    }
    return facts | (_losses(wish, standing) if needs_loss else {})


def _losses(wish: Wish, standing: Standing) -> dict[str, Decimal | None]:
    loss = day_losses({wish.account.pk: standing})[wish.account.pk]
    return {"loss_account": loss.account, "loss_plan": loss.plans.get(wish.plan.pk, ZERO) if wish.plan else None}


def _clean_orders(wish: Wish, values: Limits, amount: Decimal) -> int | None:
    """How many orders of this account have filled without ever being in doubt; asked only where it matters."""
    most, needed = values.get("first_orders_amount"), values.get("first_orders")
    if most is None or needed is None or amount <= most:
        return None
    filled = Order.objects.filter(broker_account=wish.account, state=OrderState.FILLED)
    return filled.exclude(attempts__outcome="unknown").order_by()[: int(needed)].count()


def _minute_site(wish: Wish) -> int:
    """Orders on real accounts in the last minute, whoever's."""
    real = Order.objects.filter(created_at__gt=timezone.now() - MINUTE, broker_account__environment__in=REAL)
    return real.exclude(state=OrderState.DENIED).exclude(pk__in=[wish.order_id] if wish.order_id else []).count()


def _crosses(wish: Wish) -> bool:
    """Whether an order of the same person, of any account and plan in the same world, could trade with this one (가장매매)."""
    if wish.waits:
        return False
    price = None if wish.is_triggered or wish.division is Division.CONDITIONAL else wish.limit_price
    return any(limits.crosses(wish.side, price, other) for other in _resting_against(wish))


def _resting_against(wish: Wish) -> Iterator[Decimal | None]:
    others = Order.objects.filter(
        user_id=wish.user_id,
        instrument=wish.instrument,
        side=wish.side.opposite,
        state__in=OPEN,
        broker_account__environment=wish.account.environment,
    )
    for order in others:
        if not order.waits_for_trigger:
            yield order.lasting_limit
