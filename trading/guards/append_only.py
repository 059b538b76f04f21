"""Rows that are facts (I19): no update, no delete, no truncate, whoever asks."""

from collections.abc import Iterator

from trading.guards import Guard

APPEND_ONLY = (
    "accounts_auditentry",
    "strategies_strategyversion",  # what traded by a document must read the same for good (G16)
    "trading_fill",
    "trading_journal",
    "trading_orderevent",
    "trading_posting",
    "trading_signalstep",
)
REFUSAL = "append_only"  # in the error's text on both databases, and its constraint's name on PostgreSQL


def on_postgresql(schema: str) -> Iterator[Guard]:
    yield Guard(
        "function",
        "kairos_append_only",
        f"""CREATE OR REPLACE FUNCTION {schema}.kairos_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}: % of % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = '{REFUSAL}', TABLE = TG_TABLE_NAME;
END $$""",
    )
    for table in APPEND_ONLY:
        for name, event in (
            ("kairos_keep_rows", f"BEFORE UPDATE OR DELETE ON {schema}.{table} FOR EACH ROW"),
            ("kairos_keep_table", f"BEFORE TRUNCATE ON {schema}.{table} FOR EACH STATEMENT"),
        ):
            body = f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION {schema}.kairos_append_only()"
            yield Guard("trigger", name, body, (table,), table)


def on_sqlite() -> Iterator[Guard]:
    """REPLACE would delete past these but for `PRAGMA recursive_triggers`, which every connection of ours sets."""
    for table in APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            name = f"kairos_{table}_no_{event.lower()}"
            body = (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}: {event} of {table} refused'); END"
            )
            yield Guard("trigger", name, body, (table,), table)
