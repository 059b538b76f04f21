"""Starts Kairos' processes, starts again those that die or stand still, and stops all of them, Redis last."""

import gc
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.supervision import embedded_redis
from config.supervision.child import Child
from config.supervision.preflight import CannotStart
from config.supervision.prepare import Report
from config.supervision.roles import Role, prepare_role
from config.supervision.watch import Question, stuck

logger = logging.getLogger("kairos.up")
PATIENCE = 7.0  # seconds to finish after being asked to stop; the whole stop takes less than ten
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class Stopped(Exception):
    """Somebody asked for the end while the start was still under way."""

    code = "stopped"


@dataclass(slots=True)
class Watch:
    """Where /health is asked, how often, and how long a process may stand still."""

    address: tuple[Any, ...]
    host: str
    limit: float  # seconds without progress before a process is killed
    pause: float  # seconds between two looks
    question: Question | None = None
    next_at: float = 0.0
    answered_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """One run of Kairos. Single-threaded and without a connection of its own, so that forking it is safe."""

    def __init__(self, listener: socket.socket, watch: Watch, redis_socket: Path | None, private: list[Any]) -> None:
        """`redis_socket` None: Redis is somebody else's. `private` are open files that no child may inherit."""
        self._listener = listener
        self._watch = watch
        self._redis_socket = redis_socket
        self._selector = selectors.DefaultSelector()
        self._heard, self._wakeup = socket.socketpair()
        self._private = [*private, self._selector, self._heard, self._wakeup]
        self._children: list[Child] = []
        self._redis: Child | None = None
        self._due: dict[str, float] = {}  # role → when it is started again
        self._stopping = False
        self._announce: Callable[[], None] | None = None

    def run(self, roles: list[Role], redis_role: Role, demo: bool, announce: Callable[[str], None]) -> None:
        """Run until a signal says stop. Raises CannotStart for a database that cannot be used.

        `announce` is called once, with the demo's sign-in or "", when the first page can be answered.
        """
        self._listen_to_signals()
        try:
            self._start_redis(redis_role)
            report = self._prepare(demo)
            gc.collect()
            gc.freeze()  # what the children share stays untouched by their collectors, and so stays shared
            self._announce = lambda: announce(report.sign_in)
            for role in roles:
                self._add(role).start()
            while not self._stopping:
                self._turn()
        except Stopped:
            pass
        finally:
            self._stop_all()

    # Starting

    def _add(self, role: Role) -> Child:
        child = Child(role, self._close_inherited)
        self._children.append(child)
        return child

    def _start_redis(self, role: Role) -> None:
        if self._redis_socket is None:
            return
        try:
            embedded_redis.prepare_socket_folder(self._redis_socket)
        except OSError as e:
            raise CannotStart(f"the embedded Redis has no place for its socket: {e}") from e
        self._redis = Child(role, self._close_inherited)
        self._redis.start()
        deadline = time.monotonic() + embedded_redis.START_SECONDS
        while not embedded_redis.answers(self._redis_socket):
            self._wait(0.02)
            if self._redis.poll() or time.monotonic() > deadline:
                log = self._redis_socket.with_suffix(".log")
                raise CannotStart(f"the embedded Redis did not start; {log} may say why")

    def _prepare(self, demo: bool) -> Report:
        """Migrate and seed in a child; its report comes through a pipe. Raises CannotStart and Stopped."""
        reading, writing = os.pipe()
        child = Child(prepare_role(writing, demo), self._close_inherited)
        child.start()
        os.close(writing)
        try:
            while not child.poll():
                self._wait(0.5)
        finally:
            child.kill_all()
            with os.fdopen(reading, encoding="utf-8") as file:
                text = file.read() if child.exit_status == 0 else ""
        report = Report.parse(text)
        if report.fault:
            raise CannotStart(report.fault)
        return report

    def _close_inherited(self, role: Role) -> None:
        for thing in self._private:
            thing.close()
        if self._listener.fileno() not in role.keeps:
            self._listener.close()

    # Running

    def _turn(self) -> None:
        """One round: wait for something to happen, then restart what died and look whether all move."""
        now = time.monotonic()
        soonest = min([*self._due.values(), self._watch.next_at if self._watch.question is None else now + 1.0])
        with suppress(Stopped):
            self._wait(min(1.0, max(0.0, soonest - now)))
        self._reap()
        if not self._stopping:
            self._restart_due()
            self._look()

    def _wait(self, seconds: float) -> None:
        """Sleep until a signal, an answer or the time. Raises Stopped when the signal says so."""
        for key, _events in self._selector.select(seconds):
            if key.data is None:
                self._hear(self._heard.recv(256))
            elif key.data.go_on():
                self._read_answer()
        if self._stopping:
            raise Stopped

    def _hear(self, numbers: bytes) -> None:
        if any(number != signal.SIGCHLD for number in numbers):
            self._stopping = True

    def _reap(self) -> None:
        for child in filter(None, [self._redis, *self._children]):
            if not child.poll():
                continue
            child.kill_all()  # its own children must not live on beside the new one's
            pause = child.pause_before_restart()
            self._due[child.role.name] = time.monotonic() + pause
            if not self._stopping:
                logger.warning(
                    "%s ended (%s) after %.0f s; starting it again%s",
                    child.role.name,
                    child.how_it_ended(),
                    child.age(),
                    f" in {pause:.1f} s: it keeps ending, the lines above say why" if pause else "",
                )

    def _restart_due(self) -> None:
        now = time.monotonic()
        for child in filter(None, [self._redis, *self._children]):
            if self._due.get(child.role.name, now + 1) <= now:
                del self._due[child.role.name]
                child.start()

    # Watching

    def _look(self) -> None:
        watch = self._watch
        if watch.question is not None and watch.question.overdue:
            self._read_answer()
        if watch.question is None and time.monotonic() >= watch.next_at:
            path = "/health/live" if self._announce else "/health/ready"
            watch.question = Question(self._selector, watch.address, watch.host, path)
            watch.question.ask()

    def _read_answer(self) -> None:
        watch = self._watch
        report = watch.question.answer() if watch.question else None
        watch.question = None
        watch.next_at = time.monotonic() + (0.2 if self._announce else watch.pause)
        if report is not None:
            watch.answered_at = time.monotonic()
            if self._announce:
                self._announce()
                self._announce = None
        for child in self._children:
            if child.running and child.age() > watch.limit and child.role.name in self._standing_still(report):
                logger.error("%s has shown no progress for %.0f s; killing it", child.role.name, watch.limit)
                child.kill_all()

    def _standing_still(self, report: dict[str, Any] | None) -> list[str]:
        if report is not None:
            return stuck(report, self._watch.limit)
        return ["web"] if time.monotonic() - self._watch.answered_at > self._watch.limit else []

    # Stopping

    def _listen_to_signals(self) -> None:
        self._heard.setblocking(False)
        self._wakeup.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno())
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)  # the number arrives through the wakeup socket
        self._selector.register(self._heard, selectors.EVENT_READ)

    def _stop_all(self) -> None:
        """End every child, Redis last: they may still have to say goodbye to it."""
        self._stopping = True
        self._end(self._children, PATIENCE)
        if self._redis is not None:
            self._end([self._redis], 1.0)
        if self._redis_socket is not None:
            self._redis_socket.unlink(missing_ok=True)
            self._redis_socket.with_suffix(".log").unlink(missing_ok=True)

    def _end(self, children: list[Child], patience: float) -> None:
        for child in children:
            child.poll()
            child.terminate()
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(child.running and not child.poll() for child in children):
            self._selector.select(0.1)
            with suppress(BlockingIOError):
                self._heard.recv(256)
        for child in children:
            if child.running:
                logger.warning("%s did not stop within %.0f s; killing it", child.role.name, patience)
            if child.pid:
                child.kill_all()
        for child in children:
            while child.running and not child.poll():
                time.sleep(0.01)
