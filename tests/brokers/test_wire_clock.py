"""What a Date header proves about a venue's clock, and what a wall clock that was set looks like (I28)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.wire.clock import VenueClocks, offset
from trading.services.safeguards.clock import Steadiness

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
seconds = st.floats(-100, 100).map(lambda number: timedelta(seconds=number))


@given(lag=st.floats(0, 5).map(lambda n: timedelta(seconds=n)), way=st.floats(0, 1), true=seconds)
def test_an_offset_is_never_told_larger_than_it_is(lag: timedelta, way: float, true: timedelta) -> None:
    """The venue reads its clock somewhere between our sending and receiving, and cuts it to the second."""
    sent, received = NOON, NOON + lag
    its_clock = sent + lag * way + true
    told = offset(its_clock.replace(microsecond=0), sent, received)
    assert abs(told) <= abs(true)
    assert not told or (told > timedelta(0)) == (true > timedelta(0))
    assert abs(true) - abs(told) <= lag + timedelta(seconds=1)


def test_each_host_has_its_own_offset_and_a_bad_date_says_nothing() -> None:
    clocks = VenueClocks()
    clocks.note("a", "Fri, 20 Nov 2026 12:00:10 GMT", NOON, NOON)
    clocks.note("b", "Fri, 20 Nov 2026 12:00:00 GMT", NOON, NOON + timedelta(seconds=1))
    for bad in (None, "", "yesterday", "Fri, 99 Nov 2026 12:00:10 GMT"):
        clocks.note("a", bad, NOON, NOON)
        clocks.note("c", bad, NOON, NOON)
    assert clocks.seen() == {"a": timedelta(seconds=10), "b": timedelta(0)}


@pytest.mark.parametrize("set_by", [-3600, -2, 0, 2, 86_400])
def test_a_wall_clock_that_was_set_is_told_from_time_that_passed(set_by: int) -> None:
    steadiness = Steadiness(NOON, 50.0)
    assert steadiness.jumped(NOON + timedelta(seconds=5 + set_by), 55.0) == timedelta(seconds=set_by)
    assert steadiness.jumped(NOON + timedelta(seconds=605 + set_by), 655.0) == timedelta(0)  # told once
