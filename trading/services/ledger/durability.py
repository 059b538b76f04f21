"""Which commits wait for the disk. On PostgreSQL all do; on SQLite a process that can lose its last ones safely need not.

The order path and everything a person is answered waits. A feed makes its prices and virtual fills again. A decision and the
order it led to go together or stay together: nothing of it was sent, for dispatch waits, and its commit takes all before it to
the disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.signals import connection_created


def commit_without_waiting_for_the_disk() -> None:
    """For the rest of this process: a power cut may take its last commits, a crash of the process never does."""
    connection_created.connect(_relax, dispatch_uid="commit without waiting for the disk")
    if connection.connection is not None:
        _relax(connection)


@contextmanager
def waiting_for_the_disk() -> Iterator[None]:
    """Sending from a process that does not wait otherwise: each claim is on the disk before its order leaves."""
    connection.ensure_connection()
    _set(connection, "FULL")
    try:
        yield
    finally:
        _set(connection, "NORMAL")


def _relax(connection: Any, **_kwargs: Any) -> None:
    _set(connection, "NORMAL")


def _set(connection: Any, level: str) -> None:
    """SQLite changes the level between transactions only; one under way keeps the level it began with."""
    if connection.vendor == "sqlite" and connection.connection is not None and not connection.in_atomic_block:
        connection.connection.execute(f"PRAGMA synchronous = {level}")
