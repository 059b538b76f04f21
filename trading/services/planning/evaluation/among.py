"""A condition for hundreds of keys: one array, where `pk__in` is a placeholder for each of them.

Making such a statement for five hundred plans takes longer than asking their rules.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Lookup
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler


def among(name: str, keys: Collection[UUID]) -> "Among":
    """Whether the column has one of these keys."""
    return Among(F(name), list(keys))


class Among(Lookup):
    prepare_rhs = False  # the keys are UUIDs as they are

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return In(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        sql, params = self.process_lhs(compiler, connection)
        return f"{sql} = ANY(%s)", [*params, self.rhs]
