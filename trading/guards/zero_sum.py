"""A journal's postings sum to zero per asset (I16): looked at when the transaction commits, when all of them are there.

PostgreSQL alone. SQLite has no deferred triggers; there `services.books` and `check_books` keep the promise.
"""

from collections.abc import Iterator

from trading.guards import Guard

REFUSAL = "journal_sums_to_zero"
POSTING = "trading_posting"


def on_postgresql(schema: str) -> Iterator[Guard]:
    yield Guard(
        "function",
        "kairos_journal_sums_to_zero",
        f"""CREATE OR REPLACE FUNCTION {schema}.kairos_journal_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT asset, sum(amount) AS rest INTO wrong FROM {schema}.{POSTING} WHERE journal_id = NEW.journal_id
        GROUP BY asset HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '{REFUSAL}: journal % leaves % %', NEW.journal_id, wrong.rest, wrong.asset
            USING ERRCODE = 'check_violation', CONSTRAINT = '{REFUSAL}', TABLE = '{POSTING}';
    END IF;
    RETURN NULL;
END $$""",  # noqa: S608 our own names
    )
    yield Guard(
        "trigger",
        "kairos_sums_to_zero",
        f"CREATE CONSTRAINT TRIGGER kairos_sums_to_zero AFTER INSERT OR UPDATE ON {schema}.{POSTING} "
        "DEFERRABLE INITIALLY DEFERRED "
        f"FOR EACH ROW EXECUTE FUNCTION {schema}.kairos_journal_sums_to_zero()",
        (POSTING,),
        POSTING,
    )
