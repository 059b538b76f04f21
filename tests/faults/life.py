"""An order's whole life at a venue that misbehaves, written so that it can be begun again wherever it was cut off.

Every wish has a key, and every step looks first whether it is done: whoever comes after a crash lives the same life again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.protocol import OrderType
from brokers.services import open_broker
from markets.models import Instrument
from markets.types import Side
from tests.faults.stage import PRICE
from tests.servers.control import TrueOrder
from trading import lifecycle, services
from trading.dispatch import dispatch_once
from trading.lifecycle import OrderState
from trading.models import Order, SwingPlan
from trading.reconcile import reconcile_once
from trading.services.ordering import sending
from trading.services.running import leases, system

BUY, PART = Decimal(10), Decimal(4)
MOST_TRIES = 12  # orders for one step, one after the other, as a plan gives them bar by bar
MOST_ROUNDS = 60
ROUND_SECONDS = 21.0  # of a clock that is moved, not waited for: a little more than lies between two reads that count


class Course(StrEnum):
    """Which life."""

    BUY = "buy"  # a limit order of a plan, filled in part, its rest canceled
    SELL = "sell"  # a market order, filled whole, of what the account held from the start
    REGRET = "regret"  # called back before it is sent


class Venue(Protocol):
    def orders(self, account: UUID | str | None = None) -> list[TrueOrder]: ...

    def fill(self, key: str, quantity: Decimal | int, price: Decimal | int) -> None: ...


@dataclass(slots=True)
class Life:
    """Who lives it, where, and how time passes there."""

    course: Course
    account: BrokerAccount
    instrument: Instrument
    plan: SwingPlan
    venue: Venue
    advance: Callable[[float], None]
    epoch: UUID | None = None  # given to this process when it first got the lease

    def live(self) -> None:
        """To its end, from wherever it was left."""
        match self.course:
            case Course.BUY:
                self._buy()
            case Course.SELL:
                self._sell()
            case Course.REGRET:
                self._think_better_of_it()

    def is_fulfilled(self) -> bool:
        """Whether it came to what it was lived for: an end that is merely sound proves little."""
        wanted: dict[Course, dict[str, Any]] = {
            Course.BUY: {"side": Side.BUY, "state": OrderState.CANCELED, "filled_quantity": PART},
            Course.SELL: {"side": Side.SELL, "state": OrderState.FILLED, "filled_quantity": BUY},
            Course.REGRET: {"side": Side.BUY, "state": OrderState.WITHDRAWN},
        }
        return Order.objects.filter(broker_account=self.account, **wanted[self.course]).count() == 1

    def settle(self, order: Order, until: Callable[[Order], bool]) -> Order:
        """Turn dispatch's wheel, time passing between the turns, until nothing is in doubt and `order` is as wanted.

        Gives up after half an hour of that time or so: the auditor sees what was left.
        """
        for _ in range(MOST_ROUNDS):
            self._turn()
            order = _fresh(order.pk)
            if until(order) and not self._waiting():
                break
            self.advance(self._until_next_look())
        return order

    def _until_next_look(self) -> float:
        """Seconds. Of an order in doubt nothing can be proven for a while: one look in that time is as good as many."""
        doubted = (
            Order.objects.filter(broker_account=self.account, state=OrderState.UNKNOWN).order_by("-sent_at").first()
        )
        if doubted is None or doubted.sent_at is None:
            return ROUND_SECONDS
        waited = (timezone.now() - doubted.sent_at).total_seconds()
        rest = open_broker(self.account).abilities.settle.total_seconds() - waited
        return max(rest, ROUND_SECONDS) if waited > ROUND_SECONDS else ROUND_SECONDS

    def _turn(self) -> None:
        """One round of what `manage.py dispatch` does."""
        fence = leases.acquire(sending.DISPATCH, leases.holder_name())
        if fence is None:
            return  # whoever held it is gone, and the time it has is not over
        self.epoch = self.epoch or system.advance_epoch()
        reconcile_once(fence, open_broker, self.account)
        dispatch_once(fence, open_broker, epoch=self.epoch)

    def _waiting(self) -> bool:
        orders = Order.objects.filter(broker_account=self.account)
        unsure = orders.filter(state__in=[*lifecycle.UNRESOLVED, OrderState.PENDING])
        return unsure.exists() or orders.working().filter(cancel_requested=True).exists()

    def _buy(self) -> None:
        order = self._until_there("buy", Side.BUY, BUY, PRICE)
        if order.state in lifecycle.WORKING:
            self._fill(order, PART)
            order = self.settle(order, lambda known: known.filled_quantity >= PART)
            if order.is_open and not order.cancel_requested:
                services.cancel_order(self.account.user, order.pk)
            self.settle(order, lambda known: not known.is_open)

    def _sell(self) -> None:
        order = self._until_there("sell", Side.SELL, BUY, None)
        if order.state in lifecycle.WORKING:
            self._fill(order, BUY)
            self.settle(order, lambda known: not known.is_open)

    def _fill(self, order: Order, quantity: Decimal) -> None:
        """Let the venue fill so much in all: our books may not have heard yet of what a process before us saw filled."""
        there = next(true for true in self.venue.orders(self.account.pk) if true.key == order.broker_order_key)
        if there.status == "working" and there.filled_quantity < quantity:
            self.venue.fill(there.key, quantity - there.filled_quantity, PRICE)

    def _think_better_of_it(self) -> None:
        self._read_first()
        order = self._place("regret", Side.BUY, BUY, PRICE)
        if order.state == OrderState.PENDING:
            services.cancel_order(self.account.user, order.pk)

    def _until_there(self, name: str, side: Side, quantity: Decimal, price: Decimal | None) -> Order:
        """Order until one rests at the venue or has been filled. One that ended without a fill is followed by another."""
        self._read_first()
        for number in range(MOST_TRIES):
            order = self._place(f"{name}-{number}", side, quantity, price)
            order = self.settle(order, lambda known: known.state != OrderState.PENDING)
            if order.state in lifecycle.WORKING or order.filled_quantity:
                break
        return order

    def _read_first(self) -> None:
        """An account is read before it can trade: its books open with what the broker says it holds."""
        while not self.account.balances.exists():
            self._turn()
            self.advance(ROUND_SECONDS)

    def _place(self, name: str, side: Side, quantity: Decimal, price: Decimal | None) -> Order:
        step = 1 if side is Side.BUY else None
        return services.place_order(
            user=self.account.user,
            broker_account=self.account,
            instrument=self.instrument,
            side=side,
            quantity=quantity,
            order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
            limit_price=price,
            client_key=f"{self.account.pk}:{name}",
            plan=SwingPlan.objects.get(pk=self.plan.pk) if step else None,
            step=step,
        )


def _fresh(order_id: UUID) -> Order:
    return Order.objects.select_related("instrument").get(pk=order_id)
