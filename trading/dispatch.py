"""Sending: claim, call, record. One process holds the lease; a second one is harmless.

No order is ever sent twice: the attempt row is committed before the call, and an answer that never came leaves the order
`unknown` for `reconcile`.
"""

import logging
from collections.abc import Callable
from uuid import UUID

from brokers.errors import BrokerNotConfigured, OutcomeUnknown
from brokers.models import BrokerAccount
from brokers.protocol import Broker, CancelReply, OrderReport, ReportStatus
from brokers.services import open_broker
from trading.models import Order
from trading.services import sending

logger = logging.getLogger(__name__)

OpenBroker = Callable[[BrokerAccount], Broker]


def dispatch_once(fence: int, open_account: OpenBroker = open_broker) -> int:
    """Send every pending order whose lane is free and every requested cancel; the number of orders moved.

    Does nothing more from the moment somebody else holds the lease.
    """
    moved = 0
    try:
        while (order_id := sending.next_pending()) is not None:
            moved += send(order_id, fence, open_account)
    except sending.LeaseLost:
        return moved
    return moved + cancel_requested(fence, open_account)


def send(order_id: UUID, fence: int, open_account: OpenBroker = open_broker) -> bool:
    """Claim one order, call its broker, record the answer. False where there was nothing to send any more.

    Raises LeaseLost.
    """
    claimed = sending.claim(order_id, fence)
    if claimed is None:
        return False
    try:
        broker = open_account(BrokerAccount.objects.get(pk=claimed.broker_account_id))
    except BrokerNotConfigured as e:
        logger.warning("order %s cannot be sent: %s", order_id, e)
        sending.record(claimed, OrderReport(ReportStatus.REJECTED, reason=e.code))  # proof: nothing has left
        return True
    if sending.is_overdue(claimed):
        sending.mark_unknown(claimed, "not_sent_in_time")
        return True
    _call(broker, claimed)
    return True


def _call(broker: Broker, claimed: sending.Claim) -> None:
    """Submit once. Whatever is not an answer leaves the order in doubt: it may have arrived."""
    try:
        report = broker.submit(claimed.request)
    except OutcomeUnknown as e:
        logger.warning("order %s: outcome unknown (%s), left to reconcile", claimed.order_id, e)
        sending.mark_unknown(claimed, e.code)
    except Exception:
        logger.exception("order %s: the answer could not be read, left to reconcile", claimed.order_id)
        sending.mark_unknown(claimed, OutcomeUnknown.code)
    else:
        sending.record(claimed, report)


def cancel_requested(fence: int, open_account: OpenBroker = open_broker) -> int:
    """Ask the brokers to withdraw what people want back; the number of orders asked about."""
    wanted = sending.cancel_requests()
    if not wanted or not sending.holds_lease(fence):
        return 0
    for order in wanted:
        _cancel(order, open_account)
    return len(wanted)


def _cancel(order: Order, open_account: OpenBroker) -> None:
    sending.begin_cancel(order)
    try:
        reply = open_account(order.broker_account).cancel(order.as_request(), order.broker_order_key)
    except Exception:
        logger.exception("order %s: cancel in doubt, asked again later", order.pk)
        return
    if reply is CancelReply.CONFIRMED:
        report = OrderReport(ReportStatus.CANCELED, order.broker_order_key, reason="canceled_by_person")
        sending.apply_report(order.pk, report, sending.market_time(order))
