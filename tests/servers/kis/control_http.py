"""The control side's HTTP, on a port of its own."""

import json
from http.server import BaseHTTPRequestHandler

from tests.servers.kis.control import Control, Data
from tests.servers.kis.refusals import Refused


class Handler(BaseHTTPRequestHandler):
    timeout = 30
    control: Control  # set by `bound`

    def do_GET(self) -> None:
        try:
            self._reply(200, self.control.told(self.path.removeprefix("/control/")))
        except KeyError as e:
            self._reply(404, {"problem": repr(e)})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            wish = self.control.wishes[self.path.removeprefix("/control/")]
            with self.control.sandbox.lock:
                told = wish(json.loads(body or b"{}"))
            self._reply(200, told or {})
        except Refused as e:
            self._reply(400, {"problem": e.saying.code})
        except (KeyError, TypeError, ValueError, ArithmeticError) as e:
            self._reply(400, {"problem": repr(e)})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def _reply(self, status: int, data: Data) -> None:
        body = json.dumps(data, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def bound(control: Control) -> type[Handler]:
    return type("BoundHandler", (Handler,), {"control": control})
