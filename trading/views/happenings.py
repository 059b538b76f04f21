"""The latest that happened to a person's orders and plans, of several kinds, newest first. Times are market time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.models import User
from brokers.models import BrokerAccount
from trading.lifecycle import OrderState
from trading.models import Fill, Order, SignalStep
from trading.models.plans import SIGNAL_LABELS

FILLS_OF_AN_ORDER = 4  # read, for each line shown
ENDED_OTHERWISE = sorted(
    [
        OrderState.DENIED,
        OrderState.REJECTED,
        OrderState.NOT_PLACED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
        OrderState.WITHDRAWN,
    ]
)


@dataclass(frozen=True, slots=True)
class Happening:
    """One of: an order's fills, one upon the other, a SIGNAL that moved, an order that ended otherwise."""

    at: datetime
    order: Order
    filled: Decimal | None = None
    amount: Decimal = Decimal(0)
    step: SignalStep | None = None

    @property
    def kind(self) -> str:
        return "fill" if self.filled else "step" if self.step else "order"

    @property
    def price(self) -> Decimal | None:
        """What the fills cost on average, per unit."""
        return self.amount / self.filled if self.filled else None

    @property
    def signal_label(self) -> str:
        return "" if self.step is None else str(SIGNAL_LABELS[self.step.to_signal])


def latest(user: User, most: int, account: BrokerAccount | None = None) -> list[Happening]:
    """At most `most` of them, in three queries; of one account where it is named."""
    accounts = BrokerAccount.objects.for_user(user) if account is None else [account]
    fills = Fill.objects.filter(broker_account__in=accounts).select_related("order__instrument")
    steps = SignalStep.objects.filter(plan__broker_account__in=accounts).select_related("plan", "order__instrument")
    orders = Order.objects.for_user(user).filter(broker_account__in=accounts, state__in=ENDED_OTHERWISE)
    ended = orders.exclude(finished_at=None).select_related("instrument")
    found = [
        *_by_order(fills.order_by("-id")[: most * FILLS_OF_AN_ORDER]),
        *(Happening(step.at, step.order, step=step) for step in steps.order_by("-id")[:most]),
        *(Happening(o.finished_at, o) for o in ended.order_by("-created_at")[:most] if o.finished_at),
    ]
    return sorted(found, key=lambda happening: happening.at, reverse=True)[:most]


def _by_order(fills: Iterable[Fill]) -> Iterable[Happening]:
    """Each order once, at its newest fill."""
    found: dict[object, list[Fill]] = {}
    for fill in fills:
        found.setdefault(fill.order_id, []).append(fill)
    for of_order in found.values():
        filled = sum((fill.quantity for fill in of_order), Decimal(0))
        amount = sum((fill.amount for fill in of_order), Decimal(0))
        yield Happening(of_order[0].at, of_order[0].order, filled, amount)
