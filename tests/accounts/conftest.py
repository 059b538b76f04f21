"""People for the sign-in tests, and tasks that run where they are sent."""

from collections.abc import Iterator

import pytest

from accounts.models import Role, User
from config.celery import app

PASSWORD = "correct horse battery"


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
