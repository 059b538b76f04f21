"""Taking one complete reading of an account into our rows: doubts settled, listed orders kept, fills booked, units compared.

Any step may be the last before a crash: each is its own transaction, each can be taken again, and the reading counts as made
only once all of them are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.protocol import Abilities, Division, Holdings, ListedOrder, OrderType
from markets.types import Side
from trading import settlement
from trading.lifecycle import OrderState
from trading.models import BrokerOrder, Order, OrderEvent
from trading.services.settling import differences, doubts, openings, readings
from trading.services.settling.readings import Question
from trading.settlement import (
    Adopt,
    Ambiguous,
    CleanRead,
    Evidence,
    External,
    Late,
    NotPlaced,
    Ours,
    Proof,
    Standing,
    Unproven,
    Verdict,
)

logger = structlog.get_logger(__name__)

SEEN_AGAIN = timedelta(seconds=60)  # a row that has not changed is not written at every reading
STANDINGS = {
    OrderState.SUBMITTED: Standing.IN_FLIGHT,
    OrderState.UNKNOWN: Standing.DOUBTED,
    OrderState.AMBIGUOUS: Standing.AMBIGUOUS,
    OrderState.NOT_PLACED: Standing.NOT_PLACED,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a broker answered to one question, whole."""

    fence: int
    question: Question
    listed: Sequence[ListedOrder]
    holdings: Holdings
    venue: Abilities


@dataclass(slots=True)
class Taken:
    """What one reading did: numbers of orders, but `differences`, which is how many are open."""

    listed: int = 0
    adopted: int = 0
    late: int = 0
    ambiguous: int = 0
    not_placed: int = 0
    clean_reads: int = 0
    unproven: int = 0
    external: int = 0
    news: int = 0
    differences: int = 0

    def __str__(self) -> str:
        return " ".join(f"{each.name}={getattr(self, each.name)}" for each in fields(self))


def take(account: BrokerAccount, reading: Reading) -> Taken:
    """Bring our rows to what was read."""
    taken = Taken(listed=len(reading.listed))
    at = reading.question.asked_at
    if openings.book_opening(account.pk, reading.holdings, at):
        logger.info("books opened", account=str(account.pk))
    taken.news = _take_news(account, reading)  # first, so that what our books hold is what the reading shows
    external = _settle(account, reading, taken)
    taken.external = len(external)
    _keep_rows(account, reading, external)
    taken.differences = differences.compare(account, reading.holdings, at)
    readings.complete(account.pk, reading.fence, at, reading.holdings)
    return taken


def _take_news(account: BrokerAccount, reading: Reading) -> int:
    known = _ours_listed(account, reading).only("broker_order_key", "state", "filled_quantity")
    owners = {order.broker_order_key: order for order in known}
    news = [(owners[row.key], row) for row in reading.listed if row.key in owners]
    return sum(doubts.take_row(order.pk, row) is not None for order, row in news if doubts.is_news(order, row))


def _ours_listed(account: BrokerAccount, reading: Reading) -> QuerySet[Order]:
    """Our orders among the listed."""
    keys = [row.key for row in reading.listed]
    return Order.objects.filter(broker_account=account, broker_order_key__in=keys)


def _owners(account: BrokerAccount, reading: Reading) -> dict[str, UUID]:
    """Which order of ours each listed key is; a reading changes that, so it is asked anew."""
    return dict(_ours_listed(account, reading).values_list("broker_order_key", "pk"))


def _settle(account: BrokerAccount, reading: Reading, taken: Taken) -> set[str]:
    """Carry out what the reading says about doubts; the keys of listed orders that are nobody's of ours."""
    proof = Proof.of(reading.venue, settings.TIME_SCALE)
    external: set[str] = set()
    for verdict in settlement.settle(_ours(account, reading), _evidence(account, reading), proof):
        if isinstance(verdict, External):
            external.add(verdict.row.key)
        else:
            _carry_out(verdict, reading.question.asked_at, taken)
    return external


def _carry_out(verdict: Verdict, asked_at: datetime, taken: Taken) -> None:
    match verdict:
        case Adopt(order, row):
            taken.adopted += doubts.adopt(order, row, {OrderState.UNKNOWN})
        case Late(order, row):
            taken.late += doubts.adopt(order, row, {OrderState.NOT_PLACED})
        case Ambiguous(order, rows):
            taken.ambiguous += doubts.mark_ambiguous(order, rows)
        case CleanRead(order):
            taken.clean_reads += doubts.count_clean_read(order, asked_at, is_last=False)
        case NotPlaced(order):
            taken.not_placed += doubts.count_clean_read(order, asked_at, is_last=True)
        case Unproven(order, why):
            taken.unproven += 1
            logger.debug("absent, unproven", order=str(order), why=why)


