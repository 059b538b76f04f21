"""A socket that answers every connection with the same bytes, however wrong they are, and counts what it got."""

import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Self


class RawServer:
    """Reads one request per connection, then writes the given pieces, `pause` seconds apart, and closes."""

    def __init__(self, pieces: Iterable[bytes] = (), pause: float = 0.0) -> None:
        self._pieces = list(pieces)
        self._pause = pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with suppress(OSError):  # the listener was closed: the test is over
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        received = connection.recv(65536)
        self.requests.append(received)
        for piece in self._pieces:
            connection.sendall(piece)
            time.sleep(self._pause)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
