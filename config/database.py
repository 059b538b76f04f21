"""What state the database is in: read by `manage.py db_status` and shown to operators."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

# The tables an operator asks about, in the order of the pipeline.
COUNTED = (
    "accounts.User",
    "markets.Instrument",
    "markets.StoredBar",
    "brokers.BrokerAccount",
    "strategies.Strategy",
    "trading.SwingPlan",
    "trading.PlanEvaluation",
    "trading.Order",
    "trading.Fill",
    "trading.Journal",
    "trading.Posting",
)


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """`place` never holds a password; `size` in bytes, journals included; `rows` by `app.Model`, None: no table yet."""

    engine: str
    place: str
    pending: list[str]
    rows: dict[str, int | None]
    size: int


def database_status() -> DatabaseStatus:
    """The database as it is now. Raises django.db.Error when it cannot be reached."""
    connection.ensure_connection()
    tables = set(connection.introspection.table_names())
    return DatabaseStatus(
        engine=f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}",
        place=_place(connection.settings_dict),
        pending=pending_migrations(),
        rows={label: _count(label, tables) for label in COUNTED},
        size=_size(),
    )


def pending_migrations() -> list[str]:
    """`app.name` of each migration that is written but not applied, in the order of their application."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _place(parts: dict[str, Any]) -> str:
    if connection.vendor == "sqlite":
        return str(parts["NAME"])
    password = ":****" if parts["PASSWORD"] else ""
    return f"{parts['USER']}{password}@{parts['HOST'] or 'localhost'}:{parts['PORT'] or 5432}/{parts['NAME']}"


def _count(label: str, tables: set[str]) -> int | None:
    model = apps.get_model(label)
    return model._default_manager.count() if model._meta.db_table in tables else None


def _size() -> int:
    if connection.vendor == "sqlite":
        file = str(connection.settings_dict["NAME"])
        return sum(path.stat().st_size for path in map(Path, (file, f"{file}-wal", f"{file}-shm")) if path.is_file())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
