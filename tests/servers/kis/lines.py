"""RFC 6455 on a socket: one connection's frames out, and the upgrade and reading of one connection's frames in."""

import base64
import hashlib
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from tests.servers.kis.access import Key

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SEND_TIMEOUT = 5.0


@dataclass(eq=False)
class Session:
    """One open connection. `key` is whose it is once its first command was good."""

    connection: socket.socket
    iv: str
    secret: str
    key: Key | None = None
    subscribed: dict[tuple[str, str], None] = field(default_factory=dict)
    sending: threading.Lock = field(default_factory=threading.Lock)
    unanswered_since: float | None = None
    is_open: bool = True

    def send(self, text: str) -> None:
        self.send_raw(TEXT, text.encode())

    def send_raw(self, opcode: int, payload: bytes) -> None:
        """Ends the connection where the other side does not take it."""
        size = len(payload)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([size])
        elif size < 65_536:
            head += bytes([126]) + struct.pack("!H", size)
        else:
            head += bytes([127]) + struct.pack("!Q", size)
        try:
            with self.sending:
                self.connection.sendall(head + payload)
        except OSError:
            self.cut()

    def cut(self) -> None:
        """No close frame: the line is simply gone."""
        self.is_open = False
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class Keeper(Protocol):
    """Who keeps the sessions of one environment."""

    @property
    def refuses(self) -> bool: ...

    def open(self, connection: socket.socket) -> Session: ...

    def close(self, session: Session) -> None: ...

    def heard(self, session: Session, text: str) -> None: ...


class Handler(BaseHTTPRequestHandler):
    """The upgrade, on any path, and the reading of frames until the line ends."""

    protocol_version = "HTTP/1.1"
    hub: Keeper  # set by `bound`

    def do_GET(self) -> None:
        self.close_connection = True
        name = self.headers.get("Sec-WebSocket-Key")
        if name is None or self.hub.refuses:
            if name is None:
                self.send_error(400)
            return
        accept = base64.b64encode(hashlib.sha1(name.encode() + GUID).digest()).decode()  # noqa: S324  # the RFC's
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        head = "\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""])
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(SEND_TIMEOUT), 0))
        session = self.hub.open(self.connection)
        try:
            self.connection.sendall(head.encode())
            self._read(session)
        except OSError:
            pass  # the other side is gone
        finally:
            self.hub.close(session)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: approval keys stand in the messages."""

    def _read(self, session: Session) -> None:
        while True:
            read = self._frame()
            if read is None:
                return
            opcode, payload = read
            if opcode == TEXT:
                self.hub.heard(session, payload.decode("utf-8", "replace"))
            elif opcode == PING:
                session.send_raw(PONG, payload)
            elif opcode == PONG:
                session.unanswered_since = None
            elif opcode == CLOSE:
                session.send_raw(CLOSE, payload[:2])
                return

    def _frame(self) -> tuple[int, bytes] | None:
        """One frame (clients here send no fragments); None at the end of the line."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.rfile.read(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.rfile.read(8))[0]
        if not head[1] & 0x80 or size > 1_000_000:
            return None  # clients must mask
        mask = self.rfile.read(4)
        payload = self.rfile.read(size)
        if len(mask) < 4 or len(payload) < size:
            return None
        return head[0] & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def bound(hub: Keeper) -> type[Handler]:
    return type("BoundHandler", (Handler,), {"hub": hub})
