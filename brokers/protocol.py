"""What every brokerage looks like to Kairos. One adapter per folder implements `Broker`; its dialect stops at its `mapping`.

What venues differ in is data (`Abilities`); the code that sends and settles asks that, never for a broker's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from markets.off_hours import OffHours
from markets.types import Side


class Environment(StrEnum):
    """Whose money an account moves. It belongs to the account row; host, token and page colour follow from it."""

    VIRTUAL = "virtual"  # our own book-keeping, no broker
    PAPER = "paper"  # a broker's practice server
    LIVE = "live"  # real money


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"  # a market order once the price has reached `stop_price`


class TimeInForce(StrEnum):
    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"  # what does not fill at once is canceled
    FOK = "fok"  # all of it at once, or nothing


class Division(StrEnum):
    """How a venue takes an order besides its type: at which price that we do not name, or outside the regular session."""

    PLAIN = "plain"
    CONDITIONAL = "conditional"  # a limit that becomes a market order in the closing auction
    BEST = "best"  # a limit at the best price of the other side as it arrives
    FIRST = "first"  # a limit at the best price of its own side as it arrives
    PRE_OPEN = "pre_open"  # before the open, at the close of the day before
    POST_CLOSE = "post_close"  # after the close, at the day's close
    AFTER = "after"  # a limit in the after-market
    AFTER_BEST = "after_best"
    AFTER_FIRST = "after_first"
    OTHER = "other"  # only in a broker's list: one that we do not send


class ReportStatus(StrEnum):
    """What a broker said about one order. Doubt is not a status: it is raised as `OutcomeUnknown`."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"


class CancelReply(StrEnum):
    """What a broker said when asked to withdraw an order. Only its order list says what became of the order."""

    CONFIRMED = "confirmed"  # the rest is withdrawn, and this venue's word for it is final
    TAKEN = "taken"  # the wish was taken; look at the list
    REFUSED = "refused"  # very often it has just filled: look at the list, do not ask again and again


@dataclass(frozen=True, slots=True)
class Form:
    """What an order of one division is made of. `hours`: outside the regular session, when; None: in it."""

    order_type: OrderType
    times_in_force: frozenset[TimeInForce] = frozenset({TimeInForce.DAY})
    hours: OffHours | None = None


_AT_ONCE_TOO = frozenset({TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK})
# A market order is one that names no price: who chooses it is the venue. Every other type and time is for plain orders.
FORMS: Mapping[Division, Form] = MappingProxyType(
    {
        Division.CONDITIONAL: Form(OrderType.LIMIT),
        Division.BEST: Form(OrderType.MARKET, _AT_ONCE_TOO),
        Division.FIRST: Form(OrderType.MARKET),
        Division.PRE_OPEN: Form(OrderType.MARKET, hours=OffHours.PRE_OPEN),
        Division.POST_CLOSE: Form(OrderType.MARKET, hours=OffHours.POST_CLOSE),
        Division.AFTER: Form(OrderType.LIMIT, _AT_ONCE_TOO, OffHours.AFTER),
        Division.AFTER_BEST: Form(OrderType.MARKET, _AT_ONCE_TOO, OffHours.AFTER),
        Division.AFTER_FIRST: Form(OrderType.MARKET, hours=OffHours.AFTER),
    }
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a venue can and cannot do (reliability.md §3.5): it drives sending, settling and cancelling.

    An order is proven never to have arrived by `reads_needed` complete reads of the order list without it, at least
    `read_spacing` apart, the last at least `settle` after sending, each with a positive control: it showed an order known
    to be there, or cash and holdings that had not moved.
    """

    client_order_id: bool  # the venue keeps our id and can be asked by it
    order_types: frozenset[OrderType]  # a stop it lacks is held by us until its price comes
    times_in_force: frozenset[TimeInForce]
    divisions: frozenset[Division] = frozenset({Division.PLAIN})
    has_wire: bool = True  # False: our own book-keeping, which cannot be in doubt
    settle: timedelta = timedelta(seconds=120)
    reads_needed: int = 3
    read_spacing: timedelta = timedelta(seconds=20)
    clock_skew: timedelta = timedelta(seconds=5)  # a listed order's time may lie this much before our sending


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """Our instruction, in our words. `client_id` is stable: the same order asked twice carries the same one."""

    id: UUID
    client_id: str
    instrument: str  # "KRX:005930"
    side: Side
    quantity: Decimal
    order_type: OrderType  # what the venue is sent: a stop held by us goes out as a market order
    limit_price: Decimal | None  # None: market
    time_in_force: TimeInForce
    claimed_at: datetime  # when the right to send it began: a venue whose requests have a life signs this moment
    division: Division = Division.PLAIN


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
    synthetic: bool = False  # worked out from cumulative totals, not told one by one


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What a broker told us about one order at one moment. `raw` is the answer as it came, secrets stripped.

    `retryable` belongs to a rejection: it proves that nothing reached the book, and asking again later may succeed.
    """

    status: ReportStatus
    broker_order_key: str = ""
    fills: tuple[FillReport, ...] = ()
    reason: str = ""
    raw: dict[str, str] = field(default_factory=dict)
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """One row of a broker's order list, ours or not, with its running totals.

    `filled_amount` is the money of all its fills so far. `fills` are the executions one by one, from venues that tell them
    with ids of their own; empty where only totals are told, and then fills are worked out from how the totals grew.
    """

    key: str  # unique within the account for ever, e.g. trading day + branch + number
    client_id: str  # '' where the venue has none, or a stranger's
    instrument: str
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None
    ordered_at: datetime  # venue time
    status: ReportStatus
    filled_quantity: Decimal = Decimal(0)
    filled_amount: Decimal = Decimal(0)
    fills: tuple[FillReport, ...] = ()
    reason: str = ""
    raw: dict[str, str] = field(default_factory=dict)
    division: Division = Division.PLAIN


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the broker says an account has now: cash by currency, units and their average price by instrument key.

    `cash` is the money itself, before anything is set aside for orders, where the venue tells it. `spendable` is what is left
    of cash and units once orders at work have set theirs aside, by currency and instrument key, where the venue tells that
    too: it moves as soon as an order rests, cash and units only when one fills.
    """

    cash: dict[str, Decimal]
    units: dict[str, Decimal]
    average_price: dict[str, Decimal] = field(default_factory=dict)
    spendable: dict[str, Decimal] = field(default_factory=dict)


MaySend = Callable[[], bool]  # whether the right to send still lasts


def always() -> bool:
    """The right to send what harms nobody when it is late: a question, a cancel."""
    return True


class Broker(Protocol):
    """One brokerage login. Every method may raise `brokers.errors.OutcomeUnknown` or, for reads, `ReadIncomplete`."""

    @property
    def abilities(self) -> Abilities: ...

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        """Send an order once: no retry, no redirect, and only if `may_send` says so just before the first byte leaves.

        Raises NotSent where nothing can have left, OutcomeUnknown where the order may or may not have arrived.
        """
        ...

    def cancel(self, order: OrderRequest, broker_order_key: str) -> CancelReply:
        """Ask for the rest of an order to be withdrawn; fills so far stand."""
        ...

    def orders(self, since: datetime) -> list[ListedOrder]:
        """Every order of the account since `since`, to the list's end. Raises ReadIncomplete rather than return a part."""
        ...

    def find(self, order: OrderRequest) -> ListedOrder | None:
        """The order by our id, where the venue keeps it; None says "not found", which once is no proof."""
        ...

    def holdings(self) -> Holdings:
        """Cash and units as the broker counts them. Raises ReadIncomplete."""
        ...
