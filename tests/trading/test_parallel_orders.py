"""Many at once: thirty-two buyers with cash for one, and the same key from everywhere (I18, I23). Each in a thread of its own."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from queue import SimpleQueue
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, OrderType, ReportStatus
from markets.models import Instrument
from markets.types import Interval, Side
from strategies.library.swing import DEFAULT_SWING
from tests import factories as make
from tests.fakes import ACCEPTED, FakeBroker
from trading import services
from trading.dispatch import dispatch_once
from trading.errors import SameKeyOtherRequest, TradingError
from trading.models import Fill, Order
from trading.services.ledger.audit import check_books
from trading.services.ordering import sending
from trading.services.running import leases

pytestmark = pytest.mark.django_db(transaction=True)
BUYERS = 32
LATER = make.NOW + timedelta(minutes=1)


@pytest.fixture
def instrument() -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000, age=timedelta(seconds=-60))  # stays fresh however slow the machine is
    return instrument


@pytest.fixture
def account(instrument: Instrument) -> Iterator[BrokerAccount]:
    yield make.make_account(make.make_user(), 700_105)
    assert check_books().differences == ()


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each call returned or raised, all begun at the same moment, each on its own connection."""
    start, answers = threading.Barrier(len(calls)), SimpleQueue[object]()

    def run(call: Callable[[], object]) -> None:
        try:
            start.wait(30)
            answers.put(call())
        except Exception as e:
            answers.put(e)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    return [answers.get_nowait() for _ in calls]


def buyer(account: BrokerAccount, instrument: Instrument, number: int) -> Callable[[], str]:
    def buy() -> str:
        asked = {"quantity": Decimal(10), "limit_price": Decimal(70_000)}
        return make.place(account, instrument, client_key=f"buyer-{number}", **asked).state

    return buy


def test_of_thirty_two_buyers_with_cash_for_one_exactly_one_wins(
    account: BrokerAccount, instrument: Instrument
) -> None:
    """I18: thirty-one are denied with the reason, none waits for ever, none fails."""
    answers = at_once(*(buyer(account, instrument, number) for number in range(BUYERS)))
    assert Counter(map(str, answers)) == {"pending": 1, "denied": BUYERS - 1}
    assert set(Order.objects.filter(state="denied").values_list("reason", flat=True)) == {"insufficient_cash"}
    assert make.balances(account)["reserved KRW"] == 700_105
    assert "available KRW" not in make.balances(account)


def test_of_many_sellers_of_one_unit_exactly_one_wins(account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 1, 70_000)
    sellers = [lambda: make.place(account, instrument, side=Side.SELL).state for _ in range(8)]
    assert Counter(map(str, at_once(*sellers))) == {"pending": 1, "denied": 7}


def test_one_key_from_many_places_is_one_order(account: BrokerAccount, instrument: Instrument) -> None:
    answers = at_once(*[lambda: make.place(account, instrument, client_key="once").pk for _ in range(8)])
    assert len(set(answers)) == 1
    assert Order.objects.count() == 1


def test_one_key_on_two_accounts_at_once_is_one_order_and_one_mistake(instrument: Instrument) -> None:
    """Two locks, one person: the database's own rule decides."""
    user: User = make.make_user()
    accounts = [make.make_account(user) for _ in range(4)]
    answers = at_once(*[lambda a=a: make.place(a, instrument, client_key="once").state for a in accounts])
    assert sorted(isinstance(each, SameKeyOtherRequest) for each in answers) == [False, True, True, True]
    assert Order.objects.count() == 1
    assert check_books().differences == ()


def test_the_same_fill_told_by_many_at_once_is_booked_once(account: BrokerAccount, instrument: Instrument) -> None:
    """I6."""
    order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    told = OrderReport(ReportStatus.ACCEPTED, fills=(make.make_fill(order, "f", 4, 70_000, 42),))
    answers = at_once(*[lambda: services.apply_report(order.pk, told, LATER).filled_quantity for _ in range(8)])
    assert answers == [Decimal(4)] * 8
    assert Fill.objects.count() == 1


def test_orders_cancels_fills_and_deposits_at_once_neither_lock_nor_lose(instrument: Instrument) -> None:
    """Every path that books, on one account, for some seconds: the order of locks is one for all of them."""
    account = make.make_account(make.make_user())
    plan = make.make_plan(account, instrument)
    resting = [
        make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000), **of_plan))
        for of_plan in ({}, {"plan": plan, "step": 1})
    ]
    fence = leases.acquire(sending.DISPATCH, make.HOLDER)
    assert fence is not None

    def fill(order: Order) -> Callable[[], object]:
        def tell() -> None:
            for number in range(1, 9):
                told = OrderReport(
                    ReportStatus.ACCEPTED, fills=(make.make_fill(order, f"{order.pk}{number}", 1, 70_000),)
                )
                services.apply_report(order.pk, told, LATER)

        return tell

    def place_and_cancel() -> None:
        for _ in range(8):
            order = make.place(account, instrument)
            try:
                services.cancel_order(account.user, order.pk)
            except TradingError as e:
                assert e.code == "order_not_open"  # noqa: PT017

    def dispatch() -> None:
        for _ in range(12):
            dispatch_once(fence, FakeBroker(answer=ACCEPTED).opened)

    def pay_in() -> None:
        for number in range(8):
            services.deposit(account, Decimal(1000), f"parallel:{number}", make.NOW)

    def pause_and_resume() -> None:
        for _ in range(4):
            services.pause_plan(account.user, plan.pk)
            services.resume_plan(account.user, plan.pk)

    answers = at_once(fill(resting[0]), fill(resting[1]), place_and_cancel, dispatch, pay_in, pause_and_resume)
    assert answers == [None] * 6
    assert check_books().differences == ()
    plan.refresh_from_db()
    assert plan.held_quantity == 8


