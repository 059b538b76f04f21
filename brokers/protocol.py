"""What every brokerage looks like to Kairos. One adapter per folder implements `Broker`; its dialect stops at its `mapping`."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from markets.types import Side


class Environment(StrEnum):
    """Whose money an account moves. It belongs to the account row; host, token and page colour follow from it."""

    VIRTUAL = "virtual"  # our own book-keeping, no broker
    PAPER = "paper"  # a broker's practice server
    LIVE = "live"  # real money


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    DAY = "day"
    GTC = "gtc"


class ReportStatus(StrEnum):
    """What a broker said about one order. Doubt is not a status: it is raised as `OutcomeUnknown`."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """Our instruction, in our words. `client_id` is stable: the same order asked twice carries the same one."""

    id: UUID
    client_id: str
    instrument: str  # "KRX:005930"
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None  # None: market
    time_in_force: TimeInForce


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution. `key` is unique within the broker account, so the same fill told twice is booked once."""

    key: str
    quantity: Decimal
    price: Decimal
    amount: Decimal  # price × quantity as the broker books it, in the instrument's currency; so are fee and tax
    fee: Decimal
    tax: Decimal
    at: datetime  # venue time
    pricing: str = ""  # how a virtual fill was priced, e.g. "ask 71,200 + 0 tick"


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What a broker told us about one order at one moment. `raw` is the answer as it came, secrets stripped."""

    status: ReportStatus
    broker_order_key: str = ""
    fills: tuple[FillReport, ...] = ()
    reason: str = ""
    raw: dict[str, str] = field(default_factory=dict)


class Broker(Protocol):
    """One brokerage login. Raises `brokers.errors.OutcomeUnknown` when an order may or may not have arrived."""

    def submit(self, order: OrderRequest) -> OrderReport:
        """Send an order once: no retry, no redirect."""
        ...

    def cancel(self, order: OrderRequest, broker_order_key: str) -> OrderReport:
        """Ask for the rest of an order to be withdrawn; fills so far stand."""
        ...

    def find(self, order: OrderRequest) -> OrderReport | None:
        """What became of an order in doubt; None while the broker's answer proves nothing either way."""
        ...
