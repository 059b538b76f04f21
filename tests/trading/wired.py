"""Accounts with a wire for tests: a practice account at a venue of ours, its books opened, time that can be moved back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Instrument
from tests import factories as make
from tests.fakes import VENUES, FakeVenue
from trading.dispatch import dispatch_once
from trading.limits import TABLE
from trading.models import AccountReading, BrokerOrder, Order, RiskLimit
from trading.reconcile import reconcile_once
from trading.services.ledger.audit import check_books
from trading.services.ordering import sending
from trading.services.running import leases


@dataclass
class Wired:
    """One practice account at one venue, read once: what is placed goes out, what is listed comes in."""

    venue: FakeVenue
    account: BrokerAccount
    instrument: Instrument
    fence: int

    def place(self, **asked: Any) -> Order:
        wish: dict[str, Any] = {"quantity": Decimal(10), "limit_price": Decimal(70_000)}
        return make.place(self.account, self.instrument, **wish | asked)

    def dispatch(self) -> int:
        return dispatch_once(self.fence, self.venue.opened)

    def read(self, times: int = 1) -> None:
        """Read the account, as often as asked, each time a minute after the last."""
        for number in range(times):
            if number:
                self.wait(timedelta(seconds=60))
            reconcile_once(self.fence, self.venue.opened, self.account)

    def send(self, **asked: Any) -> Order:
        order = self.place(**asked)
        self.dispatch()
        return make.fresh(order)

    def wait(self, duration: timedelta) -> None:
        """Let time pass: everything that has been written down happened that much earlier."""
        for order in Order.objects.filter(broker_account=self.account, sent_at__isnull=False):
            Order.objects.filter(pk=order.pk).update(
                sent_at=_earlier(order.sent_at, duration),
                lease_until=_earlier(order.lease_until, duration),
                last_clean_read_at=_earlier(order.last_clean_read_at, duration),
            )
        for reading in AccountReading.objects.filter(broker_account=self.account):
            AccountReading.objects.filter(pk=reading.pk).update(asked_at=reading.asked_at - duration)
        for row in BrokerOrder.objects.filter(broker_account=self.account):
            BrokerOrder.objects.filter(pk=row.pk).update(ordered_at=row.ordered_at - duration)
        self.venue.move_back(duration)

    def state(self, order: Order) -> str:
        return make.fresh(order).state

    def books_are_sound(self) -> None:
        assert check_books(self.account.pk).differences == ()


def make_wired(*reply: str | Exception, **venue: Any) -> Wired:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    fence = leases.acquire(sending.DISPATCH, make.HOLDER)
    assert fence is not None
    account = BrokerAccount.objects.create(
        user=make.make_user(), name="연습", broker="fake", environment=Environment.PAPER
    )
    lift_limits(account)
    wired = Wired(FakeVenue(*reply, **venue), account, instrument, fence)
    VENUES[account.pk] = wired.venue
    wired.read()
    return wired


def lift_limits(account: BrokerAccount) -> None:
    """As often and as much as one likes: it is the sending that is tried here."""
    values = {name: Decimal(0) if limit.higher_is_stricter else Decimal(10) ** 15 for name, limit in TABLE.items()}
    RiskLimit.objects.bulk_create(
        RiskLimit(scope="account", target=str(account.pk), name=name, value=value, since=account.created_at)
        for name, value in values.items()
    )


def _earlier(at: datetime | None, duration: timedelta) -> datetime | None:
    return None if at is None else at - duration
