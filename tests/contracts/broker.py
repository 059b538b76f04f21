"""What every broker promises, ours or a venue's: an order is taken once, shown as it was asked, and withdrawn when wanted.

A promise a broker cannot keep for want of a book of its own (`Abilities.has_wire`) or of client ids is asked the other way
round: then it must say that it shows nothing.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from brokers.protocol import Broker, CancelReply, ListedOrder, OrderRequest, OrderType, ReportStatus

LONGEST_KEY = 64  # characters the books keep of a broker's key


def assert_abilities_are_sound(broker: Broker) -> None:
    """What doubt is settled by must be able to prove something."""
    can = broker.abilities
    assert OrderType.LIMIT in can.order_types
    assert can.times_in_force
    assert can.reads_needed >= 1
    assert can.clock_skew >= timedelta(0)
    if can.has_wire:
        assert can.settle > timedelta(0)
        assert can.read_spacing > timedelta(0)


def assert_accepts_with_a_key(broker: Broker, order: OrderRequest) -> str:
    """The key of an order it could take; it books no fill of which it is not sure."""
    report = broker.submit(order)
    assert report.status is ReportStatus.ACCEPTED, report
    assert 0 < len(report.broker_order_key) <= LONGEST_KEY
    assert sum((fill.quantity for fill in report.fills), Decimal(0)) <= order.quantity
    return report.broker_order_key


def assert_shows_the_order(broker: Broker, order: OrderRequest, key: str, since: datetime) -> None:
    """Once in its list, where it has one; by our id, where it keeps that; and nothing ordered before `since`."""
    listed = broker.orders(since)
    keys = [each.key for each in listed]
    assert len(keys) == len(set(keys))
    assert all(each.ordered_at >= since for each in listed)
    if broker.abilities.has_wire:
        _assert_same(next(each for each in listed if each.key == key), order)
    else:
        assert listed == []
    found = broker.find(order)
    if broker.abilities.client_order_id:
        assert found is not None
        assert found.key == key
        _assert_same(found, order)
    else:
        assert found is None


def assert_withdraws(broker: Broker, order: OrderRequest, key: str, since: datetime) -> None:
    """A resting order is withdrawn once; asked again, a venue refuses rather than confirm twice."""
    reply = broker.cancel(order, key)
    assert reply in {CancelReply.CONFIRMED, CancelReply.TAKEN}
    if broker.abilities.has_wire:
        assert next(each for each in broker.orders(since) if each.key == key).status is ReportStatus.CANCELED
        assert broker.cancel(order, key) is CancelReply.REFUSED


def assert_does_not_know(broker: Broker, order: OrderRequest, since: datetime) -> None:
    """An order that was never sent is not there. (A broker without a wire knows every order: there is no other book.)"""
    if broker.abilities.has_wire:
        assert broker.find(order) is None
        assert all(each.client_id != order.client_id for each in broker.orders(since) if each.client_id)


def assert_counts_holdings_exactly(broker: Broker) -> None:
    held = broker.holdings()
    for figure in [*held.cash.values(), *held.units.values(), *held.average_price.values()]:
        assert isinstance(figure, Decimal)
        assert figure.is_finite()
    assert set(held.average_price) <= set(held.units)


def _assert_same(listed: ListedOrder, order: OrderRequest) -> None:
    told = (listed.instrument, listed.side, listed.quantity, listed.order_type, listed.limit_price)
    assert told == (order.instrument, order.side, order.quantity, order.order_type, order.limit_price)
    assert listed.filled_quantity <= listed.quantity
    assert listed.ordered_at.tzinfo is not None
    if listed.fills:
        assert sum((fill.quantity for fill in listed.fills), Decimal(0)) == listed.filled_quantity
        assert sum((fill.amount for fill in listed.fills), Decimal(0)) == listed.filled_amount
        assert len({fill.key for fill in listed.fills}) == len(listed.fills)
