"""Sending: claim, call, record. One process holds the lease; a second one is harmless.

No order is ever sent twice: the attempt row is committed before the call, and an answer that never came leaves the order
`unknown` for `reconcile`.
"""

import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from brokers.errors import BrokerNotConfigured, NotSent, OutcomeUnknown
from brokers.models import BrokerAccount
from brokers.protocol import Broker, CancelReply, OrderReport, ReportStatus
from brokers.reducing import Reducing
from brokers.services import OpenAccount
from trading import reconcile
from trading.models import BrokerOrder, Order
from trading.services.ordering import cancel_requests, sending
from trading.services.ordering.opening_brokers import open_for_orders
from trading.services.ordering.sending import Claim, LeaseLost
from trading.services.running import system
from trading.services.settling import readings, unlinked

logger = logging.getLogger(__name__)

IN_A_ROW = 100  # orders of one account before the next account's turn


def dispatch_once(
    fence: int,
    open_account: OpenAccount = open_for_orders,
    account_ids: Sequence[UUID] | None = None,
    epoch: UUID | None = None,
) -> int:
    """Send every order that may go out now and ask for every one wanted back, account by account; how many moved.

    Does nothing more from the moment somebody else holds the lease, or where nothing may be sent out of this database.
    Raises system.ReleaseSuperseded where newer code sends.
    """
    moved = 0
    try:
        for account_id in accounts_with_work() if account_ids is None else account_ids:
            moved += serve(account_id, fence, open_account, epoch)
    except LeaseLost:
        logger.warning("the lease is somebody else's")
    except system.NotArmed as e:
        logger.warning("nothing may be sent: %s", e)
    return moved


def accounts_with_work() -> list[UUID]:
    """The accounts with something to cancel or to send."""
    wanted_back = [*cancel_requests.accounts_with_cancels(), *unlinked.accounts_with_rows()]
    return list(dict.fromkeys([*wanted_back, *sending.accounts_with_orders()]))


def serve(account_id: UUID, fence: int, open_account: OpenAccount = open_for_orders, epoch: UUID | None = None) -> int:
    """One account's cancels and then its orders; how many were asked about or moved. Raises as `claim` does."""
    account = BrokerAccount.objects.get(pk=account_id)
    try:
        broker = open_account(account)
    except BrokerNotConfigured as e:
        return _withdraw_all(account_id, e.code)
    except Exception:
        logger.exception("account %s: cannot be opened, its orders wait", account_id)
        return 0
    moved = _withdraw_all(account_id, broker.why) if isinstance(broker, Reducing) else 0
    moved += cancel_requested(account, fence, broker)
    if broker.abilities.has_wire and not readings.is_read(account_id, fence):
        return moved
    return moved + _send_all(account_id, fence, broker, epoch)


def _send_all(account_id: UUID, fence: int, broker: Broker, epoch: UUID | None) -> int:
    """Send one after the other; on a wire only up to the first that nobody answers for: then the account is read first."""
    moved = 0
    tried: set[UUID] = set()
    while len(tried) < IN_A_ROW and (order_id := sending.next_pending(account_id, tried)) is not None:
        tried.add(order_id)
        claimed = sending.claim(order_id, fence, broker.abilities, epoch)
        if claimed is not None:
            moved += 1
            if not deliver(claimed, broker) and claimed.has_wire:
                break
    return moved


def _withdraw_all(account_id: UUID, why: str) -> int:
    """Nothing new is sent on this account: its orders end before they are, and their cash is free."""
    moved = 0
    while (order_id := sending.next_pending(account_id)) is not None and sending.withdraw(order_id, why):
        logger.warning("order %s cannot be sent: %s", order_id, why)
        moved += 1
    return moved


def deliver(claimed: Claim, broker: Broker) -> bool:
    """Submit once and write down what came of it; False where that is doubt, as is whatever is not an answer."""
    if not sending.is_in_time(claimed):
        sending.mark_unknown(claimed, "not_sent_in_time")
        return False
    try:
        report = broker.submit(claimed.request, partial(sending.is_in_time, claimed))
    except NotSent as e:
        logger.warning("order %s: not sent (%s)", claimed.order_id, e)
        report = OrderReport(ReportStatus.REJECTED, reason=e.code, retryable=True)
    except OutcomeUnknown as e:
        logger.warning("order %s: outcome unknown (%s), left to reconcile", claimed.order_id, e)
        sending.mark_unknown(claimed, e.code)
        return False
    except Exception:
        logger.exception("order %s: the answer could not be read, left to reconcile", claimed.order_id)
        sending.mark_unknown(claimed, OutcomeUnknown.code)
        return False
    return sending.record(claimed, report)


def cancel_requested(account: BrokerAccount, fence: int, broker: Broker) -> int:
    """Ask for what people, halts and changes want back, then look what became of it; the number of orders asked about.

    Only the broker's list says how much of an order had filled before it was canceled, and a refused cancel means very
    often that it has just filled: so an account with a wire is read at once, whatever the answer.
    """
    wanted, strangers = cancel_requests.due(account.pk), unlinked.due(account.pk)
    if not (wanted or strangers) or not sending.holds_lease(fence):
        return 0
    confirmed = [order for order in wanted if _cancel(order, broker)]
    for row in strangers:
        _cancel_unlinked(row, broker)
    was_read = not broker.abilities.has_wire or reconcile.settle_account(account, fence, lambda _account: broker)
    if was_read:
        for order in confirmed:
            cancel_requests.confirm(order.pk)
    return len(wanted) + len(strangers)


def _cancel(order: Order, broker: Broker) -> bool:
    """Whether the venue gave its final word that the rest is withdrawn."""
    cancel_requests.begin(order)
    try:
        reply = broker.cancel(order.as_request(), order.broker_order_key)
    except Exception:
        logger.exception("order %s: cancel in doubt", order.pk)
        return False
    return reply is CancelReply.CONFIRMED


def _cancel_unlinked(row: BrokerOrder, broker: Broker) -> None:
    """Ask once; the next list says what became of it, and it is asked for again while it still rests."""
    unlinked.begin(row)
    try:
        broker.cancel(unlinked.as_request(row), row.key)
    except Exception:
        logger.exception("broker's order %s: cancel in doubt", row.pk)