def test_one_change_from_many_places_is_one_change(account: BrokerAccount, instrument: Instrument) -> None:
    """G06: two clicks on it, and two people changing it differently, are one order at the end."""
    order = make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(60_000))

    def change(key: str, price: int) -> Callable[[], object]:
        wish: dict[str, Any] = {"quantity": Decimal(10), "limit_price": Decimal(price), "client_key": key}
        return lambda: services.change_order(account.user, order.pk, **wish).pk

    answers = at_once(*[change("mine", 61_000) for _ in range(4)], *[change("yours", 62_000) for _ in range(4)])
    made = {each for each in answers if not isinstance(each, Exception)}
    assert len(made) == 1
    assert {getattr(each, "code", "") for each in answers if isinstance(each, Exception)} == {"order_not_open"}
    assert list(Order.objects.open().values_list("pk", flat=True)) == list(made)
    assert check_books().differences == ()


def test_a_change_carried_out_by_many_at_once_places_one_order(account: BrokerAccount, instrument: Instrument) -> None:
    """Dispatch and the Celery task may come to it at the same moment."""
    order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(60_000)))
    wish: dict[str, Any] = {"quantity": Decimal(10), "limit_price": Decimal(61_000), "client_key": "change"}
    services.change_order(account.user, order.pk, **wish)
    services.apply_report(order.pk, OrderReport(ReportStatus.CANCELED), LATER)
    assert sorted(map(str, at_once(*[services.carry_out_changes] * 8))) == ["0"] * 7 + ["1"]
    assert Order.objects.filter(replaces=order).count() == 1


def test_a_stop_reached_and_called_back_at_once_is_one_or_the_other(
    account: BrokerAccount, instrument: Instrument
) -> None:
    asked = {"order_type": OrderType.STOP, "stop_price": Decimal(72_000), "quantity": Decimal(1)}
    order = make.place(account, instrument, **asked)

    def reach() -> int:
        return services.trigger_stops(instrument, Decimal(72_000), Decimal(72_000), LATER)

    answers = at_once(*[reach] * 4, lambda: services.cancel_order(account.user, order.pk).state)
    assert "withdrawn" in answers  # a stop that has just been reached can still be called back before it is sent
    assert sum(each for each in answers if isinstance(each, int)) <= 1
    assert make.fresh(order).state == "withdrawn"
    assert check_books().differences == ()


def test_two_claims_of_one_order_are_one_attempt(account: BrokerAccount, instrument: Instrument) -> None:
    """I1."""
    order = make.place(account, instrument)
    fence = leases.acquire(sending.DISPATCH, make.HOLDER)
    assert fence is not None
    answers = at_once(*[lambda: sending.claim(order.pk, fence) for _ in range(6)])
    assert sum(isinstance(each, sending.Claim) for each in answers) == 1
    assert sum(each is None for each in answers) == 5
    assert order.attempts.count() == 1


def test_one_form_sent_many_times_at_once_is_one_version_of_the_rule(
    account: BrokerAccount, instrument: Instrument
) -> None:
    def register() -> object:
        plan = services.register_plan(
            account.user,
            broker_account=account,
            instrument=instrument,
            name="swing",
            interval=Interval.H1,
            parameters=DEFAULT_SWING,
            budget=Decimal(500_000),
            first_share=Decimal("0.5"),
        )
        return plan.strategy_version_id

    assert len(set(at_once(*[register] * 6))) == 1


def test_of_many_dispatchers_one_has_the_lease() -> None:
    answers = at_once(*[lambda n=n: leases.acquire(sending.DISPATCH, f"process {n}") for n in range(8)])
    assert Counter(answers) == {1: 1, None: 7}


def test_canceling_one_order_does_not_wait_for_another_accounts(account: BrokerAccount, instrument: Instrument) -> None:
    """A lock on the instrument's row would hold up everybody who trades it."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock for all")
    mine = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    other = make.make_account(make.make_user())
    with transaction.atomic():
        services.cancel_order(account.user, mine.pk)
        assert at_once(lambda: make.place(other, instrument).state) == ["pending"]
