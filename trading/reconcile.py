"""Settling doubt: an order that may or may not have arrived is looked up, never sent again."""

from brokers.services import open_broker
from trading.dispatch import OpenBroker
from trading.services import sending


def reconcile_once(open_account: OpenBroker = open_broker) -> int:
    """Ask the broker about every order in doubt and fold what it says; the number of orders asked about."""
    doubtful = sending.unresolved()
    for order in doubtful:
        report = open_account(order.broker_account).find(order.as_request())
        if report is not None:
            sending.apply_report(order.pk, report, sending.market_time(order))
    return len(doubtful)
