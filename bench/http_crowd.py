"""Sixteen connections that ask one after another, as fast as answers come: what wrk does, with a request of its own each time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CONNECTIONS = 16
Ask = Callable[[], bytes]


@dataclass
class Figures:
    per_s: float = 0.0
    p99_ms: float = 0.0
    bad: list[str] = field(default_factory=list)  # the first line of each answer that was not 2xx


async def measure(port: int, ask: Ask, seconds: float, connections: int = CONNECTIONS) -> Figures:
    """Answers per second over all connections. Raises ConnectionError where the server hangs up."""
    figures, spent = Figures(), [0.0]
    spent.clear()
    started = time.perf_counter()
    await asyncio.gather(*(_asking(port, ask, started + seconds, spent, figures) for _one in range(connections)))
    figures.per_s = len(spent) / (time.perf_counter() - started)
    figures.p99_ms = sorted(spent)[int(len(spent) * 0.99)] * 1000 if spent else 0.0
    return figures


async def _asking(port: int, ask: Ask, until: float, spent: list[float], figures: Figures) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        while (begun := time.perf_counter()) < until:
            writer.write(ask())
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
            spent.append(time.perf_counter() - begun)
            if not head.startswith(b"HTTP/1.1 2"):
                figures.bad.append(head.partition(b"\r\n")[0].decode())
            if b"connection: close" in head.lower():
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    finally:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ValueError("an answer without a length")
