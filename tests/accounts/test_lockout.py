"""What guessing costs (I37)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.lockout import LONGEST_WAIT, PER_ACCOUNT, PER_ACCOUNT_AND_PLACE, Count, address_block, counted

START = datetime(2026, 1, 5, tzinfo=UTC)


def guesses_within(hours: int) -> int:
    """How often a tireless stranger can try one account when every wait is used to the second."""
    now, count, tries = START, None, 0
    while now < START + timedelta(hours=hours):
        count = counted(PER_ACCOUNT, count, now)
        tries += 1
        now = max(now, count.blocked_until)
    return tries


def test_waits_double_from_one_second_up_to_a_ceiling() -> None:
    waits = [PER_ACCOUNT_AND_PLACE.wait_after(n).total_seconds() for n in range(12)]
    assert waits == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]


def test_an_account_is_tried_at_most_twenty_times_an_hour_from_anywhere() -> None:
    assert guesses_within(hours=1) <= 20
    assert guesses_within(hours=3) - guesses_within(hours=2) <= 5


@given(st.integers(min_value=0, max_value=10**9))
def test_no_number_of_failures_shuts_an_account_for_longer_than_the_ceiling(failures: int) -> None:
    assert PER_ACCOUNT.wait_after(failures) <= LONGEST_WAIT


def test_old_failures_are_forgotten() -> None:
    before = Count(failures=9, last_at=START, blocked_until=START)
    assert counted(PER_ACCOUNT, before, START + timedelta(hours=23)).failures == 10
    assert counted(PER_ACCOUNT, before, START + timedelta(hours=25)).failures == 1


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("203.0.113.7, evil", "unknown"),
    ],
)
def test_addresses_of_one_household_share_a_block(address: str, block: str) -> None:
    assert address_block(address) == block
