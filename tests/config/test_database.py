"""The database's state as an operator sees it, and migrations there and back (P12, M08)."""

import io
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from config.database import COUNTED, database_status, pending_migrations
from config.environment import BASE_DIR
from tests.e2e.running import clean_environment, manage
from trading.services.running import guards

OURS = ("accounts", "markets", "brokers", "strategies", "trading", "backtests")


def test_the_status_shows_engine_rows_size_and_no_pending_migration(db: None) -> None:
    User.objects.create_user("a@example.com", None)
    status = database_status()
    assert status.engine.startswith(connection.display_name)
    assert status.rows["accounts.User"] == 1
    assert set(status.rows) == set(COUNTED)
    assert status.size > 10_000
    assert status.pending == []


def test_the_command_prints_one_line_per_fact(db: None) -> None:
    said = io.StringIO()
    call_command("db_status", stdout=said)
    lines = said.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["engine", "place", "size", "migrations", *COUNTED]


def test_an_empty_database_says_what_is_pending(tmp_path: Path) -> None:
    ended = manage("db_status", environment=clean_environment(tmp_path / "var", 8000))
    assert ended.returncode == 0, ended.stderr
    assert "pending: " in ended.stdout
    assert "accounts.0001_initial" in ended.stdout
    assert re.search(r"^trading\.Order +no table$", ended.stdout, re.MULTILINE)


def test_a_database_out_of_reach_is_one_sentence_without_its_password(tmp_path: Path) -> None:
    environment = clean_environment(
        tmp_path / "var", 8000, DATABASE_URL="postgresql://kairos:hunter2@127.0.0.1:1/kairos"
    )
    ended = manage("db_status", environment=environment)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "DATABASE_URL" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_no_app_of_ours_with_tables_is_left_out_below() -> None:
    ours = [app for app in apps.get_app_configs() if Path(app.path).parent == BASE_DIR]
    assert {app.label for app in ours if list(app.get_models())} == set(OURS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("app", OURS)
def test_an_app_migrates_to_nothing_and_back(app: str) -> None:
    """M08: on the database under test, SQLite or PostgreSQL. Apps that build on it go with it and come back."""
    before, guarded = set(connection.introspection.table_names()), guards.installed()
    own = {model._meta.db_table for model in apps.get_app_config(app).get_models()}
    try:
        call_command("migrate", app, "zero", verbosity=0)
        left = set(connection.introspection.table_names())
        assert own & left == set()
        assert any(name.startswith(f"{app}.") for name in pending_migrations())
    finally:
        call_command("migrate", verbosity=0)
    assert set(connection.introspection.table_names()) == before
    assert guards.installed() == guarded
    assert pending_migrations() == []
