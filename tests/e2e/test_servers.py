"""`manage.py up` beside servers of one's own: PostgreSQL and Redis from outside instead of the embedded pair."""

import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.e2e.running import RunningKairos

pytestmark = [pytest.mark.processes, pytest.mark.postgres]
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "")
REDIS = os.environ.get("TEST_REDIS_URL", "")


@pytest.fixture
def fresh_database() -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped afterwards."""
    if not POSTGRES:
        pytest.skip("TEST_POSTGRES_URL names no PostgreSQL server")
    name = f"kairos_{uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    yield f"{POSTGRES.rpartition('/')[0]}/{name}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_it_runs_on_postgresql_and_leaves_no_process(
    fresh_database: str, start_kairos: Callable[..., RunningKairos]
) -> None:
    kairos = start_kairos("--no-demo", DATABASE_URL=fresh_database)
    kairos.wait_until_ready()
    status = kairos.manage("db_status")
    assert "PostgreSQL" in status.stdout
    assert "up to date" in status.stdout
    assert kairos.stop() < 10
    assert kairos.left_over() == []
    assert not (kairos.var / "kairos.sqlite3").exists()


def test_a_given_redis_is_used_and_no_other_started(start_kairos: Callable[..., RunningKairos]) -> None:
    if not REDIS:
        pytest.skip("TEST_REDIS_URL names no Redis server")
    kairos = start_kairos("--no-demo", REDIS_URL=f"{REDIS.rpartition('/')[0]}/15")
    kairos.wait_until_ready()
    assert "redis" not in kairos.processes()
    assert kairos.stop() < 10


def test_a_wrong_database_password_is_one_sentence_that_does_not_show_it(
    fresh_database: str, start_kairos: Callable[..., RunningKairos]
) -> None:
    user, _, place = fresh_database.removeprefix("postgresql://").rpartition("@")
    kairos = start_kairos(DATABASE_URL=f"postgresql://{user.partition(':')[0]}:hunter2@{place}")
    assert kairos.supervisor.wait(timeout=30) == 1
    assert kairos.errors().startswith("Kairos cannot start: DATABASE_URL: the database cannot be used")
    assert kairos.errors().count("\n") == 1
    assert "hunter2" not in kairos.errors()
