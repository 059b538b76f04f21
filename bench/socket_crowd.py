"""Many readers of one WebSocket server in one process: as little work per frame as counting allows."""

import asyncio
import base64
import os
import time
from collections.abc import Mapping

OPENED = b"HTTP/1.1 101"
TEXT, CLOSE = 1, 8


class Tally:
    """What all readers together have got. `ages`: milliseconds from a frame's stamp to its arrival, of every n-th frame."""

    def __init__(self, counted: bytes, stamp: bytes, every: int) -> None:
        self._counted, self._stamp, self._every = counted, stamp, every
        self.frames = self.updates = 0
        self.ages: list[float] = []

    def take(self, frame: bytes) -> None:
        """Count one frame: as many updates as it has `counted` in it, and its age by the number after `stamp`."""
        self.frames += 1
        self.updates += frame.count(self._counted)
        if self.frames % self._every == 0 and (at := frame.rfind(self._stamp)) >= 0:
            begin = at + len(self._stamp)
            self.ages.append(time.time() * 1000 - int(frame[begin : begin + 13]))

    def reset(self) -> None:
        self.frames = self.updates = 0
        self.ages.clear()


class Reader(asyncio.Protocol):
    """One client: it opens the socket, sends one message, and counts what comes. It never answers."""

    def __init__(self, tally: Tally, request: bytes, first: bytes) -> None:
        self._tally, self._request, self._first = tally, request, first
        self._waiting = bytearray()
        self.is_open = asyncio.get_running_loop().create_future()
        self.was_closed = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        if not self.is_open.done() and not self._opened():
            return
        while (frame := self._next()) is not None:
            kind, body = frame
            if kind == TEXT:
                self._tally.take(body)
            self.was_closed |= kind == CLOSE

    def connection_lost(self, _error: Exception | None) -> None:
        self.was_closed = True
        if not self.is_open.done():
            self.is_open.set_exception(ConnectionError("the server hung up"))

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _opened(self) -> bool:
        head, end, rest = bytes(self._waiting).partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(OPENED):
            self.is_open.set_exception(ConnectionError(head[:80].decode(errors="replace")))
            return False
        self._waiting = bytearray(rest)
        self.is_open.set_result(None)
        if self._first and self._transport is not None:
            self._transport.write(_masked(self._first))
        return True

    def _next(self) -> tuple[int, bytes] | None:
        """The next whole frame, taken off; servers send theirs unmasked and, here, unbroken."""
        waiting = self._waiting
        if len(waiting) < 2:
            return None
        size, begin = waiting[1] & 127, 2
        if size == 126:
            size, begin = int.from_bytes(waiting[2:4], "big"), 4
        elif size == 127:
            size, begin = int.from_bytes(waiting[2:10], "big"), 10
        if len(waiting) < begin + size:
            return None
        kind, body = waiting[0] & 15, bytes(waiting[begin : begin + size])
        del waiting[: begin + size]
        return kind, body


async def seat(
    number: int,
    host: str,
    port: int,
    path: str,
    tally: Tally,
    first: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> list[Reader]:
    """`number` readers, all open. Raises ConnectionError and TimeoutError."""
    key = base64.b64encode(os.urandom(16)).decode()
    told = {
        "Host": f"{host}:{port}", "Origin": f"http://{host}:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13", **(headers or {}),
    }  # fmt: skip
    request = (
        f"GET {path} HTTP/1.1\r\n{''.join(f'{name}: {value}' + chr(13) + chr(10) for name, value in told.items())}\r\n"
    )
    readers: list[Reader] = []
    for _ in range(number):
        _transport, reader = await asyncio.get_running_loop().create_connection(
            lambda: Reader(tally, request.encode(), first), host, port
        )
        await asyncio.wait_for(reader.is_open, 10)
        readers.append(reader)
    return readers


def _masked(message: bytes) -> bytes:
    mask = os.urandom(4)
    size = len(message)
    head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(message))
