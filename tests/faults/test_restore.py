"""A backup put back by pg_restore sends nothing: its orders may have gone out long ago (I50). Real dump, real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.running import ROOT, clean_environment, free_port, manage, wait_until
from tests.faults.servers import NoPostgres, Postgres, binaries, own_postgres

pytestmark = pytest.mark.processes


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    try:
        with own_postgres() as server:
            yield server
    except NoPostgres as e:
        pytest.skip(str(e))


@pytest.fixture
def database(postgres: Postgres, tmp_path: Path) -> dict[str, str]:
    """The environment of an installation with an order that waits to be sent."""
    url = postgres.create("kairos")
    environment = clean_environment(tmp_path / "var", free_port(), DATABASE_URL=url)
    assert manage("migrate", "--verbosity", "0", environment=environment, seconds=120).returncode == 0
    place = subprocess.run(
        [sys.executable, "-m", "tests.faults.waiting_order"], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert place.returncode == 0, place.stderr
    return environment


@contextmanager
def dispatching(environment: dict[str, str]) -> Iterator[None]:
    """`manage.py dispatch` as it runs in production, until the block ends."""
    process = subprocess.Popen([sys.executable, "manage.py", "dispatch"], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def ask(environment: dict[str, str], statement: str) -> list[Any]:
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_an_old_dump_put_back_halts_the_site_and_sends_nothing_until_a_person_says_so(
    postgres: Postgres, database: dict[str, str], tmp_path: Path
) -> None:
    dump = tmp_path / "kairos.dump"
    url = database["DATABASE_URL"]
    tool = binaries()
    subprocess.run([tool / "pg_dump", "--format=custom", "--file", dump, url], check=True)
    with dispatching(database):
        wait_until(lambda: states(database) == ["accepted"], 60, "the order goes out")
    postgres.drop("kairos")
    postgres.create("kairos")
    subprocess.run([tool / "pg_restore", "--dbname", url, dump], check=True, env=os.environ)
    assert states(database) == ["pending"]  # what the backup believes
    with dispatching(database):
        halted = "SELECT mode, reason FROM trading_halt WHERE scope = 'site'"
        wait_until(lambda: ask(database, halted) == [("halted", "restored_backup")], 60, "the site is halted")
        wait_until(lambda: states(database) == ["withdrawn"], 60, "what had not been sent by then is called back")
    sent = ask(database, "SELECT count(*) FROM trading_orderattempt")
    assert sent == [(0,)]
    assert manage("resume", "--site", environment=database).returncode == 0
    assert ask(database, halted) == [("active", "")]


def states(environment: dict[str, str]) -> list[str]:
    return [state for (state,) in ask(environment, "SELECT state FROM trading_order")]
