"""Settling doubt: an order that may or may not have arrived is looked up, never sent again."""

import logging

from brokers.protocol import OrderReport
from brokers.services import open_broker
from trading.dispatch import OpenBroker
from trading.models import Order
from trading.services import sending

logger = logging.getLogger(__name__)


def reconcile_once(open_account: OpenBroker = open_broker) -> int:
    """Ask the broker about every order in doubt and fold what it says; the number of orders asked about."""
    doubtful = sending.unresolved()
    for order in doubtful:
        _settle(order, open_account)
    return len(doubtful)


def _settle(order: Order, open_account: OpenBroker) -> None:
    """A question that fails proves nothing (I3): the order stays in doubt, and the others are asked about all the same."""
    try:
        listed = open_account(order.broker_account).find(order.as_request())
    except Exception:
        logger.exception("order %s: cannot be looked up, still in doubt", order.pk)
        return
    if listed is not None:
        report = OrderReport(listed.status, listed.key, listed.fills, listed.reason, listed.raw)
        sending.apply_report(order.pk, report, sending.market_time(order))
