"""The KIS sandbox as a process: nothing of it is left behind, whoever started it and however that ended."""

import os
import signal
import subprocess
import sys
import time

import psutil

from tests.servers.kis.client import ROOT, KisSandbox


def test_it_ends_on_sigterm_and_with_a_parent_that_was_killed() -> None:
    sandbox = KisSandbox()
    os.kill(sandbox.pid, signal.SIGTERM)
    assert is_gone(sandbox.pid)
    sandbox.stop()
    code = (
        "import os, signal; from tests.servers.kis.client import KisSandbox; s = KisSandbox(); "
        "print(s.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, timeout=30
    )
    assert is_gone(int(parent.stdout))


def is_gone(pid: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False
