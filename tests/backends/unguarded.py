"""Past the guards, for tests alone: emptying the tables between tests, and the tampering that `check_books` has to find.

What the owner of the tables could do by hand, spelled out. The program itself has no such door.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from trading.guards.append_only import APPEND_ONLY, on_sqlite


def opening(database: BaseDatabaseWrapper) -> list[str]:
    """The statements that set aside every guard there is."""
    if database.vendor == "postgresql":
        return [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in _there(database)]
    return [f"DROP TRIGGER {name}" for name in _triggers(database)]


def closing(database: BaseDatabaseWrapper) -> list[str]:
    """The statements that put them back; to be made before `opening` is carried out."""
    if database.vendor == "postgresql":
        return [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in _there(database)]
    set_aside = _triggers(database)
    return [guard.sql for guard in on_sqlite() if guard.name in set_aside]


@contextmanager
def unguarded() -> Iterator[None]:
    """Any row can be changed inside, in the test's own transaction."""
    before, after = opening(connection), closing(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # what waits for the commit stands in the way of ALTER TABLE
            before, after = ["SET CONSTRAINTS ALL IMMEDIATE", *before], [*after, "SET CONSTRAINTS ALL DEFERRED"]
        for statement in before:
            cursor.execute(statement)
        try:
            yield
        finally:
            for statement in after:
                cursor.execute(statement)


def _there(database: BaseDatabaseWrapper) -> list[str]:
    return sorted(set(APPEND_ONLY) & set(database.introspection.table_names()))


def _triggers(database: BaseDatabaseWrapper) -> set[str]:
    with database.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'kairos%'")
        return {name for (name,) in cursor.fetchall()}
