"""SQL written once for the rows that every order reads and writes.

Django writes the text of a query anew on each call, 200–400 µs that a placed order would pay a dozen times (measured). What
stands here is the same SQL, kept; values go through the same fields and converters, on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import local
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

M = TypeVar("M", bound=Model)
Convert = Callable[[Any, Any, Any], Any]
Adapt = Callable[[Any, Any], Any]
# Exactly these, whatever the field, are what both databases take for themselves; PostgreSQL takes two more.
PLAIN: frozenset[type] = frozenset({str, int, bool, type(None)})
PLAIN_ON_POSTGRESQL = PLAIN | {UUID, datetime}


class Statements(Generic[M]):
    """Reading and inserting whole rows of one model. Conditions are SQL of ours with `%s` for every value."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._here = local()  # the connection of a thread is its own

    def read(self, condition: str, values: Sequence[Any], lock: str = "") -> list[M]:
        """The rows that meet `condition`, as they are now. `lock` is said to PostgreSQL alone: SQLite locks as a whole."""
        table = self._table
        sql = f"{table.select} WHERE {condition}"
        if lock and table.connection.vendor == "postgresql":
            sql = f"{sql} {lock}"
        with table.connection.cursor() as cursor:
            cursor.execute(sql, [table.plain(value) for value in values])
            return [self._model.from_db(DEFAULT_DB_ALIAS, table.names, table.read(row)) for row in cursor.fetchall()]

    def first(self, condition: str, values: Sequence[Any], lock: str = "") -> M | None:
        """The one row that meets `condition`, where there can be only one."""
        rows = self.read(condition, values, lock)
        return rows[0] if rows else None

    def insert(self, rows: Sequence[M], on_conflict: str = "") -> int:
        """Write new rows in one statement; how many were written. A key the database makes is left unset."""
        table = self._table
        sql = f"{table.insert} {', '.join([table.line] * len(rows))} {on_conflict}"
        with table.connection.cursor() as cursor:
            cursor.execute(sql, [value for row in rows for value in table.written(row)])
            written = int(cursor.rowcount)
        for row in rows:
            _is_kept(row)
        return written

    def insert_numbered(self, row: M) -> M:
        """Write one new row and give it the key that the database made."""
        return self.insert_all_numbered([row])[0]

    def insert_all_numbered(self, rows: Sequence[M]) -> Sequence[M]:
        """Write new rows in one statement and give each the key that the database made."""
        table = self._table
        lines = ", ".join([table.line] * len(rows))
        with table.connection.cursor() as cursor:
            written = [value for row in rows for value in table.written(row)]
            cursor.execute(f"{table.insert} {lines} RETURNING {table.key}", written)
            for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = key
                _is_kept(row)
        return rows

    @property
    def _table(self) -> _Table:
        connection = connections[DEFAULT_DB_ALIAS]
        table: _Table | None = getattr(self._here, "table", None)
        if table is None or table.connection is not connection:
            table = self._here.table = _Table(self._model, connection)
        return table


class _Table:
    """A model's table as one connection's database spells it."""

    def __init__(self, model: type[Model], connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        fields: list[Any] = list(model._meta.local_concrete_fields)
        key: Any = model._meta.pk
        inserted = [field for field in fields if not (field.primary_key and getattr(key, "db_returning", False))]
        name = connection.ops.quote_name
        self.names = [field.attname for field in fields]
        self.key = name(key.column)
        self.line = f"({', '.join(['%s'] * len(inserted))})"
        columns, written = (", ".join(name(field.column) for field in each) for each in (fields, inserted))
        self.select = f"SELECT {columns} FROM {name(model._meta.db_table)}"  # noqa: S608
        self.insert = f"INSERT INTO {name(model._meta.db_table)} ({written}) VALUES"
        self._converters = [
            (number, converts)
            for number, field in enumerate(fields)
            if (converts := _converters(field, model._meta.db_table, connection))
        ]
        self._adapts: list[tuple[Any, Adapt]] = [(field, field.get_db_prep_save) for field in inserted]
        self._plain = PLAIN_ON_POSTGRESQL if connection.vendor == "postgresql" else PLAIN

    def read(self, row: Sequence[Any]) -> list[Any]:
        """A row of the database as its fields' values."""
        values = list(row)
        for number, converts in self._converters:
            for convert in converts:
                values[number] = convert(values[number], None, self.connection)
        return values

    def written(self, row: Model) -> list[Any]:
        """A new row's values as the database takes them."""
        values = []
        for field, adapt in self._adapts:
            value = field.pre_save(row, True)
            values.append(value if type(value) in self._plain else adapt(value, self.connection))
        return values

    def plain(self, value: Any) -> Any:
        """A value of a condition as the database takes it."""
        if type(value) in self._plain:
            return value
        if isinstance(value, datetime):
            return self.connection.ops.adapt_datetimefield_value(value)
        return value.hex if isinstance(value, UUID) else value


def _converters(field: Any, table: str, connection: BaseDatabaseWrapper) -> list[Convert]:
    """What turns a column into a field's value; most need nothing."""
    column = field.get_col(table)
    return [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]


def _is_kept(row: Model) -> None:
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
