"""What the database refuses by itself, whoever asks: facts are added, never changed, and journals sum to zero (I16, I19)."""

# ruff: noqa: S608 (the names in these statements are our own)

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Model

from accounts.models import AuditEntry
from accounts.services.audit import record
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Side
from strategies.models import StrategyVersion
from tests import factories as make
from trading import services
from trading.guards.append_only import APPEND_ONLY
from trading.guards.rights import rights_on
from trading.models import Fill, Journal, Order, OrderEvent, Posting, SignalStep
from trading.services.ledger.audit import check_books
from trading.services.running import guards

pytestmark = pytest.mark.django_db
FACTS: list[type[Model]] = [AuditEntry, Fill, Journal, OrderEvent, Posting, SignalStep, StrategyVersion]
ROLE = "kairos_restricted_by_a_test"
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has neither roles nor deferred triggers"
)


@pytest.fixture
def account(instrument: Instrument) -> BrokerAccount:
    """At least one row in every table of facts."""
    account = make.make_account(make.make_user())
    order = make.hold(account, instrument, 10, 70_000)
    plan = make.make_plan(account, instrument)
    SignalStep.objects.create(plan=plan, cycle=1, from_signal=0, to_signal=1, order=order, at=make.NOW)
    record(account.user, "test", "nothing")
    return account


def refused(statement: str, refusal: type[Exception] = IntegrityError) -> str:
    """What the database says to the statement, which must touch a row."""
    with pytest.raises(refusal) as e:
        execute(statement)
    return str(e.value)


@transaction.atomic
def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@transaction.atomic
def post(journal: Journal, *lines: tuple[str, str, int]) -> None:
    """Write lines of (bucket, asset, amount) and look at them as a commit does."""
    for bucket, asset, amount in lines:
        Posting.objects.create(journal=journal, bucket=bucket, asset=asset, amount=amount)
    connection.check_constraints()


def test_every_table_of_facts_is_kept() -> None:
    assert {model._meta.db_table for model in FACTS} == set(APPEND_ONLY)


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_fact_is_neither_updated_nor_deleted_even_by_the_owner(account: BrokerAccount, table: str) -> None:
    """I19."""
    key = "number" if table == "accounts_auditentry" else "id"
    assert "append_only" in refused(f"UPDATE {table} SET {key} = {key}")
    assert "append_only" in refused(f"DELETE FROM {table}")
    assert "append_only" in refused(f"DELETE FROM {table} WHERE {key} = (SELECT {key} FROM {table} LIMIT 1)")


