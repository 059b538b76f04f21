"""A PostgreSQL of our own for runs that kill: started in a folder of its own, crashed at will, gone at the end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_urlsafe

import psycopg

START_SECONDS = 30.0
# PostgreSQL refuses to run as root.
USER = "postgres" if os.getuid() == 0 else None
NO_GROUPS: list[str | int] | None = [] if USER else None


class NoPostgres(Exception):
    """There is no PostgreSQL on this machine, or it did not start."""


class Postgres:
    """One server process and its folder. It keeps commits through a crash of the process, not through one of the machine."""

    # Nobody needs the data after a power cut, so nothing waits for the disk; what was committed is in the kernel's hands
    # and survives every death of the server itself.
    SETTINGS = (
        "fsync=off",
        "synchronous_commit=on",
        "full_page_writes=off",
        "max_connections=80",
        "shared_buffers=64MB",
    )

    def __init__(self, place: Path) -> None:
        self._place = place
        self._binaries = binaries()
        self._port = free_port()
        self._password = token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self.restarts = 0

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://kairos:{self._password}@127.0.0.1:{self._port}/{database}"

    def make(self) -> None:
        """Lay the data folder out and start."""
        password = self._place / "password"
        password.write_text(self._password)
        for path in (self._place, password):
            if USER:
                shutil.chown(path, USER, USER)
        self._run(
            "initdb", "-D", str(self._data), "-U", "kairos", "-A", "scram-sha-256", "--pwfile", str(password),
            "-E", "UTF8", "--no-sync",
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start, and return once it answers. Raises NoPostgres after 30 s."""
        settings = [word for setting in self.SETTINGS for word in ("-c", setting)]
        with (self._place / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, "-p", str(self._port), "-k", self._place,
                 "-c", "listen_addresses=127.0.0.1", *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self._place,
                user=USER, group=USER, extra_groups=NO_GROUPS,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=2):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise NoPostgres((self._place / "postgres.log").read_text()[-2000:])

    def crash(self) -> None:
        """What a killed server does to its clients (SIGQUIT, "immediate": no checkpoint), then recovery and a new start."""
        self._end(signal.SIGQUIT)
        self.restarts += 1
        self.start()

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def create(self, database: str, template: str = "template0") -> str:
        """A new database; its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"'.encode())
        return self.url(database)

    def drop(self, database: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())

    @property
    def _data(self) -> Path:
        return self._place / "data"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *words], capture_output=True, text=True, cwd=self._place, check=False,
            user=USER, group=USER, extra_groups=NO_GROUPS,
        )  # fmt: skip
        if done.returncode:
            raise NoPostgres(done.stderr[-2000:])


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """A fresh server that ends with the block. Raises NoPostgres."""
    place = Path(tempfile.mkdtemp(prefix="kairos-faults-"))
    place.chmod(0o755)
    server = Postgres(place)
    try:
        server.make()
        yield server
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def binaries() -> Path:
    """Where PostgreSQL's programs are. Raises NoPostgres."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].split(".")[0])
    )
    if not installed:
        raise NoPostgres("no PostgreSQL here (Debian: apt-get install postgresql)")
    return installed[-1].parent
