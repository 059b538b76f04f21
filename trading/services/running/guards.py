"""Putting guards and views into the database after each migration: what is there already is left alone.

Django's migrations know neither. On SQLite they rebuild tables, which loses triggers and stumbles over views; so views go
before a migration begins and come back, with whatever triggers are missing, when it has ended.
"""

from collections.abc import Iterable

import structlog
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from trading.guards import Guard, append_only, views, zero_sum
from trading.services.running import system

logger = structlog.get_logger(__name__)

Key = tuple[str, str, str]  # kind, name, table of a trigger
POSTGRESQL_FOUND = """
SELECT 'function', p.proname::text, '', obj_description(p.oid, 'pg_proc') FROM pg_proc p
 WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'kairos\\_%'
UNION ALL
SELECT 'trigger', t.tgname, c.relname, CASE WHEN t.tgenabled = 'O' THEN obj_description(t.oid, 'pg_trigger') END
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgname LIKE 'kairos\\_%'
UNION ALL
SELECT 'view', c.relname, '', obj_description(c.oid, 'pg_class') FROM pg_class c
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'v' AND c.relname LIKE 'v\\_%'
"""
SQLITE_FOUND = """
SELECT type, name, CASE type WHEN 'trigger' THEN tbl_name ELSE '' END, sql FROM sqlite_master
 WHERE (type = 'trigger' AND name LIKE 'kairos%') OR (type = 'view' AND name LIKE 'v~_%' ESCAPE '~')
"""


def install(*, migrated: bool) -> None:
    """Make every guard and view this code wants and write its release; two queries where all of it is there.

    Not `migrated` to the end, only triggers are made, on the tables that exist: a view may name a column yet to come.
    """
    there, found = set(connection.introspection.table_names()), installed()
    wanted = {
        _key(guard): guard for guard in _wanted() if set(guard.needs) <= there and (migrated or guard.kind != "view")
    }
    changed = [guard for key, guard in wanted.items() if found.get(key) != _mark(guard)]
    if changed:
        with transaction.atomic():
            _drop(key for key in found if key not in wanted or key in {_key(guard) for guard in changed})
            for guard in changed:
                _make(guard)
        logger.info("guards", made=len(changed), of=len(wanted))
    if migrated:
        system.write_release()


def drop_views() -> None:
    """Before a migration: no view stands on a table that is about to be rebuilt."""
    with transaction.atomic():
        _drop(key for key in installed() if key[0] == "view")


def is_migrated() -> bool:
    """Whether every migration there is has been applied."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _wanted() -> Iterable[Guard]:
    if connection.vendor == "postgresql":
        schema = connection.ops.quote_name(_current_schema())
        return [*append_only.on_postgresql(schema), *zero_sum.on_postgresql(schema), *views.on_postgresql(schema)]
    return [*append_only.on_sqlite(), *views.on_sqlite()]


def _current_schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


def installed() -> dict[Key, str | None]:
    """What is in the database already, with the mark it was made with."""
    with connection.cursor() as cursor:
        cursor.execute(POSTGRESQL_FOUND if connection.vendor == "postgresql" else SQLITE_FOUND)
        return {(kind, name, table): mark for kind, name, table, mark in cursor.fetchall()}


def _mark(guard: Guard) -> str:
    """SQLite keeps the statement itself; PostgreSQL is given a comment to keep."""
    return guard.fingerprint if connection.vendor == "postgresql" else guard.sql


def _key(guard: Guard) -> Key:
    return guard.kind, guard.name, guard.on


def _drop(keys: Iterable[Key]) -> None:
    """Triggers and views; a function is replaced in place, for triggers stand on it."""
    with connection.cursor() as cursor:
        for kind, name, table in keys:
            on = f" ON {table}" if kind == "trigger" and connection.vendor == "postgresql" else ""
            if kind != "function":
                cursor.execute(f"DROP {kind} IF EXISTS {name}{on}")


def _make(guard: Guard) -> None:
    with connection.cursor() as cursor:
        cursor.execute(guard.sql)
        if connection.vendor == "postgresql":
            on = f" ON {guard.on}" if guard.kind == "trigger" else "()" if guard.kind == "function" else ""
            cursor.execute(f"COMMENT ON {guard.kind} {guard.name}{on} IS '{guard.fingerprint}'")
