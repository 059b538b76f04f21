"""Giving a PostgreSQL role what the application needs, and nothing more: what owners may do is for migrations."""

from collections.abc import Iterator

from django.db import connection, transaction

from trading.errors import TradingError
from trading.guards.rights import rights_on


class RoleCannotBeRestricted(TradingError):
    """The database, or what the role is anyway, would leave these rights without effect. The message says why."""

    code = "role_cannot_be_restricted"


@transaction.atomic
def restrict(role: str) -> dict[str, tuple[str, ...]]:
    """Grant `role` the rights of `guards.rights` on every table of ours, and no others; what it may now do, by table.

    To be repeated after a migration that brings new tables. Raises RoleCannotBeRestricted.
    """
    if connection.vendor != "postgresql":
        raise RoleCannotBeRestricted("SQLite has no roles: its triggers stand in for them")
    _check(role)
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    rights = {table: rights_on(table) for table in sorted({*tables, "django_migrations"})}
    with connection.cursor() as cursor:
        for statement in _statements(connection.ops.quote_name(role), rights):
            cursor.execute(statement)
    return rights


def _check(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles"
            " WHERE rolname = %s",
            [role],
        )
        found = cursor.fetchone()
        if found is None:
            raise RoleCannotBeRestricted(f"there is no role {role}; CREATE ROLE {role} LOGIN PASSWORD '…' makes one")
        if found[0]:
            raise RoleCannotBeRestricted(f"{role} has attributes beyond LOGIN; take a role that has none")
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
            " AND pg_has_role(%s, relowner, 'MEMBER')",
            [role],
        )
        if cursor.fetchone()[0]:
            raise RoleCannotBeRestricted(f"{role} owns tables, or is a member of the role that does")


def _statements(role: str, rights: dict[str, tuple[str, ...]]) -> Iterator[str]:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_schema()")
        database, schema = map(quote, cursor.fetchone())
    yield f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {role}"
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}"
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM {role}"
    yield f"GRANT CONNECT ON DATABASE {database} TO {role}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    for table, allowed in rights.items():
        yield f"GRANT {', '.join(allowed)} ON {schema}.{quote(table)} TO {role}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
