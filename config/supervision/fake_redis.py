"""`python -m config.supervision.fake_redis SOCKET`: Redis in Python, for machines without a Valkey binary."""

import itertools
import os
import signal
import socket
import sys
from typing import Any

from fakeredis import TcpFakeServer


class UnixFakeServer(TcpFakeServer):
    """fakeredis behind a socket in the file system, as Valkey's is. It tells its clients apart by their address."""

    address_family = socket.AF_UNIX
    daemon_threads = True

    def __init__(self, path: str) -> None:
        self._numbers = itertools.count(1)
        super().__init__(path)  # type: ignore[arg-type]

    def server_bind(self) -> None:
        before = os.umask(0o077)
        try:
            super().server_bind()
        finally:
            os.umask(before)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, _nameless = super().get_request()
        return connection, ("unix", next(self._numbers))


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nothing is kept, so nothing is to be put away
    UnixFakeServer(sys.argv[1]).serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
