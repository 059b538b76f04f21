"""Dispatch, round after round: one slow account holds up nobody else, and a process ends when it is asked to."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.protocol import Broker, Environment, MaySend, OrderReport, OrderRequest, always
from brokers.virtual.adapter import VirtualBroker
from tests import factories as make
from tests.fakes import VENUES, FakeVenue
from tests.trading.wired import Wired, lift_limits, make_wired
from trading.models import System
from trading.rounds import Rounds
from trading.services.ordering import sending
from trading.services.running import leases
from trading.services.running.couriers import Couriers
from trading.services.running.leases import LeaseLost
from trading.services.running.system import ReleaseSuperseded

transactional = pytest.mark.django_db(transaction=True)


class SlowVenue(FakeVenue):
    """Takes an order and answers once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.has_order, self.may_answer = threading.Event(), threading.Event()

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        self.has_order.set()
        assert self.may_answer.wait(30)
        return super().submit(order, may_send)


def hold_lease() -> int:
    fence = leases.acquire(sending.DISPATCH, make.HOLDER)
    assert fence is not None
    return fence


def another(wired: Wired, venue: FakeVenue, name: str) -> Wired:
    account = BrokerAccount.objects.create(
        user=make.make_user(), name=name, broker="fake", environment=Environment.PAPER
    )
    lift_limits(account)
    VENUES[account.pk] = venue
    other = Wired(venue, account, wired.instrument, wired.fence)
    other.read()
    return other


def opener(*wired: Wired) -> Callable[[BrokerAccount], Broker]:
    venues: dict[UUID, FakeVenue] = {each.account.pk: each.venue for each in wired}
    return lambda account: venues.get(account.pk) or VirtualBroker()


@transactional
def test_one_slow_account_holds_up_nobody_else() -> None:
    quick = make_wired()
    slow = another(quick, SlowVenue(), "느린 계좌")
    assert isinstance(slow.venue, SlowVenue)
    virtual = make.make_account(make.make_user())
    stuck = slow.place()
    couriers = Couriers()
    rounds = Rounds(couriers, timezone.now, opener(quick, slow))
    rounds.turn(quick.fence)
    assert slow.venue.has_order.wait(30)
    orders = [quick.place(), make.place(virtual, quick.instrument)]
    try:
        rounds.turn(quick.fence)
        rounds.turn(quick.fence)  # the slow one is not asked again meanwhile
        wait_until(lambda: [make.fresh(order).state for order in orders] == ["accepted", "accepted"])
        assert make.fresh(stuck).state == "submitted"
    finally:
        slow.venue.may_answer.set()
        assert couriers.wait(30)
    assert (make.fresh(stuck).state, slow.venue.sent) == ("accepted", [stuck.pk])


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        threading.Event().wait(0.05)
    pytest.fail("it never came to hold")


@transactional
def test_a_round_reads_what_is_due_and_then_sends() -> None:
    """I15: the newcomer's first round reads, and what waited goes out in the same one."""
    wired = make_wired()
    order = wired.place()
    couriers = Couriers()
    Rounds(couriers, timezone.now, opener(wired)).turn(wired.fence)
    assert couriers.wait(30)
    assert wired.state(order) == "accepted"


@pytest.mark.django_db
def test_a_virtual_order_goes_out_within_the_round() -> None:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    account = make.make_account(make.make_user())
    order = make.place(account, instrument, quantity=Decimal(1))
    assert Rounds(Couriers(), timezone.now).turn(hold_lease()) == 1
    assert make.fresh(order).state == "accepted"


@pytest.mark.django_db
def test_a_round_ends_when_the_lease_must_be_renewed_and_the_next_goes_on() -> None:
    """I4: accounts beyond number must not cost the lease; each round serves one at least."""
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    orders = [make.place(make.make_account(make.make_user()), instrument) for _ in range(3)]
    rounds, fence = Rounds(Couriers(), timezone.now), hold_lease()
    served = []
    for _ in orders:
        assert rounds.turn(fence, lambda: False) == 1
        served.append([make.fresh(order).state for order in orders].count("accepted"))
    assert served == [1, 2, 3]


@transactional
def test_a_courier_that_learns_of_newer_code_ends_the_loop() -> None:
    """I49."""
    wired = make_wired()
    order = wired.place()
    System.objects.update(release="newer")
    couriers = Couriers()
    rounds = Rounds(couriers, timezone.now, opener(wired))
    rounds.turn(wired.fence)
    assert couriers.wait(30)
    with pytest.raises(ReleaseSuperseded):
        rounds.turn(wired.fence)
    assert (wired.state(order), wired.venue.sent) == ("pending", [])


@pytest.mark.django_db
def test_a_round_that_may_not_send_says_so() -> None:
    """I50: the dispatcher then looks whether its database was replaced under it."""
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    order = make.place(make.make_account(make.make_user()), instrument)
    System.objects.update(armed=False)
    rounds = Rounds(Couriers(), timezone.now)
    assert rounds.turn(hold_lease()) == 0
    assert (rounds.is_disarmed, make.fresh(order).state) == (True, "pending")


@transactional
def test_an_account_has_one_courier_and_all_of_them_are_bounded() -> None:
    couriers, go = Couriers(most=2), threading.Event()
    accounts = [uuid4() for _ in range(3)]

    def work() -> None:
        go.wait(30)

    began = [couriers.start(each, work) for each in (accounts[0], accounts[0], accounts[1], accounts[2])]
    assert (began, couriers.is_busy(accounts[0])) == ([True, False, True, False], True)
    assert not couriers.wait(0.01)
    go.set()
    assert couriers.wait(30)
    assert couriers.start(accounts[0], lambda: None)
    assert couriers.wait(30)


@transactional
@pytest.mark.parametrize("failure", [LeaseLost(), ValueError("a bug")])
def test_a_courier_that_fails_takes_nobody_with_it(failure: Exception) -> None:
    couriers, account = Couriers(), uuid4()

    def fail() -> Any:
        raise failure

    assert couriers.start(account, fail)
    assert couriers.wait(30)
    couriers.raise_superseded()
    assert not couriers.is_busy(account)
