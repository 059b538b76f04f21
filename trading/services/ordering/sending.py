"""The steps of sending that touch the database: claim, record, mark. `trading.dispatch` strings them together.

Claim (commit) → call (no transaction open) → record (commit). From the moment `submitted` is committed only the answer to
that one call, or a query, may move the order, whatever dies. Locks of a claim, in this order: system, lease, account, order,
plan, latches.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from brokers import services as brokers
from brokers.protocol import Abilities, OrderReport, OrderRequest, OrderType, ReportStatus
from markets import services as markets
from trading import lifecycle
from trading.lifecycle import OrderState
from trading.models import Order, OrderAttempt, OrderEvent
from trading.services.ordering import gate
from trading.services.running import leases, system
from trading.services.running.leases import LeaseLost
from trading.services.running.timing import scaled
from trading.services.safeguards import limits
from trading.services.settling import readings
from trading.services.settling.reports import apply_report, finish, fold, locked

__all__ = ["DISPATCH", "Claim", "LeaseLost", "apply_report", "claim", "mark_unknown", "record"]

logger = structlog.get_logger(__name__)

DISPATCH = "dispatch"  # the lease's name
SEND_WITHIN = timedelta(seconds=2)  # from before the claim: a process that froze in between must not send late
OWNED_FOR = timedelta(seconds=15)
MOST_ATTEMPTS = 3
TRY_AGAIN_AFTER = (timedelta(seconds=2), timedelta(seconds=6))  # after the first refusal that may pass, and the second
JITTER = 0.5  # of the wait, either way
UNRESOLVED = sorted(state.value for state in lifecycle.UNRESOLVED)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one order once. `fence` is the order's own: it grows with every claim, and when one is ended."""

    order_id: UUID
    request: OrderRequest
    broker_account_id: UUID
    fence: int
    attempt: int
    has_wire: bool
    begun: float  # on this process' monotonic clock, before the claim
    deadline: datetime


def accounts_with_orders() -> list[UUID]:
    """The accounts with an order that may be sent now, the one that has waited longest first."""
    waiting = _sendable().values("broker_account_id").annotate(oldest=Min("created_at")).order_by("oldest")
    return list(waiting.values_list("broker_account_id", flat=True))


def next_pending(account_id: UUID, tried: Collection[UUID] = ()) -> UUID | None:
    """The account's oldest order that may be sent now and was not tried in this round, or None."""
    waiting = _sendable().filter(broker_account=account_id).exclude(pk__in=tried).order_by("created_at", "pk")
    return waiting.values_list("pk", flat=True).first()


def _sendable() -> QuerySet[Order]:
    """Pending orders whose lane is free and whose time has come. One lane = account, instrument, side, position side.

    A stop whose price has not come is held by us: what a venue is sent carries no stop price.
    """
    in_doubt = Order.objects.filter(
        broker_account=OuterRef("broker_account"),
        instrument=OuterRef("instrument"),
        side=OuterRef("side"),
        position_side=OuterRef("position_side"),
        state__in=UNRESOLVED,
    )
    is_due = Q(not_before=None) | Q(not_before__lte=timezone.now()) | Q(cancel_requested=True)
    has_come = ~Q(order_type=OrderType.STOP) | Q(triggered_at__isnull=False)
    return Order.objects.filter(is_due, has_come, ~Exists(in_doubt), state=OrderState.PENDING)


def claim(order_id: UUID, fence: int, venue: Abilities | None = None, epoch: UUID | None = None) -> Claim | None:
    """Move a pending order to submitted and write its attempt; None where it may not be sent, or not now.

    `fence` is the dispatch lease's; `venue` what the account's venue can do, looked up unless given; `epoch` what this
    process was last given by `system.advance_epoch`. An order that our own rules forbid by now is withdrawn. Raises
    LeaseLost, system.NotArmed and system.ReleaseSuperseded where this process may send nothing at all.
    """
    begun = monotonic()
    try:
        with transaction.atomic():
            return _claim(order_id, fence, venue, epoch, begun)
    except IntegrityError:
        if not Order.objects.filter(pk=order_id).exclude(pk__in=_sendable().values("pk")).exists():
            raise
        logger.warning("lane shut or order taken while it was claimed", order=str(order_id))
        return None


def _claim(order_id: UUID, fence: int, venue: Abilities | None, epoch: UUID | None, begun: float) -> Claim | None:
    system.check_may_send(epoch)
    if not leases.is_current(DISPATCH, fence):
        raise LeaseLost
    order = locked(order_id)
    if order.state != OrderState.PENDING or order.waits_for_trigger:
        return None
    venue = venue or brokers.abilities(order.broker_account)
    reading = readings.latest(order.broker_account_id) if venue.has_wire else None
    if venue.has_wire and (reading is None or reading.fence != fence):
        return None  # I15: whoever comes anew reads the account before anything new is sent on it
    present = markets.moment(order.instrument.source)
    if denial := gate.denial_for(order, present, venue):
        order.facts = denial.facts
        finish(order, OrderState.WITHDRAWN, present.at, origin="claim", reason=denial.code, raw=denial.facts)
        return None
    attempt = order.attempts.count() + 1 if order.fence else 1
    order.collar_price = limits.collar_at_claim(order, present) if venue.has_wire else None
    deadline = _submit(order)
    OrderAttempt.objects.create(order=order, number=attempt, fence=fence, release=system.release_id())
    before = {"cash": reading.cash, "units": reading.units, "spendable": reading.spendable} if reading else {}
    OrderEvent.objects.create(order=order, state=order.state, origin="claim", raw=before, market_at=present.at)
    request = order.as_request()
    return Claim(order.pk, request, order.broker_account_id, order.fence, attempt, venue.has_wire, begun, deadline)


