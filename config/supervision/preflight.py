"""What must be right before the first process starts, each fault in one sentence."""

import errno
import fcntl
import importlib.util
import os
import socket
from pathlib import Path
from typing import IO

import redis

# Imported by one child or another, after the supervisor has already said that all is well.
MODULES = ("daphne", "channels", "channels_redis", "celery", "django_celery_beat", "redis", "numpy", "talib", "psycopg")


class CannotStart(Exception):
    """Kairos cannot start; the message says why and what to do, in one sentence."""

    code = "cannot_start"


def require_modules() -> None:
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise CannotStart(f"the Python module {missing[0]!r} is missing; `make run` installs it")


def hold_lock(var_dir: Path) -> IO[str]:
    """The lock on this folder's database and Redis, held until the file is closed or the process ends."""
    path = var_dir / "up.lock"
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as e:
        raise CannotStart(f"the file {path} cannot be written to ({e.strerror})") from e
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        with file:
            file.seek(0)
            holder = file.read().strip()
        raise CannotStart(f"Kairos already runs in {var_dir} (process {holder}); stop it first") from e
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def listen(host: str, port: int) -> socket.socket:
    """The socket on which browsers will call. It outlives the web process, so that a restart refuses nobody."""
    try:
        family, kind, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as e:
        raise CannotStart(f"HOST: {host!r} is not an address of this machine") from e
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as e:
        listener.close()
        raise CannotStart(_why_not(host, port, e)) from e
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"PORT: {port} on {host} is already in use; stop the other program or choose another port with PORT="
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST: {host!r} is not an address of this machine"
    return f"PORT: {port} on {host} cannot be opened ({error.strerror})"


def require_redis(url: str) -> None:
    """Raise CannotStart, without showing the URL and its password, unless Redis at `url` answers within 3 seconds."""
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
        client.ping()
    except (redis.RedisError, OSError, ValueError) as e:
        raise CannotStart(
            f"REDIS_URL: Redis cannot be reached there ({type(e).__name__}); unset it to use our own"
        ) from e
    client.close()
