"""The running program, as a newcomer starts it: `manage.py up` with a folder, a port and secrets of its own."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90.0  # the first start also seeds the demo
OURS = ("DATABASE_", "REDIS_", "KAIROS_", "DJANGO_", "PYTEST_", "TEST_", "CELERY_")


T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(var: Path, port: int, **more: str) -> dict[str, str]:
    """What a process sees that was started from a fresh shell: none of this test run's settings, no `.env`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    fresh = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")}
    return {
        **kept,
        **fresh,
        "KAIROS_ENV_FILE": "",
        "KAIROS_VAR": str(var),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        **more,
    }


def manage(*arguments: str, environment: Mapping[str, str], seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one management command to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def wait_until(what: Callable[[], T], seconds: float, hint: str) -> T:
    """The first true answer of `what`, asked ten times a second; AssertionError with `hint` when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := what():
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {hint}"
        time.sleep(0.1)


class RunningKairos:
    """One `manage.py up`, from start to stop, with everything it printed."""

    def __init__(self, var: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.var = var
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {**clean_environment(var, self.port), **(environment or {})}
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        var.parent.mkdir(parents=True, exist_ok=True)
        self._out, self._err = var.parent / f"{var.name}.out", var.parent / f"{var.name}.err"

    # Life

    def start(self) -> "RunningKairos":
        command = [sys.executable, "manage.py", "up", *self._options]
        with self._out.open("w") as out, self._err.open("w") as err:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=out, stderr=err, text=True)
        return self

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> float:
        """Seconds from now until /health/ready answers 200. AssertionError with the logs when it does not."""
        started = time.monotonic()
        wait_until(self._ready_or_over, seconds, f"/health/ready: {self.health()}\n{self.errors()}")
        return time.monotonic() - started

    def must_live(self) -> None:
        """AssertionError with its last words when it has ended by itself."""
        assert self.supervisor.poll() is None, f"it ended with {self.supervisor.returncode}:\n{self.errors()}"

    def _ready_or_over(self) -> bool:
        self.must_live()
        return self.health()[0] == 200

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send the signal that Ctrl-C sends and return the seconds until the end. The exit code must be 0."""
        started = time.monotonic()
        self.supervisor.send_signal(number)
        assert self.supervisor.wait(timeout=30) == 0, self.errors()
        return time.monotonic() - started

    def end(self) -> None:
        """Whatever happened in the test: leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for process in self.left_over():
            process.kill()

    # Processes

    @property
    def supervisor(self) -> "subprocess.Popen[str]":
        assert self._process is not None, "not started"
        return self._process

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Every process of this run but the supervisor by name: a role's, `redis`, or `task` (the worker's pool)."""
        found: dict[str, list[psutil.Process]] = {}
        for process in psutil.Process(self.supervisor.pid).children(recursive=True):
            try:
                name = process.name()
            except psutil.NoSuchProcess:
                continue
            found.setdefault("redis" if "valkey" in name else name.removeprefix("kairos-"), []).append(process)
        return found

    def process(self, name: str) -> psutil.Process:
        return self.processes()[name][0]

    def left_over(self) -> list[psutil.Process]:
        """Processes that still run although the supervisor is gone: any that names our folder."""
        return [
            process
            for process in psutil.process_iter()
            if process.pid != self.supervisor.pid and _runs(process) and self._is_ours(process)
        ]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return str(self.var) in process.environ().get("KAIROS_VAR", "") or str(self.var) in " ".join(
                process.cmdline()
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def memory(self) -> float:
        """Mebibytes of all processes together, shared pages counted once."""
        every = [psutil.Process(self.supervisor.pid), *(p for some in self.processes().values() for p in some)]
        return float(sum(process.memory_full_info().pss for process in every)) / 2**20

    # What it says

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and JSON of /health/ready; (0, {}) while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)
        except OSError:
            return 0, {}

    def output(self) -> str:
        return self._out.read_text()

    def errors(self) -> str:
        return self._err.read_text()[-5000:]

    def sign_in(self) -> tuple[str, str]:
        """The demo's e-mail and one-time password, as printed right after seeding."""
        found = re.search(r"demo sign-in: (\S+) (\S+) ", self.output())
        assert found, f"no sign-in was printed: {self.output()!r}"
        return found[1], found[2]

    def manage(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """A sister command in another terminal: the same settings, while this one runs."""
        return manage(*arguments, environment=self.environment, seconds=seconds)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
