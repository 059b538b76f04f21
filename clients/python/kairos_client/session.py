"""A signed-in person: tokens that renew themselves, one request at a time, and the socket that says what changed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import requests
import websocket

from kairos_client.api import Api, OrderAnswer, SignInAnswer, TokenAnswer
from kairos_client.errors import KairosError, NotReached

SECONDS = 30.0
FINISHED = frozenset({"denied", "withdrawn", "not_placed", "rejected", "filled", "canceled", "expired"})
LONGEST_SILENCE = 2.0  # seconds a follower waits for a hint before it asks by itself
Code = str | Callable[[], str]


class Kairos:
    """One person on one device. `api` has every operation; what the server refuses raises KairosError."""

    def __init__(self, url: str, *, token: str = "") -> None:
        """Not signed in, or by an API token made on the settings page."""
        self.url = url.rstrip("/")
        self.api = Api(self)
        self._http = requests.Session()
        self._lock = threading.Lock()
        self._access, self._refresh = token, ""
        self.etag = ""  # of the last answer, for `if_match`

    @classmethod
    def sign_in(cls, url: str, email: str, password: str, code: Code = "", *, device_name: str = "") -> "Kairos":
        """Sign in. `code`: of the authenticator app, or what makes one, asked only where the second factor is on."""
        kairos = cls(url)
        body: dict[str, Any] = {"email": email, "password": password}
        if device_name:
            body["device_name"] = device_name
        try:
            tokens: SignInAnswer = kairos.call("POST", "/api/v1/auth/login", body=body)
        except KairosError as e:
            if e.code != "second_factor_needed" or not code:
                raise
            tokens = kairos.call("POST", "/api/v1/auth/login", body={**body, "code": _said(code)})
        kairos._access, kairos._refresh = tokens["access_token"], tokens["refresh_token"]
        return kairos

    def step_up(self, password: str, code: Code = "") -> None:
        """Prove who holds this device, for ten minutes: before keys, halts, limits and the second factor are touched."""
        body = {"password": password}
        self.call("POST", "/api/v1/auth/step-up", body={**body, "code": _said(code)} if code else body)

    def sign_out(self) -> None:
        """End this device's sign-in. Without effect where it was by an API token."""
        if self._refresh:
            self.call("POST", "/api/v1/auth/logout")
            self._access = self._refresh = ""

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One request. Raises KairosError for what is refused, NotReached where no answer came."""
        used = self._access
        answer = self._send(method, path, query, body, headers or {})
        if answer.status_code == 401 and self._refresh and _code(answer) == "token_expired":
            self._renew(used)
            answer = self._send(method, path, query, body, headers or {})
        if not answer.ok:
            raise _error(answer)
        self.etag = answer.headers.get("ETag", "")
        if not answer.content:
            return None
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text

    def follow(self, order_id: str, seconds: float = 60.0) -> Iterator[OrderAnswer]:
        """An order as it is, and again whenever it has changed, to its end. Raises TimeoutError where that does not come."""
        until, seen = time.monotonic() + seconds, -1
        with self.hints() as hints:
            while True:
                order = self.api.get_orders_order_id(order_id)
                if order["version"] != seen:
                    seen = order["version"]
                    yield order
                if order["state"] in FINISHED:
                    return
                if time.monotonic() > until:
                    raise TimeoutError(f"order {order_id} is still {order['state']}")
                hints.wait(LONGEST_SILENCE)

    def hints(self) -> "Hints":
        """The socket of changes: which order, plan or account has a new version."""
        return Hints(self.url, self.api.post_ws_ticket()["ticket"])

    def __enter__(self) -> "Kairos":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.sign_out()
        except (KairosError, NotReached):
            if error is None:  # what went wrong first is what is told
                raise
        finally:
            self._http.close()

    def _send(
        self, method: str, path: str, query: dict[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> requests.Response:
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        sent = {"Accept": "application/json", **headers}
        if self._access:
            sent["Authorization"] = f"Bearer {self._access}"
        try:
            return self._http.request(
                method, self.url + path, params=asked, json=body, headers=sent, timeout=SECONDS, allow_redirects=False
            )
        except requests.RequestException as e:
            raise NotReached(f"{method} {path}: {type(e).__name__}") from e

    def _renew(self, used: str) -> None:
        """New tokens for old; once where several threads find theirs expired, for a refresh token is used once."""
        with self._lock:
            if self._access != used:
                return
            self._access = ""
            answer = self._send("POST", "/api/v1/auth/refresh", None, {"refresh_token": self._refresh}, {})
            if not answer.ok:
                raise _error(answer)
            tokens: TokenAnswer = answer.json()
            self._access, self._refresh = tokens["access_token"], tokens["refresh_token"]


class Hints:
    """`/ws/events/` as a context: `wait` gives the next hint, `{"type", "id", "version"}`, or None after a silence."""

    def __init__(self, url: str, ticket: str) -> None:
        address = f"{url.replace('http', 'ws', 1)}/ws/events/"
        self._socket = websocket.create_connection(address, timeout=SECONDS, suppress_origin=True)
        self._socket.send(json.dumps({"ticket": ticket}))

    def wait(self, seconds: float) -> dict[str, Any] | None:
        """Raises KairosError where the server ends the socket, NotReached where the connection broke."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                text = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                return None
            except (websocket.WebSocketException, OSError) as e:
                raise NotReached(f"/ws/events/: {type(e).__name__}") from e
            if not text:
                raise NotReached("/ws/events/: closed")
            told: dict[str, Any] = json.loads(text)
            if told["type"] == "error":
                raise KairosError(0, told["code"], "the socket was ended", {}, "")
            if told["type"] not in {"heartbeat", "signed_in"}:
                return told
        return None

    def __enter__(self) -> "Hints":
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()


def _said(code: Code) -> str:
    return code if isinstance(code, str) else code()


def _code(answer: requests.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _error(answer: requests.Response) -> KairosError:
    try:
        told = answer.json()
        return KairosError(answer.status_code, told["code"], told["message"], told["detail"], told["request_id"])
    except (ValueError, KeyError, TypeError):  # a proxy's page, not the server's answer
        return KairosError(answer.status_code, "no_answer_of_kairos", answer.reason or "", {}, "")
