"""Our own protocols played by the book, so that a test says what the outside world does and sees what we did."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from brokers.errors import OutcomeUnknown
from brokers.models import BrokerAccount
from brokers.protocol import Abilities, CancelReply, Holdings, ListedOrder, OrderReport, OrderRequest, ReportStatus
from brokers.virtual.adapter import ABILITIES

ACCEPTED = OrderReport(ReportStatus.ACCEPTED)
CONFIRMED = CancelReply.CONFIRMED
NOTHING_HELD = Holdings({}, {})
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

    def submit(self, order: OrderRequest) -> OrderReport:
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
