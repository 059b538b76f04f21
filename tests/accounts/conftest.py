"""People for the sign-in tests. Hashing a password is quick here; its real cost has a test of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Role, User
from config.celery import app

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashing(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True  # no collected files in a test run


@pytest.fixture(autouse=True)
def tasks_run_at_once() -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def trader(db: None) -> User:
    return User.objects.create_user("Jin@Example.com", PASSWORD, name="jin")


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_user("root@example.com", PASSWORD, role=Role.ADMIN)
