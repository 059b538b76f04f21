"""Our books held against the venue's truth: what is there twice, what nobody knows, what is linked wrongly, what never was.

The venue knows for every order which of ours it was sent for (`ours`); only the auditor is told, the adapter never.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from brokers.models import BrokerAccount
from trading import ledger, lifecycle
from trading.lifecycle import OrderState
from trading.models import BrokerOrder, Order
from trading.services.ledger import books
from trading.services.ledger.audit import check_books


class Kind(StrEnum):
    DUPLICATE = "duplicate"  # the venue has two orders for one of ours
    LOST = "lost"  # the venue has an order that none of ours is linked to, and that is not shown as a stranger's
    WRONG = "wrong"  # linked to the wrong order, or shape, fills or end differ
    PHANTOM = "phantom"  # ours says it was there; the venue never had it
    BOOKS = "books"  # cash, units, reservations, sums
    STUCK = "stuck"  # still waiting or in doubt although nothing is wrong any more


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.detail}"


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """One order as the venue itself knows it. `status` is working, filled, canceled, expired or rejected."""

    key: str
    ours: str  # the client id of the order it was sent for; '' for a stranger's
    instrument: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None
    filled_quantity: Decimal
    filled_amount: Decimal
    status: str


@dataclass(frozen=True, slots=True)
class Truth:
    """One account at the venue: every order it ever had, and what is there now."""

    orders: Sequence[VenueOrder]
    cash: Mapping[str, Decimal] = field(default_factory=dict)
    units: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OurOrder:
    """One of our rows, as far as the venue can contradict it."""

    client_id: str
    key: str
    instrument: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None
    filled_quantity: Decimal
    filled_amount: Decimal
    state: OrderState


WAS_THERE = lifecycle.WORKING | {OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED}
ENDS = {
    "working": lifecycle.WORKING,
    "filled": frozenset({OrderState.FILLED}),
    "canceled": frozenset({OrderState.CANCELED}),
    "expired": frozenset({OrderState.EXPIRED}),
    "rejected": frozenset({OrderState.REJECTED}),
}


def audit(account: BrokerAccount, truth: Truth) -> list[Finding]:
    """Everything that is wrong with one account whose venue has come to rest."""
    orders = Order.objects.filter(broker_account=account).select_related("instrument")
    strangers = BrokerOrder.objects.filter(broker_account=account, is_external=True).values_list("key", flat=True)
    return [
        *compare([_as_ours(order) for order in orders], truth.orders, set(strangers)),
        *_differing_holdings(account, truth),
        *(
            Finding(Kind.BOOKS, each.subject, f"{each.check}: expected {each.expected}, found {each.found}")
            for each in check_books(account.pk).differences
        ),
    ]


def compare(ours: Sequence[OurOrder], theirs: Sequence[VenueOrder], strangers: Collection[str]) -> list[Finding]:
    """Orders alone. `strangers` are the keys we show as somebody else's."""
    by_key = {order.key: order for order in ours if order.key}
    known = {order.client_id: order for order in ours}
    return [
        *_duplicates(theirs),
        *(finding for order in theirs for finding in _of_venue_order(order, by_key, known, strangers)),
        *(finding for order in ours for finding in _of_ours(order, {each.key for each in theirs})),
    ]


def tally(findings: Iterable[Finding]) -> Counter[Kind]:
    return Counter(finding.kind for finding in findings)


def _duplicates(theirs: Sequence[VenueOrder]) -> Iterator[Finding]:
    sent: dict[str, list[str]] = defaultdict(list)
    for order in theirs:
        if order.ours:
            sent[order.ours].append(order.key)
    for ours, keys in sent.items():
        for key in keys[1:]:
            yield Finding(Kind.DUPLICATE, ours, f"{key} besides {keys[0]}")


def _of_venue_order(
    theirs: VenueOrder, by_key: Mapping[str, OurOrder], known: Mapping[str, OurOrder], strangers: Collection[str]
) -> Iterator[Finding]:
    linked = by_key.get(theirs.key)
    if linked is None:
        if theirs.ours or theirs.key not in strangers:
            state = known[theirs.ours].state if theirs.ours in known else "no row"
            shown = "shown as a stranger's" if theirs.key in strangers else "shown nowhere"
            yield Finding(Kind.LOST, theirs.key, f"sent for {theirs.ours or 'a stranger'} ({state}), {shown}")
        return
    if linked.client_id != theirs.ours:
        yield Finding(Kind.WRONG, theirs.key, f"is {theirs.ours or 'a stranger'}'s, linked to {linked.client_id}")
        return
    for name in ("instrument", "side", "quantity", "limit_price", "filled_quantity", "filled_amount"):
        if (said := getattr(linked, name)) != (true := getattr(theirs, name)):
            yield Finding(Kind.WRONG, linked.client_id, f"{name}: ours {said}, venue {true}")
    if linked.state not in ENDS[theirs.status] and linked.state not in lifecycle.UNRESOLVED:
        yield Finding(Kind.WRONG, linked.client_id, f"state: ours {linked.state}, venue {theirs.status}")


def _of_ours(order: OurOrder, keys: Collection[str]) -> Iterator[Finding]:
    if order.key and order.key not in keys:
        yield Finding(Kind.PHANTOM, order.client_id, f"{order.state} as {order.key}, which the venue never had")
    if not order.key and (order.state in WAS_THERE or order.filled_quantity):
        yield Finding(Kind.PHANTOM, order.client_id, f"{order.state} without a venue order")
    if order.state == OrderState.PENDING or order.state in lifecycle.UNRESOLVED:
        yield Finding(Kind.STUCK, order.client_id, order.state)


def _differing_holdings(account: BrokerAccount, truth: Truth) -> Iterator[Finding]:
    """Cash and units to the unit, what is reserved included; nothing is reserved where no order is open."""
    held = books.held(account)
    ours: dict[str, Decimal] = defaultdict(Decimal)
    for (bucket, asset), amount in held.items():
        if bucket in {ledger.AVAILABLE, ledger.RESERVED}:
            ours[asset] += amount
    theirs = {**truth.cash, **truth.units}
    for asset in sorted(ours.keys() | theirs.keys()):
        mine, true = ours.get(asset, Decimal(0)), theirs.get(asset, Decimal(0))
        if mine != true:
            yield Finding(Kind.BOOKS, asset, f"ours {mine}, venue {true}")
    if not Order.objects.filter(broker_account=account).open().exists():
        for (bucket, asset), amount in sorted(held.items()):
            if bucket == ledger.RESERVED and amount:
                yield Finding(Kind.BOOKS, asset, f"{amount} reserved for no open order")


def _as_ours(order: Order) -> OurOrder:
    return OurOrder(
        client_id=order.client_id,
        key=order.broker_order_key,
        instrument=order.instrument.key,
        side=order.side,
        quantity=order.quantity,
        limit_price=order.limit_price if order.collar_price is None else order.collar_price,  # what went out
        filled_quantity=order.filled_quantity,
        filled_amount=order.filled_amount,
        state=OrderState(order.state),
    )
