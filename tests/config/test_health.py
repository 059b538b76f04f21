"""/health: what a probe, an operator and the supervisor are told."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from config.health import DOWN, NOW, Reading, overall, reading
from config.tasks import beat_canary
from markets.models import PriceFeed
from markets.types import Source
from trading.models import Halt, Pulse

T0 = datetime(2026, 1, 2, tzinfo=UTC)
ALL_UP = dict.fromkeys(("database", "redis", "worker", "beat", "feed", "dispatch"), NOW)
LATE = Reading("late", 99.0)
Queries = Callable[..., AbstractContextManager[Any]]


def test_a_sign_of_life_is_up_until_it_is_late() -> None:
    assert reading(T0, T0 + timedelta(seconds=10), 10) == Reading("up", 10.0)
    assert reading(T0, T0 + timedelta(seconds=11), 10) == Reading("late", 11.0)
    assert reading(None, T0, 10) == DOWN


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ("ready", 200)),
        ({"redis": DOWN}, ("degraded", 200)),
        ({"redis": DOWN, "worker": LATE, "beat": DOWN}, ("degraded", 200)),
        ({"worker": LATE}, ("degraded", 200)),
        ({"worker": DOWN}, ("not ready", 503)),
        ({"beat": DOWN}, ("not ready", 503)),
        ({"feed": LATE}, ("not ready", 503)),
        ({"feed": DOWN}, ("not ready", 503)),
        ({"dispatch": LATE}, ("not ready", 503)),
        ({"database": DOWN}, ("not ready", 503)),
        ({"redis": DOWN, "feed": LATE}, ("not ready", 503)),
    ],
)
def test_ready_needs_every_part_once_and_database_dispatch_and_feed_always(
    changed: dict[str, Reading], expected: tuple[str, int]
) -> None:
    assert overall(ALL_UP | changed) == expected


@pytest.fixture
def everything_lives(db: None) -> datetime:
    now = timezone.now()
    for name in ("worker", "beat", "dispatch"):
        Pulse.objects.create(name=name, at=now)
    PriceFeed.objects.create(source=Source.SIMULATOR, market_time=now, heartbeat_at=now)
    return now


def test_ready_names_every_part_with_its_age(client: Client, everything_lives: datetime) -> None:
    answer = client.get("/health/ready")
    found = answer.json()
    assert (answer.status_code, found["status"]) == (200, "ready")
    for part in ALL_UP:
        assert found[part]["state"] == "up"
        assert 0 <= found[part]["age_seconds"] < 5
    assert (found["halt"], found["unresolved"]) == ("active", 0)


@pytest.mark.parametrize("mode", ["reduce_only", "halted"])
def test_ready_tells_that_the_site_is_stopped_and_stays_ready(
    client: Client, everything_lives: datetime, mode: str
) -> None:
    """A stop is what somebody wanted: no reason to restart anything. One account's stop is not the site's."""
    Halt.objects.update_or_create(scope="account", target="1", defaults={"mode": "halted"})
    assert client.get("/health/ready").json()["halt"] == "active"
    Halt.objects.update_or_create(scope="site", target="", defaults={"mode": mode})
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["halt"]) == (200, mode)


def test_a_fresh_system_is_not_ready(client: Client, db: None) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["feed"] == {"state": "down", "age_seconds": None}


def test_a_frozen_feed_is_seen_after_ten_seconds_even_if_an_older_one_stands_beside_it(
    client: Client, everything_lives: datetime
) -> None:
    PriceFeed.objects.update(heartbeat_at=everything_lives - timedelta(seconds=12))
    PriceFeed.objects.create(source=Source.REPLAY, market_time=T0, heartbeat_at=T0)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["feed"]["state"]) == (503, "late")
    assert 12 <= answer.json()["feed"]["age_seconds"] < 20


def test_ready_costs_at_most_five_queries(
    client: Client, everything_lives: datetime, django_assert_max_num_queries: Queries
) -> None:
    with django_assert_max_num_queries(5):
        client.get("/health/ready")


@pytest.fixture
def database_is_away(db: None) -> Iterator[None]:
    """Every statement fails, as after the server's end."""
    from django.db import OperationalError

    def refuse(*_args: Any) -> Any:
        raise OperationalError("connection refused: secret-host")

    with connection.execute_wrapper(refuse):
        yield


def test_without_a_database_ready_and_db_say_so_and_live_stays(client: Client, database_is_away: None) -> None:
    ready, database = client.get("/health/ready"), client.get("/health/db")
    assert (ready.status_code, ready.json()["database"]["state"]) == (503, "down")
    assert ready.json()["redis"]["state"] == "up"
    assert (ready.json()["unresolved"], ready.json()["halt"]) == (None, None)
    assert (database.status_code, database.json()) == (503, {"status": "down"})
    assert b"secret-host" not in ready.content + database.content
    assert client.get("/health/live").status_code == client.get("/health").status_code == 200


def test_without_redis_ready_is_degraded(client: Client, everything_lives: datetime, settings: Any) -> None:
    """I47."""
    from config import health

    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    health._redis.cache_clear()
    try:
        answer = client.get("/health/ready")
    finally:
        health._redis.cache_clear()
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["redis"] == {"state": "down", "age_seconds": None}


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/db", "/health/ready"])
def test_health_needs_no_sign_in_no_slash_and_no_https(client: Client, everything_lives: datetime, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "Set-Cookie" not in answer
    assert client.post(path).status_code == 405


def test_the_canary_writes_that_beat_and_worker_live(db: None) -> None:
    beat_canary()
    beat_canary()
    seen = dict(Pulse.objects.values_list("name", "at"))
    assert set(seen) == {"beat", "worker"}
    assert all(timezone.now() - at < timedelta(seconds=5) for at in seen.values())


def test_the_canary_rings_more_often_than_its_silence_is_called_late() -> None:
    from config.celery import app
    from config.health import LATE_AFTER

    every = app.conf.beat_schedule["prove that beat and worker live"]["schedule"]
    assert every * 2 < LATE_AFTER["beat"]
    assert settings.CELERY_BROKER_URL.startswith(("redis+socket://", "redis://"))
