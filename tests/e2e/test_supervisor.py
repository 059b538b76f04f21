"""`manage.py up` as an operator meets it: it starts, survives, says what is wrong, and leaves nothing behind."""

import http.server
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.running import RunningKairos, clean_environment, free_port, manage, wait_until

pytestmark = pytest.mark.processes
ROLES = ("web", "dispatch", "feed", "worker", "beat", "redis")


@pytest.fixture(scope="module")
def bare_kairos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKairos]:
    """A running system without the demo, shared by the tests that only break it and watch it heal."""
    kairos = RunningKairos(tmp_path_factory.mktemp("bare") / "var", "--no-demo").start()
    yield kairos
    kairos.end()


def market_moved(kairos: RunningKairos, since: float) -> bool:
    """Whether a price came later than `since` (monotonic seconds); health rounds ages to a tenth."""
    feed = kairos.health()[1].get("feed", {})
    return feed.get("state") == "up" and bool(feed["age_seconds"] + 0.1 < time.monotonic() - since)


@pytest.mark.parametrize("name", ROLES)
def test_a_killed_child_comes_back_and_the_others_keep_running(bare_kairos: RunningKairos, name: str) -> None:
    bare_kairos.wait_until_ready()
    before = {role: bare_kairos.process(role).pid for role in ROLES}
    bare_kairos.process(name).send_signal(signal.SIGKILL)
    killed_at = time.monotonic()

    wait_until(
        lambda: before[name] not in [p.pid for p in bare_kairos.processes().get(name, [])], 2, f"{name} lives on"
    )
    wait_until(lambda: name in bare_kairos.processes(), 5, f"{name} is not started again")
    wait_until(lambda: market_moved(bare_kairos, killed_at), 5, f"prices stand still after {name} was killed")
    assert time.monotonic() - killed_at < 5
    assert {role: bare_kairos.process(role).pid for role in ROLES if role != name} == {
        role: pid for role, pid in before.items() if role != name
    }


def test_a_killed_worker_takes_its_pool_with_it(bare_kairos: RunningKairos) -> None:
    bare_kairos.wait_until_ready()
    pool = bare_kairos.processes()["task"]
    bare_kairos.process("worker").kill()
    gone, alive = psutil.wait_procs(pool, timeout=3)
    assert (len(gone), alive) == (len(pool), [])


def test_every_part_is_up_again_after_each_was_killed(bare_kairos: RunningKairos) -> None:
    """Also beat and worker, whose signs of life pass through a Redis that was killed and came back empty (I47)."""
    wait_until(
        lambda: all(bare_kairos.health()[1].get(part, {}).get("state") == "up" for part in ROLES if part != "web"),
        45,
        f"{bare_kairos.health()}\n{bare_kairos.errors()}",
    )


def test_ctrl_c_ends_every_process_within_ten_seconds(start_kairos: Callable[..., RunningKairos]) -> None:
    kairos = start_kairos("--no-demo")
    kairos.wait_until_ready()
    assert kairos.stop(signal.SIGINT) < 10
    assert kairos.left_over() == []
    assert not (kairos.var / "redis.sock").exists()


def test_a_terminated_start_leaves_nothing_behind(start_kairos: Callable[..., RunningKairos]) -> None:
    kairos = start_kairos()
    wait_until(lambda: "prepare" in kairos.processes(), 20, "it does not come to preparing the database")
    assert kairos.stop(signal.SIGTERM) < 10
    assert kairos.left_over() == []


def test_a_killed_supervisor_takes_every_process_with_it(start_kairos: Callable[..., RunningKairos]) -> None:
    kairos = start_kairos("--no-demo")
    kairos.wait_until_ready()
    assert len(kairos.processes()["task"]) == 2
    assert len(kairos.left_over()) == 8  # five roles, the worker's two, Redis: the search below finds what there is
    kairos.supervisor.kill()
    kairos.supervisor.wait()
    wait_until(lambda: not kairos.left_over(), 3, f"orphans: {kairos.left_over()}")


def test_a_second_start_in_the_same_folder_is_ready_within_ten_seconds(
    start_kairos: Callable[..., RunningKairos],
) -> None:
    """Even when the first was killed and could put nothing away."""
    first = start_kairos("--no-demo")
    first.wait_until_ready()
    first.supervisor.kill()
    first.supervisor.wait()
    second = start_kairos("--no-demo")
    assert second.wait_until_ready() < 10
    assert "demo sign-in" not in second.output()


def test_a_frozen_feed_turns_readiness_and_is_killed_in_the_end(start_kairos: Callable[..., RunningKairos]) -> None:
    """I48, in a twelfth of the time: 180 s without progress become 15."""
    kairos = start_kairos("--no-demo", KAIROS_ENV="test", KAIROS_TIME_SCALE="12")
    kairos.wait_until_ready()
    frozen = kairos.process("feed")
    frozen.suspend()
    wait_until(lambda: kairos.health()[0] == 503, 12, "readiness does not notice")
    assert kairos.health()[1]["feed"]["state"] == "late"
    wait_until(lambda: not frozen.is_running() or frozen.status() == psutil.STATUS_ZOMBIE, 20, "it stays frozen")
    killed_at = time.monotonic()
    wait_until(lambda: market_moved(kairos, killed_at), 5, "the market does not move again")


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    port = free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        ended = manage("up", environment=clean_environment(tmp_path / "var", port))
    finally:
        server.shutdown()
        server.server_close()
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"PORT: {port} on 127.0.0.1 is already in use" in ended.stderr


def test_a_second_start_beside_a_running_one_is_refused(bare_kairos: RunningKairos) -> None:
    bare_kairos.wait_until_ready()
    ended = manage("up", environment={**bare_kairos.environment, "PORT": str(free_port())})
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"already runs in {bare_kairos.var} (process {bare_kairos.supervisor.pid})" in ended.stderr


def test_the_output_is_one_address_and_the_word_simulated(bare_kairos: RunningKairos) -> None:
    bare_kairos.wait_until_ready()
    address, note = bare_kairos.output().splitlines()
    assert address == f"Kairos: {bare_kairos.url}/"
    assert "모의" in note
    assert "simulated" in note


def test_no_secret_and_no_password_is_visible_in_the_process_list(bare_kairos: RunningKairos) -> None:
    bare_kairos.wait_until_ready()
    secrets = [bare_kairos.environment[name] for name in ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")]
    every = " ".join(part for some in bare_kairos.processes().values() for p in some for part in p.cmdline())
    assert [secret for secret in secrets if secret in every] == []
    assert "requirepass" not in every
    assert (bare_kairos.var / "redis.sock").stat().st_mode & 0o077 == 0
    assert (bare_kairos.var / "kairos.sqlite3").stat().st_mode & 0o077 == 0
