"""The hostile broker as a process: nothing of it is left behind, whoever started it and however that ended."""

import os
import signal
import subprocess
import sys
import time

import psutil

from tests.servers.control import ROOT, HostileBroker

STARTS_ONE = (
    "import os, signal; from tests.servers.control import HostileBroker; b = HostileBroker(); "
    "print(b.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
)


def test_it_ends_on_sigterm() -> None:
    broker = HostileBroker()
    os.kill(broker.pid, signal.SIGTERM)
    assert _is_gone(broker.pid)
    broker.stop()


def test_it_ends_with_a_parent_that_was_killed() -> None:
    parent = subprocess.run(
        [sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, timeout=30
    )
    assert parent.returncode == -signal.SIGKILL
    assert _is_gone(int(parent.stdout))


def _is_gone(pid: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False
