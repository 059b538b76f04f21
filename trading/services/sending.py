"""The steps of sending that touch the database: claim, record, mark. `trading.dispatch` strings them together.

Claim (commit) → call (no transaction open) → record (commit). From the moment `submitted` is committed only a query may
move the order, whatever dies.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from brokers.protocol import OrderReport, OrderRequest, ReportStatus
from markets import services as markets
from trading import lifecycle
from trading.lifecycle import OrderState
from trading.models import Order, OrderAttempt, OrderEvent
from trading.services import leases
from trading.services.leases import LeaseLost
from trading.services.reports import apply_report, finish, fold, locked

__all__ = [
    "LeaseLost",
    "apply_report",
    "begin_cancel",
    "cancel_requests",
    "claim",
    "holds_lease",
    "is_overdue",
    "mark_unknown",
    "market_time",
    "next_pending",
    "record",
    "unresolved",
]

DISPATCH = "dispatch"  # the lease's name
SEND_WITHIN = timedelta(seconds=2)  # from the claim: a process that froze in between must not send late
OWNED_FOR = timedelta(seconds=15)
CANCEL_AGAIN_AFTER = timedelta(seconds=20)  # three a minute at most
MOST_CANCELS = 10  # of one order; after that a person has to look
CANCEL_SENT = "cancel_sent"
UNRESOLVED = sorted(state.value for state in lifecycle.UNRESOLVED)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one order once."""

    order_id: UUID
    request: OrderRequest
    broker_account_id: UUID
    fence: int
    attempt: int


def next_pending() -> UUID | None:
    """The oldest pending order whose lane is free. One lane = account, instrument, side and position side."""
    in_doubt = Order.objects.filter(
        broker_account=OuterRef("broker_account"),
        instrument=OuterRef("instrument"),
        side=OuterRef("side"),
        position_side=OuterRef("position_side"),
        state__in=UNRESOLVED,
    )
    waiting = Order.objects.filter(~Exists(in_doubt), state=OrderState.PENDING).order_by("created_at", "pk")
    return waiting.values_list("pk", flat=True).first()


@transaction.atomic
def claim(order_id: UUID, fence: int) -> Claim | None:
    """Move a pending order to submitted and write its attempt; None where someone else, or the clock, was faster.

    Raises LeaseLost where `fence` is not, or no longer, the one that may send.
    """
    if not leases.is_current(DISPATCH, fence):
        raise LeaseLost
    order = locked(order_id)
    if order.state != OrderState.PENDING:
        return None
    market_at = markets.market_now(order.instrument)
    if order.expires_at is not None and market_at >= order.expires_at:
        finish(order, OrderState.WITHDRAWN, market_at, origin="claim", reason="expired_before_sending")
        return None
    now = timezone.now()
    order.state = OrderState.SUBMITTED
    order.fence = fence
    order.sent_at = now
    order.deadline_at = now + SEND_WITHIN
    order.lease_until = now + OWNED_FOR
    order.version += 1
    order.save(update_fields=["state", "fence", "sent_at", "deadline_at", "lease_until", "version"])
    attempt = order.attempts.count() + 1
    OrderAttempt.objects.create(order=order, number=attempt, fence=fence)
    OrderEvent.objects.create(order=order, state=order.state, origin="claim", market_at=market_at)
    return Claim(order.pk, order.as_request(), order.broker_account_id, fence, attempt)


@transaction.atomic
def record(claimed: Claim, report: OrderReport) -> None:
    """Write down the broker's answer to our one call."""
    order = locked(claimed.order_id)
    outcome = "refused" if report.status is ReportStatus.REJECTED else "landed"
    OrderAttempt.objects.filter(order=order, number=claimed.attempt).update(outcome=outcome)
    fold(order, report, market_time(order))


@transaction.atomic
def mark_unknown(claimed: Claim, reason: str) -> None:
    """The outcome is not known: the lane stays shut until the broker has been asked."""
    order = locked(claimed.order_id)
    if (order.fence, order.state) == (claimed.fence, OrderState.SUBMITTED):
        OrderAttempt.objects.filter(order=order, number=claimed.attempt).update(outcome="unknown")
        finish(order, OrderState.UNKNOWN, market_time(order), origin="claim", reason=reason)


def unresolved() -> list[Order]:
    """Orders in doubt, for reconciliation. What was submitted by a sender who is gone becomes unknown here."""
    left_behind = Order.objects.filter(state=OrderState.SUBMITTED, lease_until__lt=timezone.now())
    for order_id in left_behind.values_list("pk", flat=True):
        _give_up(order_id)
    in_doubt = Order.objects.filter(state=OrderState.UNKNOWN).select_related("broker_account", "instrument")
    return list(in_doubt.order_by("created_at", "pk"))


@transaction.atomic
def _give_up(order_id: UUID) -> None:
    order = locked(order_id)
    if order.state == OrderState.SUBMITTED:
        finish(order, OrderState.UNKNOWN, market_time(order), origin="claim", reason="sender_gone")


def holds_lease(fence: int) -> bool:
    """Whether `fence` may still act."""
    with transaction.atomic():
        return leases.is_current(DISPATCH, fence)


def cancel_requests() -> list[Order]:
    """Resting orders a person wants back, and whose broker has not been asked too often or just now (I12)."""
    wanted = Order.objects.working().filter(cancel_requested=True).select_related("broker_account", "instrument")
    return [order for order in wanted.order_by("created_at", "pk") if _may_cancel(order)]


def begin_cancel(order: Order) -> None:
    """Write down that the broker is about to be asked, before it is."""
    OrderEvent.objects.create(
        order=order, state=order.state, origin="claim", reason=CANCEL_SENT, market_at=market_time(order)
    )


def _may_cancel(order: Order) -> bool:
    asked = list(order.events.filter(reason=CANCEL_SENT).values_list("created_at", flat=True))
    return not asked or (len(asked) < MOST_CANCELS and timezone.now() - max(asked) > CANCEL_AGAIN_AFTER)


def is_overdue(claimed: Claim) -> bool:
    """Whether too much time has passed since the claim to send (the process was frozen in between)."""
    deadline = Order.objects.values_list("deadline_at", flat=True).get(pk=claimed.order_id)
    return deadline is None or timezone.now() > deadline


def market_time(order: Order) -> datetime:
    """What time it is in the market this order trades in."""
    return markets.market_now(order.instrument)
