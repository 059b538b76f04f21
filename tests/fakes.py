"""Our own protocols played by the book, so that a test says what the outside world does and sees what we did."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.conf import settings

from brokers.errors import BrokerNotConfigured, LiveTradingOff, OutcomeUnknown
from brokers.models import BrokerAccount
from brokers.protocol import (
    Abilities,
    CancelReply,
    Environment,
    Holdings,
    ListedOrder,
    MaySend,
    OrderReport,
    OrderRequest,
    OrderType,
    ReportStatus,
    TimeInForce,
    always,
)
from brokers.reducing import Reducing
from brokers.virtual.adapter import ABILITIES
from markets.types import Side

ACCEPTED = OrderReport(ReportStatus.ACCEPTED)
CONFIRMED = CancelReply.CONFIRMED
NOTHING_HELD = Holdings({}, {})
WIRED = Abilities(  # a venue that keeps no id of ours
    client_order_id=False,
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
    times_in_force=frozenset(TimeInForce),
)
WIRED_WITH_ID = replace(WIRED, client_order_id=True)
REJECTED = OrderReport(ReportStatus.REJECTED, reason="market_closed")

Answer = OrderReport | CancelReply | ListedOrder | BaseException | None


class FakeBroker:
    """A `Broker` that answers as told and remembers what it was asked.

    `answer`, `canceled` and `found` are what it says to submit, cancel and find: one answer for ever, or one after the
    other, the last for ever. An exception is raised; None is a time-out for submit and cancel, "nothing proven" for find.
    """

    def __init__(
        self,
        answer: Answer | Sequence[Answer] = ACCEPTED,
        *,
        canceled: Answer | Sequence[Answer] = CONFIRMED,
        found: Answer | Sequence[Answer] = None,
        abilities: Abilities = ABILITIES,
        listed: Sequence[ListedOrder] | Exception = (),
        holdings: Holdings | Exception = NOTHING_HELD,
    ) -> None:
        self.abilities = abilities
        self.listed = listed
        self.told_holdings = holdings
        self._answers = {"submit": _script(answer), "cancel": _script(canceled), "find": _script(found)}
        self.sent: list[UUID] = []
        self.cancels: list[UUID] = []
        self.looked_for: list[UUID] = []

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        self.sent.append(order.id)
        answer = self._certain("submit")
        assert isinstance(answer, OrderReport)
        return answer

    def cancel(self, order: OrderRequest, broker_order_key: str) -> CancelReply:
        self.cancels.append(order.id)
        answer = self._certain("cancel")
        assert isinstance(answer, CancelReply)
        return answer

    def orders(self, since: datetime) -> list[ListedOrder]:
        if isinstance(self.listed, Exception):
            raise self.listed
        return list(self.listed)

    def find(self, order: OrderRequest) -> ListedOrder | None:
        self.looked_for.append(order.id)
        answer = self._next("find")
        if isinstance(answer, OrderReport):
            return listed_as(order, answer)
        assert answer is None or isinstance(answer, ListedOrder)
        return answer

    def holdings(self) -> Holdings:
        if isinstance(self.told_holdings, Exception):
            raise self.told_holdings
        return self.told_holdings

    def opened(self, _account: BrokerAccount) -> "FakeBroker":
        """For `open_account`: every account is served by this one."""
        return self

    def _certain(self, verb: str) -> OrderReport | CancelReply | ListedOrder:
        answer = self._next(verb)
        if answer is None:
            raise OutcomeUnknown("timed out")
        return answer

    def _next(self, verb: str) -> OrderReport | CancelReply | ListedOrder | None:
        script = self._answers[verb]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


class FakeVenue:
    """A real broker's account by the book: what arrived is in its list, what filled has moved its cash and units.

    `reply` says what each submit answers, one after the other, the last for ever: "accepted", "lost" (it arrived, the reply
    did not), "vanished" (it never arrived), "refused", or an exception to raise before anything arrives. `reading` raises on
    every question while it is an exception. It charges nothing: brokers differ, and tests of costs stand elsewhere.
    """

    def __init__(
        self,
        *reply: str | Exception,
        abilities: Abilities = WIRED,
        cash: int = 10_000_000,
        units: dict[str, int] | None = None,
        canceled: CancelReply = CancelReply.TAKEN,
    ) -> None:
        self.abilities = abilities
        self.reply = list(reply or ("accepted",))
        self.reading: Exception | None = None
        self.lists_nothing = False  # though it finds by id
        self.hides: Callable[[ListedOrder], bool] = lambda _row: False
        self.canceled = canceled
        self.cash = Decimal(cash)
        self.units = {key: Decimal(count) for key, count in (units or {}).items()}
        self.rows: dict[str, ListedOrder] = {}
        self.sent: list[UUID] = []
        self.cancels: list[str] = []
        self.asked_since: list[datetime] = []

    def opened(self, _account: BrokerAccount) -> "FakeVenue":
        """For `open_account`."""
        return self

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        self.sent.append(order.id)
        answer = self.reply.pop(0) if len(self.reply) > 1 else self.reply[0]
        if isinstance(answer, Exception):
            raise answer
        if answer == "refused":
            return OrderReport(ReportStatus.REJECTED, reason="no_cash")
        if answer == "vanished":
            raise OutcomeUnknown("timed out")
        row = self.arrive(order)
        if answer == "lost":
            raise OutcomeUnknown("timed out")
        return OrderReport(ReportStatus.ACCEPTED, row.key)

    def arrive(self, order: OrderRequest, late: timedelta = timedelta(0)) -> ListedOrder:
        """The order is in the book, so much after it was claimed."""
        client_id = order.client_id if self.abilities.client_order_id else ""
        at = order.claimed_at + late
        row = self.list_order(order.instrument, order.side, order.quantity, order.limit_price, at, client_id=client_id)
        self.rows[row.key] = replace(row, division=order.division)
        return self.rows[row.key]

    def list_order(
        self,
        instrument: str,
        side: Side,
        quantity: Decimal | int,
        limit_price: Decimal | int | None,
        at: datetime,
        *,
        client_id: str = "",
    ) -> ListedOrder:
        """Somebody's order, ours or a stranger's."""
        key = f"{at:%Y%m%d}-{len(self.rows) + 1:04}"
        order_type = OrderType.MARKET if limit_price is None else OrderType.LIMIT
        limit = None if limit_price is None else Decimal(limit_price)
        row = ListedOrder(
            key, client_id, instrument, side, Decimal(quantity), order_type, limit, at, ReportStatus.ACCEPTED
        )
        self.rows[key] = row
        return row

    def fill(self, key: str, quantity: Decimal | int, price: Decimal | int) -> None:
        """One more execution: only totals are told of it."""
        row, size = self.rows[key], Decimal(quantity)
        filled, amount = row.filled_quantity + size, row.filled_amount + size * Decimal(price)
        self.rows[key] = replace(row, filled_quantity=filled, filled_amount=amount)
        sign = 1 if row.side is Side.BUY else -1
        self.cash -= sign * size * Decimal(price)
        self.units[row.instrument] = self.units.get(row.instrument, Decimal(0)) + sign * size

    def end(self, key: str, status: ReportStatus) -> None:
        self.rows[key] = replace(self.rows[key], status=status)

    def move_back(self, duration: timedelta) -> None:
        """Everything in the list happened that much earlier."""
        self.rows = {key: replace(row, ordered_at=row.ordered_at - duration) for key, row in self.rows.items()}

    def cancel(self, order: OrderRequest, broker_order_key: str) -> CancelReply:
        self.cancels.append(broker_order_key)
        if self.canceled is not CancelReply.REFUSED:
            self.end(broker_order_key, ReportStatus.CANCELED)
        return self.canceled

    def orders(self, since: datetime) -> list[ListedOrder]:
        self.asked_since.append(since)
        if self.reading is not None:
            raise self.reading
        shown = [] if self.lists_nothing else self.rows.values()
        return [row for row in shown if row.ordered_at >= since and not self.hides(row)]

    def find(self, order: OrderRequest) -> ListedOrder | None:
        if self.reading is not None:
            raise self.reading
        found = [row for row in self.rows.values() if row.client_id == order.client_id and not self.hides(row)]
        return found[0] if found else None

    def holdings(self) -> Holdings:
        if self.reading is not None:
            raise self.reading
        held = {key: count for key, count in self.units.items() if count}
        return Holdings({"KRW": self.cash}, held, {key: Decimal(70_000) for key in held})


VENUES: dict[UUID, FakeVenue] = {}  # by account


def open_venue(account: BrokerAccount) -> FakeVenue:
    """The adapter of accounts whose broker is "fake"; like any, it opens no live one that may not trade."""
    if account.environment == Environment.LIVE and not settings.LIVE_TRADING:
        raise LiveTradingOff("LIVE_TRADING is off")
    return _venue_of(account)


def open_venue_to_reduce(account: BrokerAccount) -> Reducing:
    return Reducing(_venue_of(account))


def _venue_of(account: BrokerAccount) -> FakeVenue:
    try:
        return VENUES[account.pk]
    except KeyError:
        raise BrokerNotConfigured("no venue was made for this account") from None


def listed_as(order: OrderRequest, report: OrderReport, **fields: Any) -> ListedOrder:
    """The row of the broker's list that stands for `order` once the broker has told `report` about it."""
    row: dict[str, Any] = {
        "key": report.broker_order_key or f"F-{order.client_id}",
        "client_id": order.client_id,
        "instrument": order.instrument,
        "side": order.side,
        "quantity": order.quantity,
        "order_type": order.order_type,
        "limit_price": order.limit_price,
        "ordered_at": order.claimed_at,
        "status": report.status,
        "filled_quantity": sum((fill.quantity for fill in report.fills), Decimal(0)),
        "filled_amount": sum((fill.amount for fill in report.fills), Decimal(0)),
        "fills": report.fills,
        "reason": report.reason,
    }
    return ListedOrder(**row | fields)


def _script(answers: Answer | Sequence[Answer]) -> list[Answer]:
    return list(answers) if isinstance(answers, list | tuple) else [cast("Answer", answers)]


class Crash(BaseException):
    """The process dies here: nothing of ours can catch it."""
