"""`make bench-quotes`: live prices to five hundred sockets, beside Channels' usual consumer in the same run.

Ours is the running server: daphne, our ASGI application, its hub, Redis, a signed-in person, a hundred instruments on each
socket. Batches go where the feed sends them. The other side is the stock consumer of ../shared/bench (one `send_json` for every
socket and tick), on the same Redis and the same server. Two questions: what a usual load costs (updates, age, CPU), and how
many updates a second get through when there is no end of them.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psutil

from bench.socket_crowd import Tally, seat
from config.supervision.embedded_redis import EmbeddedRedis
from tests.e2e.running import ROOT, clean_environment, free_port, manage

SOCKETS, FOLLOWED, INSTRUMENTS = 500, 100, 120
USUAL = 160  # ticks a second: 67,000 updates a second at all sockets together
FLOOD = 4_000
SECONDS, WARM, ROUNDS = 6.0, 1.5, 3
STOCK = ROOT.parent / "shared" / "bench" / "fan_server.py"
STOCK_SOCKETS = 500


@dataclass(frozen=True, slots=True)
class Figures:
    updates_per_s: float
    p99_ms: float
    cpu_percent: float


@contextmanager
def server(command: list[str], folder: Path, environment: dict[str, str], port: int) -> Iterator[psutil.Process]:
    """One server in a process of its own, answering on `port`."""
    with Path(environment["KAIROS_VAR"], "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)  # noqa: S603 our own words
    try:
        deadline = time.monotonic() + 30
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(Path(environment["KAIROS_VAR"], "server.log").read_text()[-2000:])
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def set_up(var: Path, redis: str) -> tuple[dict[str, str], str, list[str]]:
    """A database with instruments and a signed-in person: the server's environment, the cookie, the keys."""
    environment = clean_environment(var, free_port(), REDIS_URL=redis)
    done = manage("migrate", "--verbosity", "0", environment=environment, seconds=120)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told = subprocess.run(
        [sys.executable, "-m", "bench.quotes", "--prepare"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()  # fmt: skip
    return environment, told[0], told[1:]


def prepare() -> None:
    """In the server's environment: write the instruments and a session, print its cookie and the keys."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.test import Client

    from markets.models import Instrument
    from tests import factories as make

    keys = [make.make_instrument(f"{100_000 + number}").key for number in range(INSTRUMENTS)]
    client = Client()
    client.force_login(make.make_user("bench@example.com"))
    assert Instrument.objects.count() == INSTRUMENTS  # noqa: S101
    cookie = next(iter(client.cookies.values()))
    print(f"{cookie.key}={cookie.value}", *keys)


class Feed:
    """What the feed's process does: batches into Redis, so many ticks a second, each stamped with when it left."""

    def __init__(self, redis: str, keys: list[str]) -> None:
        from channels_redis.pubsub import RedisPubSubChannelLayer

        self._layer = RedisPubSubChannelLayer(hosts=[redis], prefix="kairos")
        self._keys = keys
        self._next = 0

    async def run(self, ticks_per_s: int, seconds: float) -> None:
        began, sent = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < seconds:
            if due := int(passed * ticks_per_s) - sent:
                sent += due
                await self._send(min(due, len(self._keys)))  # of one instrument only the newest counts
            await asyncio.sleep(0.02)

    async def _send(self, count: int) -> None:
        from markets import events
        from markets.types import Quote, Source

        now = datetime.now(UTC)
        price = Decimal(round(time.time() * 1000))  # the stamp: in the field that every reader gets
        quotes = [
            Quote(key, now, Source.SIMULATOR, price, price, price, base_price=price, day_volume=Decimal(1))
            for key in (self._keys[(self._next + n) % len(self._keys)] for n in range(count))
        ]
        self._next += count
        clock = events.MarketClock(Source.SIMULATOR, now, 1)
        await self._layer.group_send(events.QUOTES_GROUP, events.batch(quotes, [], clock))


async def ours(process: psutil.Process, port: int, cookie: str, keys: list[str], feed: Feed, rate: int) -> Figures:
    tally = Tally(b'"price":"', b'"price":"', every=7)
    asked = f'{{"subscribe":[{",".join(chr(34) + key + chr(34) for key in keys[:FOLLOWED])}]}}'
    readers = await seat(SOCKETS, "127.0.0.1", port, "/ws/quotes/", tally, asked.encode(), {"Cookie": cookie})
    sending = asyncio.create_task(feed.run(rate, WARM + SECONDS))
    figures = await _measured(process, tally)
    await sending
    if lost := sum(reader.was_closed for reader in readers):
        raise RuntimeError(f"{lost} sockets were closed")
    for reader in readers:
        reader.leave()
    return figures


async def _measured(process: psutil.Process, tally: Tally) -> Figures:
    await asyncio.sleep(WARM)
    tally.reset()
    before, began = sum(process.cpu_times()[:2]), time.perf_counter()
    await asyncio.sleep(SECONDS)
    seconds = time.perf_counter() - began
    cpu = (sum(process.cpu_times()[:2]) - before) / seconds * 100
    ages = sorted(tally.ages) or [0.0]
    return Figures(tally.updates / seconds, ages[int(len(ages) * 0.99)], cpu)


async def stock(process: psutil.Process, port: int) -> Figures:
    """The usual consumer at its limit: the next tick leaves when the last has arrived everywhere."""
    from websocket import create_connection

    tally = Tally(b'"t"', b'"t": ', every=7)
    readers = await seat(STOCK_SOCKETS, "127.0.0.1", port, "/ws/*", tally)
    control = create_connection(f"ws://127.0.0.1:{port}/pub")
    measuring = asyncio.create_task(_measured(process, tally))
    sent = 0
    while not measuring.done():
        while not measuring.done() and sent * STOCK_SOCKETS - _all(tally) < 4 * STOCK_SOCKETS:
            control.send(f'{{"t":{round(time.time() * 1000)},"s":"I000001","p":100.5,"v":10}}')
            sent += 1
        await asyncio.sleep(0.001)
        if tally.frames == 0:
            sent = 0  # the tally began anew
    control.close()
    for reader in readers:
        reader.leave()
    return await measuring


def _all(tally: Tally) -> int:
    return tally.frames


def main() -> None:
    if "--prepare" in sys.argv:
        prepare()
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder:
        var = Path(folder) / "var"
        var.mkdir()
        redis = EmbeddedRedis(Path(folder) / "r" / "redis.sock")
        redis.start()
        try:
            _run(var, f"unix://{Path(folder) / 'r' / 'redis.sock'}")
        finally:
            redis.stop()


def _run(var: Path, redis: str) -> None:
    environment, cookie, keys = set_up(var, redis)
    usual: list[Figures] = []
    flood: list[Figures] = []
    beside: list[Figures] = []
    for _round in range(ROUNDS):
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "daphne",
            "-b",
            "127.0.0.1",
            "-p",
            str(port),
            "-v",
            "0",
            "config.asgi:application",
        ]
        with server(command, ROOT, environment, port) as process:
            usual.append(asyncio.run(ours(process, port, cookie, keys, Feed(redis, keys), USUAL)))
            flood.append(asyncio.run(ours(process, port, cookie, keys, Feed(redis, keys), FLOOD)))
        if STOCK.exists():
            port = free_port()
            command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", "fan_server:app"]
            layer = {"MODE": "json", "LAYER": "redis", "REDIS": redis}
            with server(command, STOCK.parent, {**environment, **layer}, port) as process:
                beside.append(asyncio.run(stock(process, port)))
        print(f"usual {usual[-1]}\nflood {flood[-1]}\nstock {beside[-1] if beside else 'not here'}", flush=True)
    most = _median([each.updates_per_s for each in flood])
    ratio = f"{most / _median([each.updates_per_s for each in beside]):.1f}" if beside else "none"
    print(
        f"bench-quotes: updates_per_s={_median([each.updates_per_s for each in usual]):.0f} vs_stock={ratio}"
        f" p99_ms={_median([each.p99_ms for each in usual]):.0f} cpu_percent={_median([each.cpu_percent for each in usual]):.0f}"
        f" flood_per_s={most:.0f} sockets={SOCKETS} followed={FOLLOWED}"
    )


def _median(numbers: list[float]) -> float:
    return statistics.median(numbers)


if __name__ == "__main__":
    main()
