"""What the application's own role may do with each table of PostgreSQL: what the program does, and nothing more (I19)."""

from trading.guards.append_only import APPEND_ONLY

# Written by migrations alone: what there is to have rights on, and which migrations were applied.
READ_ONLY = (
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
)
# Rows of the order path are kept for good, but for signs of life, keys of requests past their 30 days and limits taken back.
FORGOTTEN = ("trading_idempotencykey", "trading_pulse", "trading_risklimit")
KEPT_APPS = ("brokers_", "trading_")
KEPT = ("accounts_audittail", "markets_instrument")

Rights = tuple[str, ...]


def rights_on(table: str) -> Rights:
    """The statements a role needs on this table."""
    if table in READ_ONLY:
        return ("SELECT",)
    if table in APPEND_ONLY:
        return ("SELECT", "INSERT")
    if table in KEPT or (table.startswith(KEPT_APPS) and table not in FORGOTTEN):
        return ("SELECT", "INSERT", "UPDATE")
    return ("SELECT", "INSERT", "UPDATE", "DELETE")
