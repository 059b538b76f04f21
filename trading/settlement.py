"""Settling doubt: which listed orders are ours, and what proves that one of ours never arrived (reliability.md §3.4-3.5).

Presence needs one look, absence needs proof. Where the venue keeps our ids, an order is found by its own; where it does
not, by subtraction: what the broker lists, less what is known to be some order's, of the same shape and not from before it
was sent. Pure: the service reads, asks this, and writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from brokers.protocol import Abilities, Division, Holdings, ListedOrder, OrderRequest, OrderType
from markets.types import Side, market_day


class Standing(StrEnum):
    """What we know of an order of ours that no listed one is known to be."""

    IN_FLIGHT = "in_flight"  # being sent: what could be it is left for the next reading
    DOUBTED = "doubted"
    AMBIGUOUS = "ambiguous"  # a person decides; its candidates are nobody else's meanwhile
    NOT_PLACED = "not_placed"  # proven absent not long ago


@dataclass(frozen=True, slots=True)
class Shape:
    """What an order looks like to a venue that keeps no id of ours."""

    instrument: str
    side: Side
    quantity: Decimal
    order_type: OrderType  # as it was sent
    limit_price: Decimal | None
    division: Division = Division.PLAIN


@dataclass(frozen=True, slots=True)
class Ours:
    """One of our orders that may be among the listed. `before`: what the account held, read before it was sent."""

    id: UUID
    client_id: str
    shape: Shape
    standing: Standing
    sent_at: datetime
    clean_reads: int = 0
    last_clean_read_at: datetime | None = None
    before: Holdings | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One complete reading of an account. `known`: when each order was made that its list must show, by key.

    `unexplained`: instruments of which the broker holds another number than our books, and did not before.
    """

    asked_at: datetime
    listed: Sequence[ListedOrder]
    owned: frozenset[str]  # keys that belong to orders of ours
    known: Mapping[str, datetime]
    holdings: Holdings
    unexplained: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proof:
    """What it takes to prove that an order never arrived."""

    by_client_id: bool
    settle: timedelta
    reads_needed: int
    read_spacing: timedelta
    clock_skew: timedelta

    @classmethod
    def of(cls, venue: Abilities, scale: float) -> "Proof":
        """As the venue demands it, its waits `scale` times shorter (tests). A skew of clocks is no wait."""
        return cls(
            venue.client_order_id,
            venue.settle / scale,
            venue.reads_needed,
            venue.read_spacing / scale,
            venue.clock_skew,
        )


@dataclass(frozen=True, slots=True)
class Adopt:
    """The order arrived: it is this one."""

    order: UUID
    row: ListedOrder


@dataclass(frozen=True, slots=True)
class Late:
    """An order taken for never placed is there after all."""

    order: UUID
    row: ListedOrder


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several listed orders could be it: a person decides."""

    order: UUID
    rows: tuple[ListedOrder, ...]


@dataclass(frozen=True, slots=True)
class CleanRead:
    """The order is absent from a reading that proves something; more such readings are needed."""

    order: UUID


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """The last of the readings that prove together that the order never arrived."""

    order: UUID


@dataclass(frozen=True, slots=True)
class Unproven:
    """The order is absent, and that proves nothing yet."""

    order: UUID
    why: str


@dataclass(frozen=True, slots=True)
class External:
    """Not ours: the person, or another program, placed it."""

    row: ListedOrder


Verdict = Adopt | Late | Ambiguous | CleanRead | NotPlaced | Unproven | External


def settle(ours: Iterable[Ours], evidence: Evidence, proof: Proof) -> list[Verdict]:
    """What one complete reading says about every order in doubt and every listed order that nobody owns."""
    free = {row.key: row for row in evidence.listed if row.key not in evidence.owned}
    orders = list(ours)
    held = {
        row.key
        for order in orders
        if order.standing in {Standing.IN_FLIGHT, Standing.AMBIGUOUS}
        for row in _candidates(order, free.values(), proof)
    }
    verdicts: list[Verdict] = []
    for order in orders:
        if order.standing is Standing.DOUBTED:
            found = _candidates(order, _less(free, held), proof)
            verdicts.append(_verdict(order, found, evidence, proof))
            held |= {row.key for row in found}
    late = _late([order for order in orders if order.standing is Standing.NOT_PLACED], _less(free, held), proof)
    held |= {verdict.row.key for verdict in late}
    return [*verdicts, *late, *(External(row) for row in _less(free, held))]


def _less(free: Mapping[str, ListedOrder], held: set[str]) -> list[ListedOrder]:
    return [row for key, row in free.items() if key not in held]


def _candidates(order: Ours, rows: Iterable[ListedOrder], proof: Proof) -> list[ListedOrder]:
    if proof.by_client_id:
        return [row for row in rows if row.client_id == order.client_id]
    earliest = order.sent_at - proof.clock_skew
    return [row for row in rows if row.ordered_at >= earliest and shape_of(row) == order.shape]


def shape_of(order: ListedOrder | OrderRequest) -> Shape:
    return Shape(order.instrument, order.side, order.quantity, order.order_type, order.limit_price, order.division)


def _verdict(order: Ours, found: list[ListedOrder], evidence: Evidence, proof: Proof) -> Verdict:
    if len(found) > 1:
        return Ambiguous(order.id, tuple(found))
    if found:
        return Adopt(order.id, found[0])
    if why := _why_unproven(order, evidence, proof):
        return Unproven(order.id, why)
    return NotPlaced(order.id) if order.clean_reads + 1 >= proof.reads_needed else CleanRead(order.id)


def _why_unproven(order: Ours, evidence: Evidence, proof: Proof) -> str:
    """Why a reading without the order is no proof of its absence; empty where it is one."""
    last = order.last_clean_read_at
    if evidence.asked_at < order.sent_at + proof.settle:
        return "too_early"
    if last is not None and evidence.asked_at < last + proof.read_spacing:
        return "too_soon_after_the_last"
    shown = {row.key for row in evidence.listed}
    if not evidence.known.keys() <= shown:
        return "known_order_missing"
    if order.shape.instrument in evidence.unexplained:
        return "position_moved"
    same_day = any(market_day(at) == market_day(order.sent_at) for at in evidence.known.values())
    if not same_day and not _is_unmoved(order.before, evidence.holdings):
        return "no_positive_control"
    return ""


def _is_unmoved(before: Holdings | None, now: Holdings) -> bool:
    """Whether cash and units, and what may be spent of them, stand as they were read before the order was sent.

    An account of nothing says nothing. An order that rests moves only what may be spent.
    """
    if before is None or not _filled(before.cash):
        return False
    pairs = ((before.cash, now.cash), (before.units, now.units), (before.spendable, now.spendable))
    return all(_filled(then) == _filled(told) for then, told in pairs)


def _filled(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: amount for name, amount in amounts.items() if amount}


def _late(absent: list[Ours], rows: list[ListedOrder], proof: Proof) -> list[Late]:
    """Of several orders that a listed one could be, it is the one sent last before it."""
    left = sorted(absent, key=lambda order: order.sent_at, reverse=True)
    found: list[Late] = []
    for row in sorted(rows, key=lambda row: row.ordered_at):
        order = next((order for order in left if _candidates(order, [row], proof)), None)
        if order is not None:
            left.remove(order)
            found.append(Late(order.id, row))
    return found
