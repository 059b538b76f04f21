"""Django's PostgreSQL, whose append-only tables can be emptied between two tests."""

from typing import Any

from django.db.backends.postgresql import operations

from config.backends.postgresql import base
from tests.backends.unguarded import closing, opening


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, *arguments: Any, **options: Any) -> list[str]:
        return [*opening(self.connection), *super().sql_flush(*arguments, **options), *closing(self.connection)]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
