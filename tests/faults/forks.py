"""Running a piece of work in a forked child: warm, alone, and mortal."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SECONDS = 120  # a child that hangs is killed by its own alarm


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: 0, its exit status, or minus the signal; and what it handed back, None where it did not get there."""

    status: int
    result: Any

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


def run_in_child(work: Callable[[], Any], seconds: int = SECONDS) -> Ended:
    """`work()` in a child, waited for; its result travels as JSON."""
    read, write = os.pipe()
    pid = start_child(lambda: _hand_back(work, write), seconds)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return Ended(status, json.loads(told) if status == 0 and told else None)


def start_child(work: Callable[[], Any], seconds: int = 0) -> int:
    """The pid of a child that does `work()` and exits: 0, or 1 with a traceback. The caller waits for it."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.alarm(seconds)  # its default ends the process, whatever it waits for
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _hand_back(work: Callable[[], Any], write: int) -> None:
    told = json.dumps(work()).encode()
    with os.fdopen(write, "wb") as pipe:
        pipe.write(told)
