"""Rows for lists, read as the database writes them: exact numbers come as text and are never turned into Decimals."""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, Func, QuerySet, TextField


class ExactText(Func):
    """An exact decimal as its shortest text, `71000` or `0.00012`."""

    template = "trim_scale(%(expressions)s)::text"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS TEXT)", **context)


def select(rows: QuerySet[Any], plain: Iterable[str], exact: Iterable[str]) -> QuerySet[Any, dict[str, Any]]:
    """`values()` of the plain columns as they are, and of the exact ones as texts called `<name>_text`."""
    named = rows.annotate(**{f"{name}_text": ExactText(F(name)) for name in exact})
    found: QuerySet[Any, dict[str, Any]] = named.values(*plain, *(f"{name}_text" for name in exact))
    return found
