"""Stop orders that we hold: they wait as pending until their price has come, and then go out as market orders.

A stop is set off by prices traded after it was placed: the feed tells the range of every batch, and dispatch looks at the
latest quotes besides, for what a feed that died could not tell any more.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction

from brokers.protocol import OrderType
from markets import services as markets
from markets.models import Instrument, LatestQuote
from markets.types import Side, Tick
from trading.events import publish_order_changed
from trading.lifecycle import OrderState
from trading.models import Order, OrderEvent
from trading.models.orders import OrderQuerySet
from trading.services.checks import stop_is_reached
from trading.services.orders import ring_dispatch
from trading.services.reports import finish, locked

STOP_REACHED = "stop_reached"


def waiting_stops() -> OrderQuerySet:
    """Every stop order whose price has not come yet."""
    return Order.objects.filter(state=OrderState.PENDING, order_type=OrderType.STOP, triggered_at=None)


def trigger_by(ticks: Iterable[Tick], ids: dict[str, int], at: datetime) -> int:
    """Set off the stops that these trades reached; how many. `ids` is what the feed supplies: key → primary key.

    One indexed query where nothing waits. Told twice it does once, so a feed may tell before it stores anything.
    """
    waiting = set(waiting_stops().values_list("instrument_id", flat=True).distinct())
    if not waiting:
        return 0
    ranges: dict[int, tuple[Decimal, Decimal]] = {}
    for tick in ticks:
        instrument_id = ids.get(tick.instrument)
        if instrument_id in waiting:
            low, high = ranges.get(instrument_id, (tick.price, tick.price))
            ranges[instrument_id] = min(low, tick.price), max(high, tick.price)
    instruments = Instrument.objects.in_bulk(ranges)
    return sum(trigger_stops(instruments[pk], low, high, at) for pk, (low, high) in ranges.items())


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
    waiting = list(waiting_stops().select_related("instrument").order_by("created_at", "pk"))
    if not waiting:
        return 0
    now = {source: markets.market_time(source) for source in {order.instrument.source for order in waiting}}
    quotes = LatestQuote.objects.in_bulk({order.instrument_id for order in waiting})
    return sum(_look(order, quotes.get(order.instrument_id), now[order.instrument.source]) for order in waiting)


def _look(order: Order, quote: LatestQuote | None, now: datetime) -> bool:
    if order.expires_at is not None and order.expires_at <= now:
        return _withdraw(order.pk, now)
    if quote is None or quote.source != order.instrument.source or quote.at <= order.market_at:
        return False
    if order.stop_price is None or not stop_is_reached(Side(order.side), order.stop_price, quote.price, quote.price):
        return False
    return _trigger(order.pk, quote.price, quote.price, quote.at)


@transaction.atomic
def _trigger(order_id: UUID, low: Decimal, high: Decimal, at: datetime) -> bool:
    order = locked(order_id)
    if order.state != OrderState.PENDING or not order.waits_for_trigger:
        return False
    order.triggered_at = at
    order.version += 1
    order.save(update_fields=["triggered_at", "version"])
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
    finish(order, OrderState.WITHDRAWN, at, origin="market", reason="day_over")
    return True
