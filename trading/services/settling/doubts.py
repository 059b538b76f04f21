"""Ending doubt about an order: it is one that the broker lists, or several could be it, or it is proven never to have arrived.

Each step looks again under the order's lock: what was read is some seconds old, and a person may have decided meanwhile.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from brokers.protocol import ListedOrder, OrderReport, ReportStatus
from markets import services as markets
from trading import lifecycle, totals
from trading.errors import NotAllowed, TradingError
from trading.lifecycle import OrderState
from trading.models import Alert, BrokerOrder, Order
from trading.services.running.timing import scaled
from trading.services.safeguards.alerts import raise_alert
from trading.services.settling.reports import finish, fold, keep_contradiction, locked
from trading.totals import TotalsContradict

logger = structlog.get_logger(__name__)

UNKNOWN_FOR = timedelta(seconds=60)  # after this long a person hears of it
UNSETTLED = {OrderState.UNKNOWN, OrderState.AMBIGUOUS}


class NotInDoubt(TradingError):
    """Only an order nobody is sure about can be settled by a person."""

    code = "order_not_in_doubt"


class NotThisOrder(TradingError):
    """The broker lists no such order, or it is another's, or of another instrument, side or quantity."""

    code = "not_this_order"


def is_news(order: Order, row: ListedOrder) -> bool:
    """Whether the broker's row says anything that this order of ours does not know."""
    if order.state in lifecycle.UNRESOLVED or row.filled_quantity > order.filled_quantity:
        return True
    return order.is_open and row.status is not ReportStatus.ACCEPTED


@transaction.atomic
def take_row(order_id: UUID, row: ListedOrder, *, origin: str = "broker") -> Order:
    """Bring an order to what the broker lists of it: fills by how its totals grew, the state, and its key (I6).

    Repeated, late or out of turn it changes nothing that it should not.
    """
    order = locked(order_id)
    at = markets.market_now(order.instrument)
    booked = [totals.Execution(f.key, f.quantity, f.amount, f.at) for f in order.fills.all()]
    try:
        fills = totals.fills_told(row, booked, order.instrument.rules, at)
    except TotalsContradict as e:
        told = {"quantity": format(row.filled_quantity, "f"), "amount": format(row.filled_amount, "f")}
        keep_contradiction(order, e.code, at, {"key": row.key, **told})
        fills = ()
    fold(order, OrderReport(row.status, row.key, fills, row.reason, row.raw), at, origin=origin)
    return order


@transaction.atomic
def adopt(order_id: UUID, row: ListedOrder, states: set[OrderState], *, origin: str = "broker") -> bool:
    """The order is this one of the broker's; False where it is settled, or the row taken, meanwhile."""
    order = locked(order_id)
    taken = Order.objects.filter(broker_account=order.broker_account_id, broker_order_key=row.key).exclude(pk=order.pk)
    if order.state not in states or order.broker_order_key not in {"", row.key} or taken.exists():
        return False
    outcome = "refused" if row.status is ReportStatus.REJECTED else "landed"
    order.attempts.filter(outcome__in=["sending", "unknown"]).update(outcome=outcome)
    take_row(order_id, row, origin=origin)
    logger.info("order found", order=str(order_id), key=row.key, was=order.state)
    return True


@transaction.atomic
def mark_ambiguous(order_id: UUID, rows: tuple[ListedOrder, ...]) -> bool:
    """Several of the broker's orders could be it: a person decides, for nothing else can."""
    order = locked(order_id)
    if order.state != OrderState.UNKNOWN:
        return False
    keys = ", ".join(row.key for row in rows)
    at = markets.market_now(order.instrument)
    finish(order, OrderState.AMBIGUOUS, at, origin="broker", reason="several_candidates", raw={"candidates": keys})
    raise_alert("order_ambiguous", f"order:{order.pk}", order.user_id, candidates=keys[:200])
    return True


@transaction.atomic
def count_clean_read(order_id: UUID, asked_at: datetime, *, is_last: bool) -> bool:
    """One more reading that proves the order absent; the last one ends it and gives back what it had reserved."""
    order = locked(order_id)
    last = order.last_clean_read_at
    if order.state != OrderState.UNKNOWN or (last is not None and last >= asked_at):
        return False
    order.clean_reads += 1
    order.last_clean_read_at = asked_at
    if is_last:
        _end_absent(order, origin="broker", raw={"clean_reads": str(order.clean_reads)})
    else:
        order.save(update_fields=["clean_reads", "last_clean_read_at"])
    return True


def _end_absent(order: Order, *, origin: str, raw: dict[str, str]) -> None:
    order.cancel_requested = False  # there is nothing to cancel
    at = markets.market_now(order.instrument)
    finish(order, OrderState.NOT_PLACED, at, origin=origin, reason="never_arrived", raw=raw)


@transaction.atomic
def settle_by_person(user: User, order_id: UUID, broker_order_key: str | None) -> Order:
    """A person has looked it up at the broker: the order is that listed one, or (None) it never arrived.

    What it has filled comes with the next reading. Raises NotAllowed, Order.DoesNotExist, NotInDoubt and NotThisOrder.
    """
    if not user.may_trade:
        raise NotAllowed
    if not Order.objects.for_user(user).filter(pk=order_id).exists():
        raise Order.DoesNotExist
    order = locked(order_id)
    if order.state not in UNSETTLED:
        raise NotInDoubt(state=order.state)
    if not broker_order_key:
        _end_absent(order, origin="person", raw={"by": str(user.pk)})
        return order
    row = BrokerOrder.objects.filter(broker_account=order.broker_account_id, key=broker_order_key, order=None).first()
    if row is None or (row.instrument, row.side, row.quantity) != (order.instrument.key, order.side, order.quantity):
        raise NotThisOrder(broker_order_key=broker_order_key)
    if Order.objects.filter(broker_account=order.broker_account_id, broker_order_key=row.key).exists():
        raise NotThisOrder(broker_order_key=broker_order_key)
    order.attempts.filter(outcome__in=["sending", "unknown"]).update(outcome="landed")
    raw = {"by": str(user.pk), "broker_order_key": row.key}
    at = markets.market_now(order.instrument)
    fold(order, OrderReport(ReportStatus.ACCEPTED, row.key, reason="settled_by_person", raw=raw), at, origin="person")
    BrokerOrder.objects.filter(pk=row.pk).update(order=order, is_external=False)
    return order


def tell_of_long_doubts(account_id: UUID) -> int:
    """Alert the owner of each order that has been in doubt for a minute; how many were told of anew (I52)."""
    since = timezone.now() - scaled(UNKNOWN_FOR)
    doubts: Any = Order.objects.filter(broker_account=account_id, state=OrderState.UNKNOWN, sent_at__lt=since)
    told = 0
    for order in doubts.select_related("instrument"):
        subject = f"order:{order.pk}"
        if not Alert.objects.filter(cause="order_unknown", subject=subject).exists():
            raise_alert("order_unknown", subject, order.user_id, instrument=order.instrument.key)
            told += 1
    return told