@on_postgresql
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_table_of_facts_is_not_emptied_at_once(account: BrokerAccount, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what waits for the commit would stand in the way before us
    assert "append_only" in refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own way around a trigger")
def test_replace_is_a_delete_that_is_heard(account: BrokerAccount) -> None:
    assert "append_only" in refused("REPLACE INTO trading_journal SELECT * FROM trading_journal")


@pytest.mark.parametrize("model", FACTS)
def test_models_have_no_other_way(account: BrokerAccount, model: type[Model]) -> None:
    row = model._default_manager.first()
    assert row is not None
    for attempt in (row.save, row.delete, model._default_manager.all().delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
    assert model._default_manager.filter(pk=row.pk).exists()


@on_postgresql
def test_a_journal_that_does_not_sum_to_zero_is_refused_at_commit(account: BrokerAccount) -> None:
    """I16: only then, for a journal is written line by line."""
    journal = Journal.objects.create(broker_account=account, kind="adjustment", source="test", at=make.NOW)
    with pytest.raises(IntegrityError, match=r"journal_sums_to_zero.* 5\.0* KRW"):
        post(journal, ("available", "KRW", 5))
    post(journal, ("available", "KRW", 5), ("external", "KRW", -5))


@on_postgresql
def test_assets_do_not_make_up_for_one_another(account: BrokerAccount) -> None:
    journal = Journal.objects.create(broker_account=account, kind="adjustment", source="test", at=make.NOW)
    with pytest.raises(IntegrityError, match="journal_sums_to_zero"):
        post(journal, ("available", "KRW", 5), ("available", "USD", -5))


@on_postgresql
def test_a_line_added_to_an_old_journal_is_refused(account: BrokerAccount) -> None:
    with pytest.raises(IntegrityError, match="journal_sums_to_zero"):
        post(Journal.objects.earliest("id"), ("available", "KRW", 1))


def objects() -> set[tuple[str, str, str]]:
    return {key for key in guards.installed() if key[0] != "function"}


def test_what_is_missing_or_changed_comes_back_and_what_is_there_is_left_alone() -> None:
    there = objects()
    assert {name for kind, name, _on in there if kind == "view"} >= {"v_orders", "v_halts"}
    on = " ON trading_posting" if connection.vendor == "postgresql" else ""
    trigger = "kairos_keep_rows" if on else "kairos_trading_posting_no_update"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {trigger}{on}")
        cursor.execute("DROP VIEW v_orders")
        cursor.execute("CREATE VIEW v_orders AS SELECT 1 AS id")
        cursor.execute("CREATE VIEW v_of_another_release AS SELECT 1 AS id")
    assert objects() != there
    guards.install(migrated=True)
    assert objects() == there
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM v_orders")


def test_nothing_is_made_where_nothing_has_changed() -> None:
    """No lock on any table while the system trades."""
    statements: list[str] = []

    def listen(execute: object, sql: str, *rest: object) -> object:
        statements.append(sql)
        return execute(sql, *rest)  # type: ignore[operator]

    with connection.execute_wrapper(listen):
        guards.install(migrated=True)
    assert [sql for sql in statements if not sql.lstrip().upper().startswith(("SELECT", "SAVEPOINT", "RELEASE"))] == []


@on_postgresql
def test_a_trigger_that_was_switched_off_comes_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trading_posting DISABLE TRIGGER USER")
        guards.install(migrated=True)
        cursor.execute("SELECT tgenabled FROM pg_trigger WHERE tgname LIKE 'kairos%'")
        assert {state for (state,) in cursor.fetchall()} == {"O"}


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
        yield
        cursor.execute("RESET ROLE")


@pytest.fixture
def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE} LOGIN")
    call_command("restrict_role", ROLE, stdout=StringIO())
    return ROLE


@on_postgresql
def test_the_applications_role_can_change_no_fact(account: BrokerAccount, role: str) -> None:
    """I19: 100 % refused, by its rights already."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    tried = 0
    with acting_as(role):
        for table in APPEND_ONLY:
            key = "number" if table == "accounts_auditentry" else "id"
            for statement in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                assert "permission denied" in refused(statement, ProgrammingError)
                tried += 1
    assert tried == 3 * len(FACTS)


@on_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE trading_posting (id int)",
        "DROP TRIGGER kairos_keep_rows ON trading_posting",
        "ALTER TABLE trading_posting DISABLE TRIGGER USER",
        "SET session_replication_role = replica",
        "CREATE ROLE another",
        "DELETE FROM trading_order",
        "DELETE FROM trading_balance",
        "UPDATE django_migrations SET name = name",
        "UPDATE auth_permission SET name = name",
        "SELECT setval('trading_posting_id_seq', 1)",
    ],
)
def test_the_applications_role_can_do_nothing_else_either(role: str, statement: str) -> None:
    with acting_as(role):
        refused(statement, ProgrammingError)


@on_postgresql
def test_the_applications_role_can_trade(role: str) -> None:
    """Everything from a new person to a sale, with the deferred checks of a commit."""
    with acting_as(role):
        instrument = make.make_instrument()
        make.put_price(instrument, 70_000)
        account = make.make_account(make.make_user())
        make.hold(account, instrument, 10, 70_000)
        sale = make.accept(make.place(account, instrument, side=Side.SELL, quantity=Decimal(4)))
        services.match_virtual(instrument, make.make_book(instrument, 71_000))
        waiting = make.place(account, instrument)
        services.cancel_order(account.user, waiting.pk)
        record(account.user, "test", "nothing")
        guards.install(migrated=True)
        connection.check_constraints()
        assert make.fresh(sale).state == "filled"
        assert check_books().differences == ()
        assert Order.objects.count() == 3


@on_postgresql
@pytest.mark.parametrize(
    ("role", "why"),
    [("nobody_of_this_name", "there is no role"), ("CURRENT", "attributes beyond LOGIN"), ("OWNING", "owns tables")],
)
def test_a_role_that_would_keep_other_rights_is_refused(role: str, why: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (owner,) = cursor.fetchone()
        cursor.execute(f"CREATE ROLE {ROLE} LOGIN")
        if role == "OWNING":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE trading_pulse OWNER TO {ROLE}")
    named = {"CURRENT": owner, "OWNING": ROLE}.get(role, role)
    with pytest.raises(CommandError, match=why):
        call_command("restrict_role", named)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has roles")
def test_without_roles_the_command_says_so() -> None:
    with pytest.raises(CommandError, match="no roles"):
        call_command("restrict_role", ROLE)


def test_every_table_of_ours_has_its_rights_and_no_row_of_the_order_path_can_be_deleted() -> None:
    """A new table of the order path is kept unless somebody says otherwise."""
    deletable = {
        model._meta.db_table for model in apps.get_app_config("trading").get_models()
        if "DELETE" in rights_on(model._meta.db_table)
    }  # fmt: skip
    assert deletable == {"trading_idempotencykey", "trading_pulse", "trading_risklimit"}
    assert rights_on("accounts_audittail") == ("SELECT", "INSERT", "UPDATE")
