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

from django.db import connection
from django.db.models import Model
from django.db.models.fields import Field
from django.utils.functional import cached_property

M = TypeVar("M", bound=Model)
Convert = Callable[[Any, Any, Any], Any]


class Statements(Generic[M]):
    """Reading and inserting whole rows of one model. Conditions are SQL of ours with `%s` for every value."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._here = local()  # the text of a statement depends on the database its thread is connected to

    def read(self, condition: str, values: Sequence[Any], lock: str = "") -> list[M]:
        """The rows that meet `condition`, as they are now. `lock` is said to PostgreSQL alone: SQLite locks as a whole."""
        sql = f"{self._shape.select} WHERE {condition}"
        if lock and connection.vendor == "postgresql":
            sql = f"{sql} {lock}"
        with connection.cursor() as cursor:
            cursor.execute(sql, [self._shape.plain(value) for value in values])
            return [self._made(row) for row in cursor.fetchall()]

    def first(self, condition: str, values: Sequence[Any], lock: str = "") -> M | None:
        """The one row that meets `condition`, where there can be only one."""
        rows = self.read(condition, values, lock)
        return rows[0] if rows else None

    def insert(self, rows: Sequence[M], on_conflict: str = "") -> int:
        """Write new rows in one statement; how many were written. A key the database makes is left unset."""
        shape = self._shape
        line = f"({', '.join(['%s'] * len(shape.written))})"
        sql = f"{shape.insert} {', '.join([line] * len(rows))} {on_conflict}"
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for row in rows for value in shape.values(row)])
            written = int(cursor.rowcount)
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias
        return written

    def insert_numbered(self, row: M) -> M:
        """Write one new row and give it the key that the database made."""
        shape = self._shape
        sql = f"{shape.insert} ({', '.join(['%s'] * len(shape.written))}) RETURNING {shape.key}"
        with connection.cursor() as cursor:
            cursor.execute(sql, shape.values(row))
            row.pk = cursor.fetchone()[0]
        row._state.adding, row._state.db = False, connection.alias
        return row

    @property
    def _shape(self) -> _Shape:
        shape: _Shape | None = getattr(self._here, connection.vendor, None)
        if shape is None:
            shape = _Shape(self._model)
            setattr(self._here, connection.vendor, shape)
        return shape

    def _made(self, row: Sequence[Any]) -> M:
        values = list(row)
        for number, converts in self._shape.converters:
            for convert in converts:
                values[number] = convert(values[number], None, connection)
        return self._model.from_db(connection.alias, self._shape.names, values)


class _Shape:
    """A model's table as one kind of database spells it."""

    def __init__(self, model: type[Model]) -> None:
        self._meta = model._meta
        self.fields: list[Field[Any, Any]] = list(model._meta.local_concrete_fields)
        self.names = [field.attname for field in self.fields]
        made_by_database = getattr(model._meta.pk, "db_returning", False)
        self.written = [field for field in self.fields if not (field.primary_key and made_by_database)]

    @cached_property
    def key(self) -> str:
        return connection.ops.quote_name(str(self._meta.pk and self._meta.pk.column))

    @cached_property
    def select(self) -> str:
        return f"SELECT {_columns(self.fields)} FROM {connection.ops.quote_name(self._meta.db_table)}"  # noqa: S608

    @cached_property
    def insert(self) -> str:
        return f"INSERT INTO {connection.ops.quote_name(self._meta.db_table)} ({_columns(self.written)}) VALUES"

    @cached_property
    def converters(self) -> list[tuple[int, list[Convert]]]:
        """What turns a column into a field's value, by position; most need nothing."""
        found = []
        for number, field in enumerate(self.fields):
            column = field.get_col(self._meta.db_table)
            converts = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
            if converts:
                found.append((number, converts))
        return found

    @cached_property
    def _adapts(self) -> list[tuple[Field[Any, Any], Callable[[Any, Any], Any]]]:
        return [(field, field.get_db_prep_save) for field in self.written]

    def values(self, row: Model) -> list[Any]:
        return [adapt(field.pre_save(row, True), connection) for field, adapt in self._adapts]

    @cached_property
    def _adapt(self) -> dict[type, Callable[[Any], Any]]:
        adapt: dict[type, Callable[[Any], Any]] = {datetime: connection.ops.adapt_datetimefield_value}
        if not connection.features.has_native_uuid_field:
            adapt[UUID] = _hex
        return adapt

    def plain(self, value: Any) -> Any:
        """A value of a condition as the database takes it."""
        adapt = self._adapt.get(type(value))
        return adapt(value) if adapt else value


def _hex(value: UUID) -> str:
    return value.hex


def _columns(fields: Sequence[Field[Any, Any]]) -> str:
    return ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
