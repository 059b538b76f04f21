"""Queries whose SQL Django writes once, asked with other values each time: those that the API's every request pays for.

Django writes the text of a query anew on each call. Of a list of fifty orders that was three quarters of the time (measured).
What stands here is put together by the ORM all the same, with a `Given` where each asking brings a value; its text is kept.
"""

from collections.abc import Callable, Mapping
from threading import local
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Field, QuerySet

Row = tuple[Any, ...]
Converters = list[tuple[int, list[Callable[[Any, Any, Any], Any]], Any]]


class Given(Expression):
    """In a query, the place of a value that each asking brings by its name."""

    def __init__(self, name: str, kind: "Field[Any, Any]") -> None:
        super().__init__(output_field=kind)
        self.name, self._kind = name, kind

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return "%s", (self,)

    def taken(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """The value, as this database takes it."""
        return self._kind.get_db_prep_value(values[self.name], connection)


class KeptQuery:
    """A `values_list()` with Givens in its conditions, made by `make` when it is first asked."""

    def __init__(self, make: Callable[[], QuerySet[Any, Row]]) -> None:
        self._make = make
        self._here = local()  # the connection of a thread is its own

    def ask(self, values: Mapping[str, Any], most: int) -> list[Row]:
        """The rows that there are now, `most` of them. Every Given needs its value: KeyError."""
        text = self._text
        connection = text.connection
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.cursor.format = 1  # binary: psycopg reads times and keys several times faster than from text
            cursor.execute(text.sql, [*text.parameters(values), most])
            return text.read(cursor.fetchall())

    @property
    def _text(self) -> "_Text":
        connection = connections[DEFAULT_DB_ALIAS]
        text: _Text | None = getattr(self._here, "text", None)
        if text is None or text.connection is not connection:
            text = self._here.text = _Text(self._make(), connection)
        return text


class _Text:
    """A query as one connection's database is asked it."""

    def __init__(self, rows: QuerySet[Any, Row], connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        compiler: Any = rows.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        self.sql = f"{sql} LIMIT %s"
        self._parameters: list[Any] = list(parameters)
        found: dict[int, Any] = compiler.get_converters([column for column, _sql, _name in compiler.select])
        self._converters: Converters = [(number, converts, column) for number, (converts, column) in found.items()]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        return [each.taken(values, self.connection) if isinstance(each, Given) else each for each in self._parameters]

    def read(self, rows: list[Row]) -> list[Row]:
        """The database's rows as Django would give them."""
        return [self._read(row) for row in rows] if self._converters else rows

    def _read(self, row: Row) -> Row:
        values = list(row)
        for number, converts, column in self._converters:
            for convert in converts:
                values[number] = convert(values[number], column, self.connection)
        return tuple(values)
