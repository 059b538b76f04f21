"""Sending: claim, call, record. One process holds the lease; a second one is harmless.

No order is ever sent twice: the attempt row is committed before the call, and an answer that never came leaves the order
`unknown` for `reconcile`.
"""

import logging
from collections.abc import Callable
from uuid import UUID

from brokers.errors import OutcomeUnknown
from brokers.models import BrokerAccount
from brokers.protocol import Broker
from brokers.services import open_broker
from trading.services import sending

logger = logging.getLogger(__name__)

OpenBroker = Callable[[BrokerAccount], Broker]


def dispatch_once(fence: int, open_account: OpenBroker = open_broker) -> int:
    """Send every pending order whose lane is free and every requested cancel; the number of orders moved."""
    moved = 0
    while (order_id := sending.next_pending()) is not None:
        if not send(order_id, fence, open_account):
            break  # somebody else holds the lease, or the row moved: look again at the next ring
        moved += 1
    return moved + cancel_requested(open_account)


def send(order_id: UUID, fence: int, open_account: OpenBroker = open_broker) -> bool:
    """Claim one order, call its broker, record the answer. False where the claim was not ours to make."""
    claimed = sending.claim(order_id, fence)
    if claimed is None:
        return False
    broker = open_account(BrokerAccount.objects.get(pk=claimed.broker_account_id))
    if sending.is_overdue(claimed):
        sending.mark_unknown(claimed, "not_sent_in_time")
        return True
    try:
        report = broker.submit(claimed.request)
    except OutcomeUnknown as e:
        logger.warning("order %s: outcome unknown (%s), left to reconcile", order_id, e)
        sending.mark_unknown(claimed, e.code)
        return True
    sending.record(claimed, report)
    return True


def cancel_requested(open_account: OpenBroker = open_broker) -> int:
    """Ask the brokers to withdraw what people want back."""
    wanted = sending.cancel_requests()
    for order in wanted:
        report = open_account(order.broker_account).cancel(order.as_request(), order.broker_order_key)
        sending.apply_report(order.pk, report, sending.market_time(order))
    return len(wanted)
