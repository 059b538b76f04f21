"""What time it is at KIS, by its calls for a sign of life."""

from datetime import UTC, datetime, timedelta

import pytest

from brokers.kis.live.venue_clock import NONE, VenueClock
from tests.brokers.kis_examples import text_example

TOLD = datetime(2026, 11, 20, 1, 15, 10, tzinfo=UTC)  # the recorded one says 10:15:10 in Seoul


@pytest.mark.parametrize("late", [-2.5, -0.4, 0.0, 0.9, 2.9])
def test_a_clock_that_is_nearly_ours_is_ours(late: float) -> None:
    """A whole second, and the way here, are no difference."""
    clock = VenueClock()
    clock.note(text_example("### 5.5"), TOLD + timedelta(seconds=late))
    assert clock.offset == NONE


def test_another_days_clock_is_followed_and_does_not_tremble() -> None:
    clock, apart = VenueClock(), timedelta(days=2)
    clock.note(text_example("### 5.5"), TOLD + apart)
    assert clock.offset == -apart
    clock.note(text_example("### 5.5"), TOLD + apart + timedelta(seconds=0.8))
    assert clock.offset == -apart


def test_a_clock_that_comes_back_to_ours_is_ours_again() -> None:
    clock = VenueClock()
    clock.note(text_example("### 5.5"), TOLD + timedelta(days=2))
    clock.note(text_example("### 5.5"), TOLD)
    assert clock.offset == NONE


@pytest.mark.parametrize("text", ["", "{}", '{"header":{"datetime":"20261340101510"}}', '{"header":{"datetime":7}}'])
def test_text_that_tells_no_time_changes_nothing(text: str) -> None:
    clock = VenueClock()
    clock.note(text, TOLD)
    assert clock.offset == NONE
