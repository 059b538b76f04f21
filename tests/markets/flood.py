"""A process for test_socket.py: daphne, the session middleware and our hub, with a market that never rests.

`python -m tests.markets.flood PORT` prints `ready`, then `closed <code>` for each socket the hub gives up.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Iterable
from typing import Any

import django

django.setup()

from channels.sessions import SessionMiddlewareStack  # noqa: E402
from daphne.server import Server  # noqa: E402

from markets import hub as hubs  # noqa: E402
from markets.backpressure import waiting_bytes  # noqa: E402

KEYS = [f"KRX:{number:06}" for number in range(100)]
FILLER = "x" * 2000


class Market:
    """A channel layer with one endless group: a hundred long quotes every 50 ms."""

    async def new_channel(self) -> str:
        return "only"

    async def group_add(self, group: str, channel: str) -> None: ...

    async def group_discard(self, group: str, channel: str) -> None: ...

    async def group_send(self, group: str, message: dict[str, Any]) -> None: ...

    async def receive(self, channel: str) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"data": {key: json.dumps({"key": key, "price": FILLER}) for key in KEYS}}


async def nothing_written(_keys: Iterable[str]) -> hubs.Snapshot:
    return hubs.Snapshot()


class Socket:
    def __init__(self, send: Any) -> None:
        self._send = send
        self.waiting = waiting_bytes(send)

    async def send_frame(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def close_with(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})
        sys.stdout.write(f"closed {code}\n")
        sys.stdout.flush()


hub = hubs.QuoteHub(Market(), "quotes", nothing_written)


async def page(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    seat = hub.join(Socket(send))
    await hub.watch(seat, frozenset(KEYS), None)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    await hub.leave(seat)


def say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    from twisted.internet import reactor

    endpoint = f"tcp:port={int(sys.argv[1])}:interface=127.0.0.1"
    reactor.callWhenRunning(say_ready)
    Server(SessionMiddlewareStack(page), endpoints=[endpoint], verbosity=0).run()
