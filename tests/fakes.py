"""Our own protocols played by the book, so that a test says what the outside world does and sees what we did."""

from collections.abc import Sequence
from uuid import UUID

from brokers.errors import OutcomeUnknown
from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, OrderRequest, ReportStatus

ACCEPTED = OrderReport(ReportStatus.ACCEPTED)
CANCELED = OrderReport(ReportStatus.CANCELED, reason="canceled_by_person")
REJECTED = OrderReport(ReportStatus.REJECTED, reason="market_closed")

Answer = OrderReport | BaseException | None


class FakeBroker:
    """A `Broker` that answers as told and remembers what it was asked.

    `answer`, `canceled` and `found` are what it says to submit, cancel and find: one answer for ever, or one after the
    other, the last for ever. An exception is raised; None is a time-out for submit and cancel, "nothing proven" for find.
    """

    def __init__(
        self,
        answer: Answer | Sequence[Answer] = ACCEPTED,
        *,
        canceled: Answer | Sequence[Answer] = CANCELED,
        found: Answer | Sequence[Answer] = None,
    ) -> None:
        self._answers = {"submit": _script(answer), "cancel": _script(canceled), "find": _script(found)}
        self.sent: list[UUID] = []
        self.cancels: list[UUID] = []
        self.looked_for: list[UUID] = []

    def submit(self, order: OrderRequest) -> OrderReport:
        self.sent.append(order.id)
        return self._certain("submit")

    def cancel(self, order: OrderRequest, broker_order_key: str) -> OrderReport:
        self.cancels.append(order.id)
        return self._certain("cancel")

    def find(self, order: OrderRequest) -> OrderReport | None:
        self.looked_for.append(order.id)
        return self._next("find")

    def opened(self, _account: BrokerAccount) -> "FakeBroker":
        """For `open_account`: every account is served by this one."""
        return self

    def _certain(self, verb: str) -> OrderReport:
        answer = self._next(verb)
        if answer is None:
            raise OutcomeUnknown("timed out")
        return answer

    def _next(self, verb: str) -> OrderReport | None:
        script = self._answers[verb]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _script(answers: Answer | Sequence[Answer]) -> list[Answer]:
    return list(answers) if isinstance(answers, Sequence) else [answers]


class Crash(BaseException):
    """The process dies here: nothing of ours can catch it."""
