"""Our PostgreSQL backend: a kept connection is asked only where something has come from its server."""

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError

from tests.e2e.running import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _needs_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server that could go away")


@pytest.fixture
def kept() -> BaseDatabaseWrapper:
    """A connection as a process keeps it between two requests."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT 1")
    return other


def test_a_connection_that_is_silent_is_used_without_a_question(kept: BaseDatabaseWrapper) -> None:
    watched = connection.copy()
    with watched.cursor() as cursor:
        cursor.execute("SELECT state_change FROM pg_stat_activity WHERE pid = %s", [_pid(kept)])
        before = cursor.fetchone()
        assert kept.is_usable()
        cursor.execute("SELECT state_change FROM pg_stat_activity WHERE pid = %s", [_pid(kept)])
        assert cursor.fetchone() == before
    watched.close()
    kept.close()


def test_a_connection_its_server_has_closed_is_not_used_again(kept: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [_pid(kept)])
    wait_until(lambda: not kept.is_usable(), 10, "the server has closed it")
    kept.close_if_unusable_or_obsolete()
    with kept.cursor() as cursor:  # a new one, as at the beginning of a request
        cursor.execute("SELECT 1")
    kept.close()


def test_a_connection_in_a_failed_transaction_is_asked(kept: BaseDatabaseWrapper) -> None:
    kept.set_autocommit(False)
    with pytest.raises(OperationalError), kept.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1ms'; SELECT pg_sleep(0); DO $$ BEGIN RAISE query_canceled; END $$")
    assert not kept.is_usable()
    kept.close()


def _pid(of: BaseDatabaseWrapper) -> int:
    return int(of.connection.info.backend_pid)
