"""Stop orders that we hold: they wait as pending until their price has come, and then go out as market orders.

A stop is set off by prices traded after it was placed and before its time is over: the feed tells the trades of every batch,
and dispatch looks at the latest quotes besides, for what a feed that died could not tell any more. An entry of a plan waits
inside one bar; unfilled it ends with that bar and nothing is used up. Set off in the bar's last moments it has some seconds by
the wall to get out, however fast the market runs.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from brokers.protocol import Environment, OrderType
from markets import services as markets
from markets.models import Instrument, LatestQuote
from markets.types import Side, Tick
from trading.events import publish_order_changed
from trading.lifecycle import OrderState
from trading.models import Order, OrderEvent, SwingPlan
from trading.models.orders import OrderQuerySet
from trading.services.ordering.cancels import ask_to_cancel, cancel_order, cancelable
from trading.services.ordering.checks import stop_is_reached
from trading.services.ordering.orders import ring_dispatch
from trading.services.running.timing import scaled
from trading.services.settling.reports import finish, locked

STOP_REACHED = "stop_reached"
OUT_WITHIN = timedelta(seconds=5)  # by the wall: what an entry set off late in its bar has to get out and be filled


def waiting_stops() -> OrderQuerySet:
    """Every stop order whose price has not come yet."""
    return Order.objects.filter(state=OrderState.PENDING, order_type=OrderType.STOP, triggered_at=None)


def trigger_by(ticks: Iterable[Tick], ids: dict[str, int], at: datetime) -> int:
    """Set off the stops that these trades, up to market time `at`, reached, and end those whose time is over; how many.

    `ids` is what the feed supplies: key → primary key. One indexed query where nothing waits. Told twice it does once, so a
    feed may tell before it stores anything.
    """
    waiting = set(waiting_stops().values_list("instrument_id", flat=True).distinct()).intersection(ids.values())
    if not waiting:
        return 0
    traded: dict[int, list[Tick]] = defaultdict(list)
    for tick in ticks:
        instrument_id = ids.get(tick.instrument)
        if instrument_id in waiting:
            traded[instrument_id].append(tick)
    concerned = Q(instrument__in=list(traded)) | Q(instrument__in=waiting, expires_at__lte=at)
    orders = waiting_stops().filter(concerned).order_by("created_at", "pk")
    return sum(_move(order, traded[order.instrument_id], at) for order in orders)


def _move(order: Order, traded: Sequence[Tick], at: datetime) -> bool:
    reached = next((tick for tick in traded if _sets_off(tick, order)), None)
    if reached is not None:
        return _trigger(order.pk, reached.price, reached.price, reached.at)
    return order.expires_at is not None and order.expires_at <= at and _withdraw(order.pk, at)


def _sets_off(tick: Tick, order: Order) -> bool:
    """Whether a trade came in the order's time and reached its price.

    A plan decides between two bars: the first trade of its bar may carry the very instant at which the one before closed.
    """
    too_early = tick.at < order.market_at if order.step is not None else tick.at <= order.market_at
    if too_early or (order.expires_at is not None and tick.at >= order.expires_at) or order.stop_price is None:
        return False
    return stop_is_reached(Side(order.side), order.stop_price, tick.price, tick.price)


def trigger_stops(instrument: Instrument, low: Decimal, high: Decimal, at: datetime) -> int:
    """Set off the stops on `instrument` that trades between `low` and `high`, up to market time `at`, reached."""
    waiting = waiting_stops().filter(instrument=instrument, market_at__lt=at).order_by("created_at", "pk")
    return sum(
        _trigger(order.pk, low, high, at)
        for order in waiting
        if order.stop_price is not None and stop_is_reached(Side(order.side), order.stop_price, low, high)
    )


def expire_waiting(source: str, now: datetime) -> int:
    """Withdraw the day stops of one price source whose session ended, at market time `now`, before their price came."""
    over = waiting_stops().filter(instrument__source=source, expires_at__lte=now)
    return sum(_withdraw(order_id, now) for order_id in list(over.values_list("pk", flat=True)))


def trigger_due() -> int:
    """Set off, or withdraw after their session, the waiting stops by the latest quotes; how many moved.

    For dispatch, each turn: what a feed that died halfway has not told. One indexed query where nothing waits.
    """
    sources = list(waiting_stops().order_by().values_list("instrument__source", flat=True).distinct())
    return sum(_trigger_due(source, markets.market_time(source)) for source in sources)


def _trigger_due(source: str, now: datetime) -> int:
    """Of one price source: those that its last quotes have come to, and those whose time is over, whatever else waits."""
    price = F("instrument__quote__price")
    reached = Q(side=Side.BUY, stop_price__lte=price) | Q(side=Side.SELL, stop_price__gte=price)
    waiting = (
        waiting_stops().filter(instrument__source=source).select_related("instrument").order_by("created_at", "pk")
    )
    orders = list(waiting.filter(reached | Q(expires_at__lte=now)))
    quotes = LatestQuote.objects.in_bulk({order.instrument_id for order in orders}) if orders else {}
    return sum(_look(order, quotes.get(order.instrument_id), now) for order in orders)


def _look(order: Order, quote: LatestQuote | None, now: datetime) -> bool:
    if order.expires_at is not None and order.expires_at <= now:
        return _withdraw(order.pk, now)
    if quote is None or quote.source != order.instrument.source or quote.at <= order.market_at:
        return False
    if order.stop_price is None or not stop_is_reached(Side(order.side), order.stop_price, quote.price, quote.price):
        return False
    return _trigger(order.pk, quote.price, quote.price, quote.at)


def call_back_waiting(user: User, plan: SwingPlan) -> None:
    """Withdraw what a person's plan waits with: it is only a wish, has cost nothing and used nothing up.

    Call under the account's lock: nothing of it is sent meanwhile.
    """
    for order_id in list(waiting_stops().filter(plan=plan).values_list("pk", flat=True)):
        cancel_order(user, order_id)


def set_off(order: Order, quote: LatestQuote, at: datetime) -> bool:
    """Let a stop go off at once: when it was placed, at market time `at`, its price had come already."""
    return _trigger(order.pk, quote.price, quote.price, at)


def ask_back_overdue() -> int:
    """Ask venues for what is left of entries whose bar is over: only our own venue ends them by itself. How many.

    One indexed query where there are none.
    """
    working = Order.objects.working().filter(order_type=OrderType.STOP, step__isnull=False, cancel_requested=False)
    overdue = (
        working.exclude(broker_account__environment=Environment.VIRTUAL)
        .select_related("instrument")
        .order_by("created_at", "pk")
    )
    return sum(_ask_back(each.pk) for each in overdue if _is_over(each))


def _is_over(order: Order) -> bool:
    return order.expires_at is not None and order.expires_at <= markets.market_now(order.instrument)


@transaction.atomic
def _ask_back(order_id: UUID) -> bool:
    order = locked(order_id)
    if not cancelable(order) or order.state == OrderState.PENDING:
        return False
    ask_to_cancel(order, order.expiry_reason)
    return True


@transaction.atomic
def _trigger(order_id: UUID, low: Decimal, high: Decimal, at: datetime) -> bool:
    order = locked(order_id)
    if order.state != OrderState.PENDING or not order.waits_for_trigger:
        return False
    order.triggered_at = at
    if order.step is not None and order.expires_at is not None:
        order.expires_at = max(
            order.expires_at, at + scaled(OUT_WITHIN) * markets.moment(order.instrument.source).speed
        )
    order.version += 1
    order.save(update_fields=["triggered_at", "expires_at", "version"])
    traded = {"low": format(low, "f"), "high": format(high, "f")}
    OrderEvent.objects.create(
        order=order, state=order.state, origin="market", reason=STOP_REACHED, raw=traded, market_at=at
    )
    ring_dispatch()
    transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version))
    return True


@transaction.atomic
def _withdraw(order_id: UUID, at: datetime) -> bool:
    order = locked(order_id)
    if order.state != OrderState.PENDING or not order.waits_for_trigger:
        return False
    finish(order, OrderState.WITHDRAWN, at, origin="market", reason=order.expiry_reason)
    return True
