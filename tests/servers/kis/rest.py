"""The REST host of one environment over HTTP/1.1, with the faults of the plan."""

import hashlib
import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.servers.kis import gateway, refusals
from tests.servers.kis.faults import Fault, Rule
from tests.servers.kis.refusals import Refused, Saying
from tests.servers.kis.routes import ROUTES, Call, Route
from tests.servers.kis.sandbox import Sandbox

OAUTH = {"/oauth2/tokenP": "token", "/oauth2/revokeP": "revoke", "/oauth2/Approval": "approval"}
HASHKEY = "/uapi/hashkey"
PAGE = b"<html><body>Service temporarily unavailable</body></html>"
_SAID = {
    Fault.ERROR_BEFORE: refusals.SERVER_ERROR,
    Fault.PAGE_FAILS: refusals.SERVER_ERROR,
    Fault.ERROR_AFTER: refusals.SERVER_ERROR,
    Fault.TIMEOUT_BEFORE: refusals.TIMED_OUT,
    Fault.TIMEOUT_AFTER: refusals.TIMED_OUT,
    Fault.RATE: refusals.TOO_MANY,
    Fault.LEDGER_BUSY: refusals.LEDGER_BUSY,
    Fault.TOKEN_EXPIRED: refusals.OLD_TOKEN,
    Fault.TOKEN_INVALID: refusals.BAD_TOKEN,
}
_HAPPENS = {Fault.DROP_AFTER, Fault.ERROR_AFTER, Fault.TIMEOUT_AFTER, Fault.EMPTY, Fault.HTML, Fault.CUT, Fault.HIDDEN}


class Reply:
    """What leaves: a status, a body, headers of its own."""

    def __init__(self, status: int, body: dict[str, Any], cont: str = "", tr_id: str = "") -> None:
        self.status, self.body = status, json.dumps(body, ensure_ascii=False).encode()
        self.headers = {"tr_cont": cont, "tr_id": tr_id, "gt_uid": ""} if tr_id else {}


class Handler(BaseHTTPRequestHandler):
    """One connection, any number of requests, one after another."""

    protocol_version = "HTTP/1.1"
    timeout = 75
    wbufsize = -1  # head and body leave in one piece
    disable_nagle_algorithm = True
    sandbox: Sandbox  # set by `bound`
    environment: str

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: secrets stand in the headers, and checkers read the truth."""

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        route = ROUTES.get(parts.path)
        if parts.path in OAUTH and self.command == "POST":
            act: Callable[[], Reply] = partial(self._oauth, parts.path, body)
            self._carry_out(self._draw(OAUTH[parts.path], None), act, None)
        elif parts.path == HASHKEY and self.command == "POST":
            self._send(Reply(200, {"BODY": json.loads(body), "HASH": hashlib.sha256(body).hexdigest()}))
        elif route is None or route.method != self.command:
            self._send(Reply(404, {"rt_cd": "1", "msg_cd": "MCA00124", "msg1": "서비스를 찾을 수 없습니다."}))
        else:
            self._call(route, parts.query if self.command == "GET" else body)

    def _call(self, route: Route, sent: str | bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        tr_id = headers.get("tr_id", "")
        try:
            with self.sandbox.lock:
                self.sandbox.catch_up()
                call = gateway.admitted(self.sandbox, self.environment, route, headers, sent)
        except Refused as e:
            self._send(_refusal(e.saying, tr_id))
            return
        told = {"route": route.name, "our_id": call.our_id, "body": dict(call.data)} if route.method == "POST" else None
        rule = self._draw(route.name, told, is_later_page=call.cont == "N")
        self._carry_out(rule, partial(self._do, route, call, tr_id), call)

    def _draw(self, name: str, told: dict[str, Any] | None, *, is_later_page: bool = False) -> Rule | None:
        return self.sandbox.draw(self.environment, name, is_later_page=is_later_page, told=told)

    def _do(self, route: Route, call: Call, tr_id: str) -> Reply:
        try:
            with self.sandbox.lock:
                self.sandbox.catch_up()
                body, cont = route.act(call)
        except Refused as e:
            return _refusal(e.saying, tr_id)
        return Reply(200, body, cont, tr_id)

    def _oauth(self, path: str, body: bytes) -> Reply:
        try:
            with self.sandbox.lock:
                return Reply(200, gateway.oauth(self.sandbox, self.environment, path, body))
        except Refused as e:
            return Reply(403, {"error_code": e.saying.code, "error_description": e.saying.text})

    def _carry_out(self, rule: Rule | None, act: Callable[[], Reply], call: Call | None) -> None:
        """Do what was asked, and reply, as far as the fault lets either happen."""
        if rule is None:
            self._send(act())
            return
        fault = rule.fault
        if fault is Fault.HIDDEN and call is not None:
            self._hide(call, rule)
        if fault is Fault.LATE:
            with self.sandbox.lock:
                self.sandbox.later(rule.seconds, act)
        if fault in {Fault.TOKEN_EXPIRED, Fault.TOKEN_INVALID}:
            with self.sandbox.lock:
                self.sandbox.access.end_tokens(self.headers.get("appkey"), revoked=fault is Fault.TOKEN_INVALID)
        if fault is Fault.DUPLICATE:
            self._send(self._twice(act))
            return
        reply = act() if fault in _HAPPENS | {Fault.SLOW} else None
        is_list = fault is Fault.HIDDEN and self.command == "GET"
        if reply is not None and (fault is Fault.SLOW or is_list):
            time.sleep(rule.seconds if fault is Fault.SLOW else 0)
            self._send(reply)
        elif fault in _SAID:
            self._send(_refusal(_SAID[fault], self.headers.get("tr_id", "")))
        elif reply is not None and fault in {Fault.EMPTY, Fault.HTML, Fault.CUT}:
            reply.body = {Fault.EMPTY: b"", Fault.HTML: PAGE, Fault.CUT: reply.body[: len(reply.body) // 2]}[fault]
            self._send(reply)
        else:
            self._drop()

    def _hide(self, call: Call, rule: Rule) -> None:
        with self.sandbox.lock, suppress(Refused):
            self.sandbox.hide(
                self.environment, call.data.get("CANO", "") + call.data.get("ACNT_PRDT_CD", ""), rule.seconds
            )

    def _twice(self, act: Callable[[], Reply]) -> Reply:
        """A list with every row twice; an order entered twice, of which the first is told."""
        reply = act()
        if self.command == "POST":
            act()
            return reply
        body = orjson.loads(reply.body)
        for name in ("output", "output1", "output2"):
            if isinstance(body.get(name), list):
                body[name] = [row for row in body[name] for _again in range(2)]
        reply.body = orjson.dumps(body)
        return reply

    def _send(self, reply: Reply) -> None:
        with suppress(OSError):  # whoever asked is gone
            self.send_response(reply.status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()

    def _drop(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _refusal(saying: Saying, tr_id: str) -> Reply:
    return Reply(saying.status, {"rt_cd": saying.rt_cd, "msg_cd": saying.code, "msg1": saying.text}, "", tr_id)


def bound(sandbox: Sandbox, environment: str) -> type[Handler]:
    """The handler of one environment."""
    return type("BoundHandler", (Handler,), {"sandbox": sandbox, "environment": environment})
