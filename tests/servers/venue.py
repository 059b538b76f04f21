"""The words of the venue in memory: what it is asked, what its book and accounts hold. No wire, no clock."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from markets.types import Side

SEOUL = ZoneInfo("Asia/Seoul")
BRANCH = "00950"
ZERO = Decimal(0)
WORKING = "working"


class Refusal(Exception):
    """The venue says no, and nothing reached its book. `code` is what it answers."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Policy:
    """How orders that could trade do so: whole at once, in `parts` that are `pace_seconds` apart, or never."""

    parts: int = 1  # 0: never
    pace_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as the venue was asked for it. `our_id` is the checkers' link to who asked; the venue never tells it."""

    account: str
    instrument: str
    side: Side
    quantity: Decimal
    type: str  # "market", "limit"
    limit_price: Decimal | None
    time_in_force: str  # "day", "gtc", "ioc"
    client_id: str = ""
    our_id: str = ""


@dataclass(slots=True)
class Execution:
    id: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    fee: Decimal
    tax: Decimal
    at: datetime


@dataclass(slots=True)
class VenueOrder:
    number: int
    asked: Asked
    at: datetime
    policy: Policy
    status: str = WORKING  # or "filled", "canceled", "expired"
    executions: list[Execution] = field(default_factory=list)

    @property
    def day(self) -> str:
        return f"{self.at.astimezone(SEOUL):%Y%m%d}"

    @property
    def key(self) -> str:
        return f"{self.day}-{BRANCH}-{self.number:010d}"

    @property
    def filled(self) -> Decimal:
        return sum((each.quantity for each in self.executions), ZERO)

    @property
    def amount(self) -> Decimal:
        return sum((each.amount for each in self.executions), ZERO)

    @property
    def rest(self) -> Decimal:
        return self.asked.quantity - self.filled

    def needs(self) -> tuple[Decimal, Decimal]:
        """Cash and units set aside for the rest, while it works."""
        if self.status != WORKING:
            return ZERO, ZERO
        return (
            (self.rest * (self.asked.limit_price or ZERO), ZERO) if self.asked.side == Side.BUY else (ZERO, self.rest)
        )


@dataclass(slots=True)
class Account:
    cash: Decimal
    units: dict[str, Decimal] = field(default_factory=dict)
    cost: dict[str, Decimal] = field(default_factory=dict)
    currency: str = "KRW"
    list_hidden_until: datetime | None = None


def order_data(order: VenueOrder) -> dict[str, Any]:
    """One order with all the venue knows, numbers as strings."""
    asked = order.asked
    return {
        "key": order.key,
        "account": asked.account,
        "our_id": asked.our_id,
        "client_id": asked.client_id,
        "instrument": asked.instrument,
        "side": asked.side.value,
        "quantity": plain(asked.quantity),
        "type": asked.type,
        "limit_price": None if asked.limit_price is None else plain(asked.limit_price),
        "time_in_force": asked.time_in_force,
        "at": order.at.isoformat(),
        "status": order.status,
        "filled_quantity": plain(order.filled),
        "filled_amount": plain(order.amount),
        "executions": [
            {
                "id": each.id,
                "quantity": plain(each.quantity),
                "price": plain(each.price),
                "amount": plain(each.amount),
                "fee": plain(each.fee),
                "tax": plain(each.tax),
                "at": each.at.isoformat(),
            }
            for each in order.executions
        ],
    }


def account_data(account: Account) -> dict[str, Any]:
    return {
        "cash": plain(account.cash),
        "units": {instrument: plain(quantity) for instrument, quantity in account.units.items() if quantity},
        "currency": account.currency,
    }


def plain(number: Decimal) -> str:
    return format(number, "f")