def _ours(account: BrokerAccount, reading: Reading) -> list[Ours]:
    orders: Any = Order.objects.filter(broker_account=account, sent_at__isnull=False).select_related("instrument")
    moving = orders.filter(state__in=[OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.AMBIGUOUS])
    absent = orders.filter(state=OrderState.NOT_PLACED, sent_at__gt=reading.question.asked_at - readings.LATE_FOR)
    doubted = [order for order in (*moving, *absent) if not order.broker_order_key]
    before = _held_before([order.pk for order in doubted if order.state == OrderState.UNKNOWN])
    return [_as_ours(order, before.get(order.pk)) for order in doubted]


def _as_ours(order: Order, before: Holdings | None) -> Ours:
    request = order.as_request()
    return Ours(
        order.pk,
        order.client_id,
        settlement.shape_of(request),
        STANDINGS[OrderState(order.state)],
        request.claimed_at,
        order.clean_reads,
        order.last_clean_read_at if order.clean_reads else None,
        before,
    )


def _held_before(order_ids: Sequence[UUID]) -> dict[UUID, Holdings]:
    """What each order's account held when it was claimed, as the reading before had told."""
    claims = OrderEvent.objects.filter(order__in=order_ids, origin="claim", state=OrderState.SUBMITTED).order_by("id")
    return {
        order_id: Holdings(_numbers(raw["cash"]), _numbers(raw["units"]), spendable=_numbers(raw.get("spendable", {})))
        for order_id, raw in claims.values_list("order_id", "raw")
        if raw
    }


def _evidence(account: BrokerAccount, reading: Reading) -> Evidence:
    question, skew = reading.question, reading.venue.clock_skew
    window = question.since + skew
    kept = BrokerOrder.objects.filter(broker_account=account, ordered_at__gte=window)
    sent = Order.objects.filter(
        broker_account=account, sent_at__gte=window + skew, sent_at__lt=question.asked_at - skew
    )
    accepted = sent.exclude(broker_order_key="").values_list("broker_order_key", "sent_at")
    known = {key: sent_at for key, sent_at in accepted if sent_at is not None}
    return Evidence(
        question.asked_at,
        reading.listed,
        frozenset(_owners(account, reading)),
        known | dict(kept.values_list("key", "ordered_at")),
        reading.holdings,
        differences.unexplained(account, reading.holdings.units),
    )


def _keep_rows(account: BrokerAccount, reading: Reading, external: set[str]) -> None:
    """What the broker listed, as it stands now: written where it is new or has changed."""
    now = timezone.now()
    owners, keys = _owners(account, reading), [row.key for row in reading.listed]
    kept = {row.key: row for row in BrokerOrder.objects.filter(broker_account=account, key__in=keys)}
    changed = []
    for listed in reading.listed:
        owner = owners.get(listed.key)
        row = _as_row(account, listed, owner, listed.key in external, now)
        before = kept.get(listed.key)
        if before is None or _figures(before) != _figures(row) or now - before.last_seen_at > SEEN_AGAIN:
            changed.append(row)
    BrokerOrder.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["broker_account", "key"],
        update_fields=["status", "filled_quantity", "filled_amount", "order", "is_external", "last_seen_at"],
    )


def _as_row(
    account: BrokerAccount, listed: ListedOrder, order_id: UUID | None, is_external: bool, now: datetime
) -> BrokerOrder:
    return BrokerOrder(
        broker_account=account,
        key=listed.key,
        client_id=listed.client_id[:36],
        instrument=listed.instrument,
        side=Side(listed.side),
        quantity=listed.quantity,
        order_type=OrderType(listed.order_type),
        division=Division(listed.division),
        limit_price=listed.limit_price,
        ordered_at=listed.ordered_at,
        status=listed.status,
        filled_quantity=listed.filled_quantity,
        filled_amount=listed.filled_amount,
        order_id=order_id,
        is_external=is_external and order_id is None,
        first_seen_at=now,
        last_seen_at=now,
    )


def _figures(row: BrokerOrder) -> tuple[Any, ...]:
    return row.status, row.filled_quantity, row.filled_amount, row.order_id, row.is_external


def _numbers(told: dict[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in told.items()}