def _submit(order: Order) -> datetime:
    now = timezone.now()
    deadline = now + SEND_WITHIN
    order.state = OrderState.SUBMITTED
    order.fence += 1
    order.sent_at = now
    order.deadline_at = deadline
    order.lease_until = now + scaled(OWNED_FOR)
    order.clean_reads = 0
    order.version += 1
    changed = ["state", "fence", "sent_at", "deadline_at", "lease_until", "clean_reads", "collar_price", "version"]
    order.save(update_fields=changed)
    return deadline


def is_in_time(claimed: Claim) -> bool:
    """Whether it is not too late to send since the claim: the process may have frozen, the machine slept (I13)."""
    waited = timedelta(seconds=monotonic() - claimed.begun)
    return waited <= SEND_WITHIN and timezone.now() <= claimed.deadline


@transaction.atomic
def record(claimed: Claim, report: OrderReport) -> bool:
    """Write down the broker's answer to our one call; False where the order is no longer this claim's.

    Then somebody has taken the call for lost: what became of it is for reconciliation alone to say.
    """
    order = locked(claimed.order_id)
    if not _is_still(claimed, order):
        logger.warning("answer came too late", order=str(order.pk), state=order.state, told=report.status)
        return False
    at = market_time(order)
    if report.status is ReportStatus.REJECTED:
        _note(claimed, "refused", report.reason)
        _refuse(order, claimed, report, at)
    elif claimed.has_wire and not report.broker_order_key:
        _note(claimed, "unknown", "no_order_key")
        finish(order, OrderState.UNKNOWN, at, origin="broker", reason="no_order_key", raw=report.raw)
    else:
        _note(claimed, "landed")
        fold(order, report, at)
    return True


def _refuse(order: Order, claimed: Claim, report: OrderReport, at: datetime) -> None:
    """Proof that nothing reached the book: try again a little later where that may help, or end the order."""
    may_try = report.retryable and claimed.attempt < MOST_ATTEMPTS and order.state == OrderState.SUBMITTED
    if not may_try:
        fold(order, report, at)
        return
    wait = TRY_AGAIN_AFTER[claimed.attempt - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 no secret
    order.not_before = timezone.now() + scaled(wait)
    finish(order, OrderState.PENDING, at, origin="broker", reason=report.reason, raw=report.raw)


@transaction.atomic
def mark_unknown(claimed: Claim, reason: str) -> None:
    """The outcome is not known: the lane stays shut until the broker has been asked."""
    order = locked(claimed.order_id)
    if _is_still(claimed, order) and order.state == OrderState.SUBMITTED:
        _note(claimed, "unknown", reason)
        finish(order, OrderState.UNKNOWN, market_time(order), origin="claim", reason=reason)


def _is_still(claimed: Claim, order: Order) -> bool:
    return order.fence == claimed.fence and order.state in {OrderState.SUBMITTED, OrderState.UNKNOWN}


def _note(claimed: Claim, outcome: str, reason: str = "") -> None:
    attempt = OrderAttempt.objects.filter(order=claimed.order_id, number=claimed.attempt)
    attempt.update(outcome=outcome, reason=reason[:64])


@transaction.atomic
def withdraw(order_id: UUID, reason: str) -> bool:
    """Call back an order that nobody can send; False where it has moved meanwhile."""
    order = locked(order_id)
    if order.state != OrderState.PENDING:
        return False
    finish(order, OrderState.WITHDRAWN, market_time(order), origin="claim", reason=reason)
    return True


@transaction.atomic
def give_up(order_id: UUID) -> bool:
    """Take a claim whose sender is gone for lost: the order is in doubt, and the sender's answer will hit nothing."""
    order = locked(order_id)
    if order.state != OrderState.SUBMITTED or order.lease_until is None or order.lease_until >= timezone.now():
        return False
    order.fence += 1
    order.attempts.filter(outcome="sending").update(outcome="unknown", reason="sender_gone")
    finish(order, OrderState.UNKNOWN, market_time(order), origin="claim", reason="sender_gone")
    return True


def holds_lease(fence: int) -> bool:
    """Whether `fence` may still act."""
    with transaction.atomic():
        return leases.is_current(DISPATCH, fence)


def market_time(order: Order) -> datetime:
    """What time it is in the market this order trades in."""
    return markets.market_now(order.instrument)
