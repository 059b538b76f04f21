"""What every test stands on: a real Redis of its own, a cache and an epoch that remember nothing of the test before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core.cache import cache
from django.dispatch import receiver
from django.http import HttpRequest
from hypothesis import settings as drawing

from accounts.services import sessions
from config.environment import read_environment
from config.supervision.embedded_redis import EmbeddedRedis
from tests.servers.kis.client import KisSandbox

drawing.register_profile("patient", drawing.default, deadline=None)  # how long one example takes says nothing here
drawing.load_profile("patient")
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback"}


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "only tests that ask a database something: what the others say does not depend on which one it is"
    parser.addoption("--only-database", action="store_true", help=told)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--only-database"):
        return
    left_out = [item for item in items if not _asks_a_database(item)]
    items[:] = [item for item in items if _asks_a_database(item)]
    config.hook.pytest_deselected(items=left_out)


def _asks_a_database(item: pytest.Item) -> bool:
    is_marked = any(item.get_closest_marker(name) for name in ("django_db", "postgres"))
    return is_marked or bool(DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))


@receiver(user_logged_in)
def _as_if_by_every_factor(request: HttpRequest, **_more: object) -> None:
    """Who is put in by `force_login` counts as having shown a second factor; the sign-in's own form says what was shown."""
    if request.method is None:
        sessions.prove(request, second_factor=True)


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> Iterator[str]:
    """The URL of the Redis behind channel layer, cache and Celery: the one given, else one that ends with the tests."""
    environment = read_environment()
    if environment.redis_url:
        yield environment.redis_url
        return
    server = EmbeddedRedis(environment.redis_socket)
    server.start()
    try:
        yield settings.REDIS_URL
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def _fresh_cache(redis_server: str) -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _fresh_epoch() -> None:
    """A database that is flushed or rolled back would look like a restored backup beside the last test's epoch."""
    Path(settings.EPOCH_FILE).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def kis_process() -> Iterator[KisSandbox]:
    """The KIS sandbox in a process of its own; whoever uses it resets it first."""
    with KisSandbox() as started:
        yield started
