"""One HTTP request, sent at most once: a connection of its own, no redirect, no retry, no proxy, bounded in time and size.

A connection kept open and closed meanwhile by the other side cannot be told from one that took the order, so none is kept.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from brokers.errors import NotSent, OutcomeUnknown, ReadIncomplete
from brokers.protocol import MaySend, always
from brokers.wire.clock import CLOCKS
from brokers.wire.messages import Reply, Request

CONNECT_SECONDS = 3.0
READ_SECONDS = 7.0  # from the first byte of the request to the last of the reply
MOST_BYTES = 4 * 1024 * 1024
WALL = partial(datetime.now, UTC)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class WireClient:
    """Requests to one host. Raises ValueError for a base URL that is neither https nor on this machine."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], datetime] = WALL,
    ) -> None:
        parts = urlsplit(base_url)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and _is_local(parts.hostname))
        ):
            raise ValueError("a broker's base URL is https, or http on this machine")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("a broker's base URL is scheme, host, port and path only")
        self._host, self._port = parts.hostname, parts.port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._path = parts.path.rstrip("/")
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._most_bytes = most_bytes
        self._clock = clock

    def send_once(self, request: Request, may_send: MaySend = always) -> Reply:
        """Send a request that must not arrive twice; the whole reply, whatever its status.

        `may_send` is asked when the connection stands, just before the first byte: connecting may have taken longer than
        the right to send lasts. Raises NotSent where no byte can have left, OutcomeUnknown after that.
        """
        connection = self._prepared(request)
        try:
            _connect(connection, request)
            if not may_send():
                raise NotSent(f"{request.name}: too late to send")
            return self._exchange(connection, request)
        finally:
            connection.close()

    def read(self, request: Request) -> Reply:
        """Ask a question. Raises ReadIncomplete where no whole reply came, for whatever reason."""
        try:
            return self.send_once(request)
        except (NotSent, OutcomeUnknown) as e:
            raise ReadIncomplete(str(e)) from e

    def _prepared(self, request: Request) -> http.client.HTTPConnection:
        """A connection that holds the request's head and is not open yet, so that a head that cannot be sent is found now."""
        connection = self._new_connection()
        connection.auto_open = 0  # never a second connection behind our back
        body = request.body
        try:
            connection.putrequest(request.method, self._path + request.target)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.putheader("Connection", "close")
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
        except (ValueError, http.client.HTTPException) as e:
            raise NotSent(f"{request.name}: {type(e).__name__}") from None  # its text may quote a header
        return connection

    def _new_connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._connect_seconds)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._connect_seconds, context=self._tls)

    def _exchange(self, connection: http.client.HTTPConnection, request: Request) -> Reply:
        sent = self._clock()
        try:
            connection.sock.settimeout(self._read_seconds)
            with _cut_after(self._read_seconds, connection.sock) as was_cut:
                connection.endheaders(request.body)
                response = connection.getresponse()
                CLOCKS.note(self._host, response.getheader("Date"), sent, self._clock())
                tells_its_end = response.chunked or response.length is not None
                body = response.read(self._most_bytes + 1)
        except (OSError, http.client.HTTPException, ValueError) as e:
            raise OutcomeUnknown(f"{request.name}: {type(e).__name__}") from e
        if len(body) > self._most_bytes:
            raise OutcomeUnknown(f"{request.name}: a reply of more than {self._most_bytes} bytes")
        if response.length or was_cut.is_set() or not tells_its_end:  # an end by closing may be a cut, even of the head
            raise OutcomeUnknown(f"{request.name}: a reply cut short")
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def _is_local(host: str) -> bool:
    return host in LOOPBACK


def _connect(connection: http.client.HTTPConnection, request: Request) -> None:
    try:
        connection.connect()
    except (OSError, UnicodeError, http.client.HTTPException) as e:
        raise NotSent(f"{request.name}: {type(e).__name__}") from e


@contextmanager
def _cut_after(seconds: float, sock: socket.socket) -> Iterator[threading.Event]:
    """Shut the connection when the time is up: a socket's own time-out begins anew with every byte of a dripping reply.

    The event says that it came to that: what was read until then may look whole and is not.
    """
    was_cut = threading.Event()
    timer = threading.Timer(seconds, _shut, [sock, was_cut])
    timer.daemon = True
    timer.start()
    try:
        yield was_cut
    finally:
        timer.cancel()


def _shut(sock: socket.socket, was_cut: threading.Event) -> None:
    was_cut.set()
    with suppress(OSError):  # it has ended by itself meanwhile
        sock.shutdown(socket.SHUT_RDWR)
