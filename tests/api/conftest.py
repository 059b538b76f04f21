"""People who are signed in through the API, and a client that speaks it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.models import Role, User
from config.celery import app
from tests import factories as make

PASSWORD = "pass phrase for tests"
ADDRESS = "198.51.100.9"


@pytest.fixture(scope="session", autouse=True)
def addresses_are_read() -> None:
    """On a slow machine that takes many seconds: not between a test's quote, which goes stale, and its order."""
    assert get_resolver().url_patterns


@pytest.fixture(autouse=True)
def tasks_run_at_once() -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


class Api:
    """Requests as a program sends them; `token` once it is signed in."""

    def __init__(self, token: str = "", address: str = ADDRESS) -> None:
        self.token, self.address = token, address
        self.refresh_token = self.device_id = self.device_token = ""
        self._client = Client(raise_request_exception=True)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        content: dict[str, Any] = {"REMOTE_ADDR": self.address}
        if body is not None:
            content |= {"data": body, "content_type": "application/json"}
        return self._client.generic(method, path, headers=sent, **self._encoded(content))

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, headers=_spelt(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, _spelt(headers))

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("PATCH", path, body, _spelt(headers))

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("PUT", path, body, _spelt(headers))

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("DELETE", path, body, _spelt(headers))

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> Any:
        """Sign in, and go on as this person where that worked."""
        headers = {"X-Device-Token": self.device_token} if self.device_token else {}
        body = {"email": email, "password": password, **more}
        answer = self.send("POST", "/api/v1/auth/login", body, headers | {"Authorization": ""})
        if answer.status_code == 200:
            self.keep(answer.json())
        return answer

    def keep(self, tokens: dict[str, Any]) -> None:
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        self.device_id = tokens["device_id"]
        self.device_token = tokens.get("device_token", self.device_token)

    def _encoded(self, content: dict[str, Any]) -> dict[str, Any]:
        if isinstance(content.get("data"), bytes | str) or "data" not in content:
            return content
        return content | {"data": self._client._encode_json(content["data"], "application/json")}  # type: ignore[attr-defined]


def _spelt(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def signed_in(user: User, **more: Any) -> Api:
    """The person's device, without the cost of a password."""
    from accounts.services import api_devices

    api = Api()
    tokens = api_devices.sign_in_device(user, name="test", address=ADDRESS, second_factor=user.is_staff)
    api.token, api.refresh_token, api.device_id = tokens.access, tokens.refresh, str(tokens.device.pk)
    return api


@pytest.fixture
def trader(db: None) -> User:
    return make.make_user("jin@example.com")


@pytest.fixture
def viewer(db: None) -> User:
    return make.make_user("viewer@example.com", Role.VIEWER)


@pytest.fixture
def admin(db: None) -> User:
    return make.make_user("root@example.com", Role.ADMIN)


@pytest.fixture
def api(trader: User) -> Api:
    return signed_in(trader)


@pytest.fixture
def visitor(db: None) -> Api:
    return Api()
