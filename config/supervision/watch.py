"""A look at the running system from outside: /health/ready, asked without ever making the supervisor wait."""

import json
import selectors
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

WATCHED = ("dispatch", "feed", "worker", "beat")
ANSWER_SECONDS = 5.0


def stuck(report: dict[str, Any], limit: float) -> list[str]:
    """The processes that show no progress for more than `limit` seconds, by what /health/ready says.

    Without a database nobody can show progress, and without Redis neither worker nor beat: nobody is blamed for that.
    """
    if _state(report, "database") != "up":
        return []
    names = WATCHED if _state(report, "redis") == "up" else WATCHED[:2]
    return [name for name in names if (_part(report, name).get("age_seconds") or 0) > limit]


def _part(report: dict[str, Any], name: str) -> dict[str, Any]:
    part = report.get(name)
    return part if isinstance(part, dict) else {}


def _state(report: dict[str, Any], name: str) -> str:
    return str(_part(report, name).get("state", ""))


@dataclass(slots=True)
class Question:
    """One GET under way: a non-blocking socket that gathers the answer whenever the selector says there is some."""

    selector: selectors.BaseSelector
    address: tuple[Any, ...]
    host: str
    path: str
    asked_at: float = field(default_factory=time.monotonic)
    _socket: socket.socket | None = None
    _received: bytes = b""
    _sent: bool = False

    def ask(self) -> None:
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            self._socket.connect(self.address)
        self.selector.register(self._socket, selectors.EVENT_WRITE, self)

    def go_on(self) -> bool:
        """Send or read what can be now. True when the answer is complete, or will never be."""
        assert self._socket is not None  # noqa: S101 asked first
        try:
            if not self._sent:
                self._socket.sendall(f"GET {self.path} HTTP/1.0\r\nHost: {self.host}\r\n\r\n".encode())
                self._sent = True
                self.selector.modify(self._socket, selectors.EVENT_READ, self)
                return False
            part = self._socket.recv(65536)
        except BlockingIOError:
            return False
        except OSError:
            return True
        self._received += part
        return not part

    @property
    def overdue(self) -> bool:
        return time.monotonic() - self.asked_at > ANSWER_SECONDS

    def answer(self) -> dict[str, Any] | None:
        """The JSON that came, whatever the status; None when nothing readable did. Closes the socket."""
        if self._socket is not None:
            self.selector.unregister(self._socket)
            self._socket.close()
            self._socket = None
        try:
            found = json.loads(self._received.partition(b"\r\n\r\n")[2])
        except ValueError:
            return None
        return found if isinstance(found, dict) else None
