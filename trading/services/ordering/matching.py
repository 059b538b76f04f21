"""Passing the live market to resting virtual orders: the pure matching decides, `fold` books.

The orders are read without a lock, matched, and moved one by one under it, unless one has moved meanwhile: who cancels at
the same moment wins, and the order is matched again on the next book if it still rests.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from brokers.protocol import FillReport, OrderReport, ReportStatus, TimeInForce
from brokers.virtual import costs
from brokers.virtual.matching import Depth, Level, Match, Resting, Terms, floor_units, from_units, match, to_units
from brokers.virtual.terms import matching_terms
from markets import services as markets
from markets.models import Instrument
from markets.types import InstrumentRules, OrderBook, Side, market_day
from markets.types import Level as QuotedLevel
from trading.models import Order
from trading.services.settling.reports import fold, locked

VIRTUAL = "virtual"
AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def instruments_with_resting_orders() -> set[int]:
    """Primary keys of the instruments some virtual order is resting on: one indexed query for a whole feed."""
    resting = Order.objects.working().filter(broker_account__broker=VIRTUAL, cancel_requested=False)
    return set(resting.values_list("instrument_id", flat=True).distinct())


def match_virtual(instrument: Instrument, book: OrderBook, base_price: Decimal | None = None) -> int:
    """Fill and expire the virtual orders resting on `instrument` against one quoted book; the number of orders moved.

    An order never trades on a book from before it was placed, or before its stop price came. `base_price` is the one the
    day's price limits are reckoned from; None: that of the latest quote of the same day.
    """
    orders = _resting_orders(instrument, book.at)
    expired = [order for order in orders if order.expires_at is not None and order.expires_at <= book.at]
    moved = sum(_expire(order, book.at) for order in expired)
    live = [order for order in orders if order not in expired]
    return moved + (_fill(live, instrument, book, base_price) if live else 0)


def expire_day_orders(source: str, now: datetime) -> int:
    """End the virtual day orders of one price source whose session is over, although no book may come any more today.

    The number of orders moved. One look at the index of working orders where there is nothing to do.
    """
    over = Order.objects.working().filter(
        instrument__source=source, broker_account__broker=VIRTUAL, cancel_requested=False, expires_at__lte=now
    )
    return sum(_expire(order, now) for order in over)


def fold_if_unmoved(order: Order, report: OrderReport, at: datetime) -> bool:
    """Fold `report` unless the order has changed since it was read; whether it did so."""
    with transaction.atomic():
        current = locked(order.pk)
        if current.version != order.version:
            return False
        fold(current, report, at)
    return True


def _expire(order: Order, at: datetime) -> bool:
    return fold_if_unmoved(order, OrderReport(ReportStatus.EXPIRED, reason=order.expiry_reason), at)


def _resting_orders(instrument: Instrument, at: datetime) -> list[Order]:
    """Every person's orders that may trade at `at`, in the order they came to the market."""
    orders = Order.objects.working().filter(
        instrument=instrument, broker_account__broker=VIRTUAL, cancel_requested=False, market_at__lt=at
    )
    ready = [order for order in orders if not order.waits_for_trigger and _came_at(order) < at]
    return sorted(ready, key=lambda order: (_came_at(order), order.created_at, order.pk))


def _came_at(order: Order) -> datetime:
    """Since when the order stands in the queue: a stop joins it when its price has come."""
    return order.triggered_at or order.market_at


def _fill(orders: Sequence[Order], instrument: Instrument, book: OrderBook, base_price: Decimal | None) -> int:
    rules, on = instrument.rules, market_day(book.at)
    terms = matching_terms(instrument.source, rules, base_price or _base_price(instrument, book.at), on)
    resting = [_resting(order, number, rules) for number, order in enumerate(orders)]
    matches = _matched(orders, resting, _depth(book, rules), terms)
    takers = {each.id for each in matches}
    moving = [n for n, order in enumerate(orders) if n in takers or order.time_in_force in AT_ONCE]
    if not moving or not markets.session_calendar(instrument).is_open(book.at):
        return 0
    reports = [
        (orders[n], _report(orders[n], [each for each in matches if each.id == n], rules, book.at)) for n in moving
    ]
    return sum(fold_if_unmoved(order, report, book.at) for order, report in reports)


