"""One child process: forked from the loaded supervisor where that is safe, else a program of its own."""

import gc
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from config.environment import BASE_DIR
from config.supervision.processes import can_fork_after_import, die_with_parent, take_name
from config.supervision.roles import Role

logger = logging.getLogger("kairos.up")
QUICK = 10.0  # a child that ends sooner than this many seconds after its start has a fault of its own
LONGEST_WAIT = 30.0


class Child:
    """A role's process through all its lives, each in a session of its own: Ctrl-C reaches only the supervisor."""

    def __init__(self, role: Role, close_inherited: Callable[[Role], None]) -> None:
        """`close_inherited` closes, in a forked child, what belongs to the supervisor or another role alone."""
        self.role = role
        self.pid = 0
        self.exit_status: int | None = None
        self.started_at = 0.0
        self._close_inherited = close_inherited
        self._program: subprocess.Popen[Any] | None = None
        self._quick_ends = 0

    @property
    def running(self) -> bool:
        return self.pid != 0 and self.exit_status is None

    def age(self) -> float:
        """Seconds since the last start."""
        return time.monotonic() - self.started_at

    def start(self) -> None:
        self.exit_status = None
        self.started_at = time.monotonic()
        if self.role.run is None or not can_fork_after_import():
            self._program = self._spawn()
            self.pid = self._program.pid
        else:
            self.pid = self._fork(self.role.run)

    def poll(self) -> bool:
        """Whether the child has ended since the last look; its `exit_status` then says how (negative: a signal)."""
        if not self.running:
            return False
        if self._program is not None:
            self.exit_status = self._program.poll()
        else:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_status = os.waitstatus_to_exitcode(status)
        return not self.running

    def terminate(self) -> None:
        """Ask it to stop: the process alone, which tells its own children."""
        if self.running:
            os.kill(self.pid, signal.SIGTERM)

    def kill_all(self) -> None:
        """Kill the process and every one it started. Harmless when none is left."""
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(self.pid, signal.SIGKILL)

    def pause_before_restart(self) -> float:
        """Seconds to wait after an end: none for a child that had been living, more each time for one that cannot."""
        self._quick_ends = self._quick_ends + 1 if self.age() < QUICK else 0
        return 0.0 if self._quick_ends <= 1 else min(LONGEST_WAIT, 0.5 * 2 ** (self._quick_ends - 2))

    def how_it_ended(self) -> str:
        status = self.exit_status or 0
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"

    def _spawn(self) -> subprocess.Popen[Any]:
        return subprocess.Popen(  # noqa: S603 the commands are our own
            self.role.argv,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            cwd=BASE_DIR,
            env={**os.environ, "KAIROS_PROCESS": self.role.name},
            pass_fds=self.role.keeps,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 the supervisor has one thread
        )

    def _fork(self, run: Callable[[], None]) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._live(run, parent)
        return pid

    def _live(self, run: Callable[[], None], parent: int) -> NoReturn:
        """The forked child's whole life: it never returns into the supervisor's code."""
        status = 1
        try:
            os.setsid()
            die_with_parent(parent)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._close_inherited(self.role)
            _speak_on_stderr_alone()
            take_name(self.role.name)
            random.seed()
            gc.enable()
            run()
            status = 0
        except SystemExit as e:
            status = e.code if isinstance(e.code, int) else int(e.code is not None)
            if isinstance(e.code, str):
                logger.error("%s", e.code)  # noqa: TRY400 a sentence of ours, no trace wanted
        except BaseException as e:  # the last place where anybody can learn of it; in full the first time only
            logger.error("%s: %s: %s", self.role.name, type(e).__name__, e, exc_info=self._quick_ends == 0)  # noqa: TRY400
        finally:
            logging.shutdown()
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)


def _speak_on_stderr_alone() -> None:
    """Standard output is the supervisor's one line; nobody types into a child."""
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
