"""No second sees more calls than allowed, and an order finds a slot where reads have taken theirs."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.kis.budget import RATES, Bucket, LocalBudget, Purpose, Rates
from brokers.protocol import Environment

LIMITS = {Environment.LIVE: 18, Environment.PAPER: 1}


@pytest.mark.parametrize("environment", [Environment.LIVE, Environment.PAPER])
@settings(deadline=None)
@given(gaps=st.lists(st.floats(0, 0.4), max_size=120), orders=st.data())
def test_no_second_sees_more_calls_than_the_venue_allows(
    environment: Environment, gaps: list[float], orders: st.DataObject
) -> None:
    rates, now, bucket, calls = RATES[environment], 100.0, Bucket(RATES[environment].burst, 100.0), []
    for gap in gaps:
        now += gap
        purpose = orders.draw(st.sampled_from(Purpose))
        if bucket.wait(rates, now, purpose) <= 0:
            bucket = bucket.taken(rates, now)
            calls.append(now)
    for start in calls:
        assert sum(start <= each < start + 1 for each in calls) <= LIMITS[environment]


def test_reads_leave_the_last_slot_to_orders() -> None:
    rates, bucket = Rates(per_second=1, burst=3, reserved=1), Bucket(3, 0.0)
    for _read in range(2):
        assert bucket.wait(rates, 0.0, Purpose.READ) == 0
        bucket = bucket.taken(rates, 0.0)
    assert bucket.wait(rates, 0.0, Purpose.READ) == 1.0
    assert bucket.wait(rates, 0.0, Purpose.ORDER) == 0


def test_a_steady_clock_that_steps_back_gives_no_slots_away() -> None:
    rates, bucket = Rates(per_second=10, burst=1), Bucket(0, 50.0)
    assert bucket.filled(rates, 40.0).slots == 0
    assert bucket.filled(rates, 40.0).at == 50.0


def test_after_a_warning_nobody_asks_for_a_while_orders_neither() -> None:
    rates, bucket = Rates(per_second=10, burst=5), Bucket(5, 0.0).closed(0.5)
    assert bucket.wait(rates, 0.0, Purpose.ORDER) == 0.5
    assert bucket.closed(0.2).wait(rates, 0.0, Purpose.ORDER) == 0.5
    assert bucket.wait(rates, 0.6, Purpose.ORDER) == 0


def test_who_cannot_have_a_slot_in_time_is_told_so() -> None:
    budget = LocalBudget(Rates(per_second=0.1, burst=1), time.monotonic)
    assert budget.take(Purpose.ORDER, 0)
    started = time.monotonic()
    assert not budget.take(Purpose.ORDER, 1)
    assert time.monotonic() - started < 1


def test_an_order_that_waits_goes_before_reads_that_waited_longer() -> None:
    budget = LocalBudget(Rates(per_second=2, burst=1), time.monotonic)
    assert budget.take(Purpose.READ, 0)
    went: list[str] = []

    def wait_for(purpose: Purpose) -> None:
        assert budget.take(purpose, 10)
        went.append(purpose)

    reads = [threading.Thread(target=wait_for, args=[Purpose.READ]) for _ in range(3)]
    order = threading.Thread(target=wait_for, args=[Purpose.ORDER])
    for thread in (*reads, order):
        thread.start()
    for thread in (*reads, order):
        thread.join(20)
    assert went[0] == Purpose.ORDER
    assert len(went) == 4


@pytest.mark.parametrize("rates", [(0, 1, 0), (-1, 1, 0), (1, 1, 1), (1, 0, 0), (1, 2, -1)], ids=str)
def test_rates_that_let_nothing_through_are_refused(rates: tuple[float, int, int]) -> None:
    with pytest.raises(ValueError, match="budget"):
        Rates(*rates)
