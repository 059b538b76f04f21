"""What a power cut may take: never a claim (I1)."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from trading.services.ledger.durability import commit_without_waiting_for_the_disk, waiting_for_the_disk
from trading.tasks import dispatch_orders

NORMAL, FULL = 1, 2

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL always waits for the disk"),
]


@pytest.fixture(autouse=True)
def _a_connection_of_its_own() -> Iterator[None]:
    connection.close()
    yield
    connection_created.disconnect(dispatch_uid="commit without waiting for the disk")
    connection.close()


def level() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        return int(cursor.fetchone()[0])


def test_commits_wait_for_the_disk_unless_a_process_says_otherwise() -> None:
    assert level() == FULL


def test_a_process_that_need_not_wait_still_waits_while_it_sends() -> None:
    connection.ensure_connection()
    commit_without_waiting_for_the_disk()
    assert level() == NORMAL
    with waiting_for_the_disk():
        assert level() == FULL
    assert level() == NORMAL
    dispatch_orders()
    assert level() == NORMAL