def _matched(orders: Sequence[Order], resting: Sequence[Resting[int]], depth: Depth, terms: Terms) -> list[Match[int]]:
    """What trades, orders for all or nothing left out that would not fill whole: they leave the book to the others."""
    left = list(resting)
    while True:
        matches = match(left, depth, terms)
        short = [each for each in left if _falls_short(orders[each.id], each, matches)]
        if not short:
            return matches
        left.remove(short[-1])  # the last to come gives way first


def _falls_short(order: Order, resting: Resting[int], matches: Sequence[Match[int]]) -> bool:
    if order.time_in_force != TimeInForce.FOK:
        return False
    return sum(each.quantity for each in matches if each.id == resting.id) < resting.remaining


def _base_price(instrument: Instrument, at: datetime) -> Decimal | None:
    if instrument.price_limit_rate is None:
        return None
    quote = markets.latest_quote(instrument)
    return quote.base_price or None if quote is not None and market_day(quote.at) == market_day(at) else None


def _report(order: Order, matches: list[Match[int]], rules: InstrumentRules, at: datetime) -> OrderReport:
    """What the market did with one order; of one that takes what is there at once, the rest is canceled."""
    fills = _fill_reports(order, matches, rules, at)
    has_rest = sum((fill.quantity for fill in fills), order.filled_quantity) < order.quantity
    if order.time_in_force in AT_ONCE and has_rest:
        reason = "ioc_rest" if order.time_in_force == TimeInForce.IOC else "fok_not_filled"
        return OrderReport(ReportStatus.CANCELED, fills=fills, reason=reason)
    return OrderReport(ReportStatus.ACCEPTED, fills=fills)


def _fill_reports(
    order: Order, matches: list[Match[int]], rules: InstrumentRules, at: datetime
) -> tuple[FillReport, ...]:
    """The fills of one order with costs reckoned on the order as a whole, so that many small fills cost no more."""
    side, on = Side(order.side), market_day(at)
    quantity = order.filled_quantity
    had = [costs.Fill(fill.price, fill.quantity, market_day(fill.at)) for fill in order.fills.all()]
    state = costs.charge_state(rules, side, had)
    fills = []
    for each in matches:
        price = from_units(each.price, rules.price_decimals)
        filled = from_units(each.quantity, rules.quantity_decimals)
        charge, state = costs.incremental_charges(rules, side, state, costs.Fill(price, filled, on))
        quantity += filled
        fills.append(
            FillReport(
                key=f"{order.client_id}:{format(quantity.normalize(), 'f')}",
                quantity=filled,
                price=price,
                amount=charge.amount,
                fee=charge.fee,
                tax=charge.tax,
                at=at,
                pricing=each.pricing(rules.price_decimals),
            )
        )
    return tuple(fills)


def _resting(order: Order, number: int, rules: InstrumentRules) -> Resting[int]:
    return Resting(
        id=number,
        side=Side(order.side),
        remaining=to_units(order.remaining, rules.quantity_decimals),
        limit=_price_units(order.limit_price, rules),
        sequence=number,
        collar=_price_units(order.worst_price, rules),
    )


def _price_units(price: Decimal | None, rules: InstrumentRules) -> int | None:
    return None if price is None else to_units(price, rules.price_decimals)


def _depth(book: OrderBook, rules: InstrumentRules) -> Depth:
    def levels(side: tuple[QuotedLevel, ...]) -> list[Level]:
        return [
            Level(to_units(level.price, rules.price_decimals), floor_units(level.quantity, rules.quantity_decimals))
            for level in side
        ]

    return Depth(levels(book.bids), levels(book.asks))
