"""The literal addresses walked against the running server, over real connections: whatever a client of the sources sends."""

import json
from typing import Any, NamedTuple

import requests
import websocket

from tests.api.alias_scene import filled
from tests.api.aliases import EXPECTED, PERSON, SOCKETS, Alias, aliases
from tests.api.server import Running

SECONDS = 20
SUBSCRIPTIONS = [
    {"tr_type": "1", "tr_id": "H0STASP0", "st_code": "005930"},
    {"tr_type": "1", "tr_id": "H0STCNT0", "st_code": "005930"},
]


class Walked(NamedTuple):
    alias: Alias
    why: str  # what was wrong; empty: its literal keys came


class Walker:
    """Signed in as the person who has the defaults of the literal requests."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._tokens = self._login()

    def walk(self, alias: Alias) -> Walked:
        try:
            why = self._socket(alias.path) if alias.path in SOCKETS else self._request(alias)
        except (requests.RequestException, websocket.WebSocketException, OSError, KeyError, ValueError) as e:
            why = f"{type(e).__name__}: {e}"
        return Walked(alias, why)

    def _login(self) -> dict[str, Any]:
        answer = requests.post(f"{self._server.url}/api/v1/auth/login", json=PERSON, timeout=SECONDS)
        answer.raise_for_status()
        return dict(answer.json())

    def _request(self, alias: Alias) -> str:
        path = alias.path.partition("?")[0]
        expected = EXPECTED[alias.method, path]
        body = expected.body
        if body == {"refresh_token": "{refresh_token}"}:
            body = {"refresh_token": self._tokens["refresh_token"]}
        answer = self._send(alias.method, filled(path, self._made) + expected.query, body, expected.signed_in)
        if "refresh_token" in (expected.body or {}):
            self._tokens = dict(answer.json())
        if answer.status_code != expected.status:
            return f"{answer.status_code} instead of {expected.status}: {answer.text[:300]}"
        missing = expected.keys - set(answer.json()) if expected.keys else set()
        return f"without {sorted(missing)}" if missing else ""

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self._send("POST", path, body, signed_in=True).json())

    def _send(self, method: str, path: str, body: Any, signed_in: bool) -> requests.Response:
        headers = {"Accept": "application/json"}
        if signed_in:
            headers["Authorization"] = f"Bearer {self._tokens['access_token']}"
        url = self._server.url + path
        return requests.request(method, url, json=body, headers=headers, timeout=SECONDS, allow_redirects=False)

    def _socket(self, path: str) -> str:
        """D02: the PRD's own words, at its address and beside ours."""
        for address in (path, "/ws/kis_socket/"):
            with_server = websocket.create_connection(
                self._server.url.replace("http", "ws", 1) + address, timeout=SECONDS, suppress_origin=True
            )
            try:
                token = self._tokens["access_token"]
                told = _answer(with_server, {"type": "auth", "token": token, "strategy_type": "basic"}, "auth")
                if told.get("status") != "success":
                    return f"{address}: {told}"
                for asked in SUBSCRIPTIONS:
                    told = _answer(with_server, asked, "subscribed")
                    if not asked.items() <= told.items():
                        return f"{address}: {told}"
            finally:
                with_server.close()
        return ""


def walk_aliases(server: Running) -> list[Walked]:
    """Each literal address once, in the order of the requirements."""
    walker = Walker(server)
    return [walker.walk(alias) for alias in aliases()]


def _answer(socket: websocket.WebSocket, message: dict[str, Any], kind: str) -> dict[str, Any]:
    """The answer of this kind, or an error."""
    socket.send(json.dumps(message))
    while (told := json.loads(socket.recv()))["type"] not in {kind, "error"}:
        pass
    return dict(told)
