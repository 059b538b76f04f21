"""A halt and a claim at the same moment (I8): an order is claimed before the halt commits, or its claim sees the halt."""

import threading
from collections.abc import Callable
from decimal import Decimal
from queue import SimpleQueue
from time import monotonic

import pytest
from django.db import connection, connections, transaction

from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from trading.models import Halt, Order
from trading.services.safeguards import halts, standstill
from trading.services.settling.reports import locked

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture(autouse=True)
def _locks_by_row() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock for all")


@pytest.fixture
def order() -> Order:
    instrument: Instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    account: BrokerAccount = make.make_account(make.make_user())
    return make.fresh(make.place(account, instrument, limit_price=Decimal(69_000)))


class Beside:
    """One call in a thread with a connection of its own; `result` waits for it."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._answers = SimpleQueue[object]()
        self._thread = threading.Thread(target=self._run, args=[call])
        self._thread.start()

    def _run(self, call: Callable[[], object]) -> None:
        try:
            self._answers.put(call())
        except Exception as e:
            self._answers.put(e)
        finally:
            connections.close_all()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def result(self) -> object:
        self._thread.join(30)
        assert not self._thread.is_alive(), "a deadlock"
        return self._answers.get_nowait()


def somebody_waits() -> bool:
    """Whether, within some seconds, another connection to this database has come to wait for a lock."""
    until = monotonic() + 20
    while monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction is shown one moment only
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return True
    return False


def claim(order: Order) -> str | None:
    with transaction.atomic():
        denial = halts.denial_for(order, reduces=False)
        if denial is None:
            Order.objects.filter(pk=order.pk).update(state="submitted")
        return denial.code if denial else None


@pytest.mark.parametrize("is_known", [False, True], ids=["no row yet", "row there"])
def test_a_claim_waits_for_a_halt_that_is_committing_and_sees_it(order: Order, is_known: bool) -> None:
    if is_known:
        with transaction.atomic():
            halts.denial_for(order, reduces=False)
    with transaction.atomic():
        halts.latch("account", str(order.broker_account_id), "halted", "drill")
        claimed = Beside(lambda: claim(order))
        assert somebody_waits()
    assert claimed.result() == "halted"
    assert make.fresh(order).state == "pending"


@pytest.mark.parametrize("scope", ["site", "instrument"])
def test_a_halt_waits_for_a_claim_that_is_committing_and_asks_its_order_back(order: Order, scope: str) -> None:
    target = str(order.instrument_id) if scope == "instrument" else ""
    with transaction.atomic():
        assert claim(order) is None
        halting = Beside(lambda: halts.latch(scope, target, "halted", "drill").mode)
        assert somebody_waits()
        assert halting.is_running
    assert halting.result() == "halted"
    claimed = make.fresh(order)
    assert (claimed.state, claimed.cancel_requested) == ("submitted", True)


def test_a_halt_waits_for_nobody_who_holds_an_order(order: Order) -> None:
    """Whoever moves an order may be stuck, or want a latch next; the order is asked back by the next sweep."""
    make.accept(order)
    with transaction.atomic():
        locked(order.pk)
        halting = Beside(lambda: halts.latch("account", str(order.broker_account_id), "halted", "drill").mode)
        assert halting.result() == "halted"
        assert Halt.objects.get(scope="account").mode == "halted"
        assert not make.fresh(order).cancel_requested
        assert halts.unconfirmed("account", str(order.broker_account_id)) == 1
    assert standstill.enforce() == 1
    assert make.fresh(order).cancel_requested


def test_many_halts_of_one_scope_at_once_are_one(order: Order) -> None:
    target = str(order.broker_account_id)
    halting = [Beside(lambda: halts.latch("account", target, "halted", "drill").version) for _ in range(8)]
    assert [each.result() for each in halting] == [1] * 8
