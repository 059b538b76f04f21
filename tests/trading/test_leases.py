"""Who may be the only one, and how soon the next may begin."""

import os
import subprocess
import sys

import pytest

from trading.services.running import leases
from trading.services.running.leases import Tenure

pytestmark = pytest.mark.django_db


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_process_of_this_machine_that_has_ended_is_not_waited_for() -> None:
    machine = leases.holder_name().rpartition(":")[0]
    fence = leases.acquire("feed", f"{machine}:{ended_process()}")
    assert fence is not None
    assert leases.acquire("feed", leases.holder_name()) == fence + 1


@pytest.mark.parametrize("holder", ["another machine:1", "nobody", "machine:1e3"])
def test_of_other_machines_nothing_is_known_so_their_leases_run_out(holder: str) -> None:
    assert leases.acquire("feed", holder) is not None
    assert leases.acquire("feed", leases.holder_name()) is None


def test_a_living_process_of_this_machine_keeps_its_lease() -> None:
    machine = leases.holder_name().rpartition(":")[0]
    assert leases.acquire("feed", f"{machine}:{os.getppid()}") is not None
    assert not Tenure("feed").is_held()


def test_a_tenure_ends_for_the_next_to_begin_at_once() -> None:
    tenure = Tenure("feed")
    assert tenure.is_held()
    assert leases.acquire("feed", "another machine:1") is None
    tenure.end()
    assert leases.acquire("feed", "another machine:1") is not None
