"""The socket of live prices, from the feed's publisher through a real Redis to the page."""

import asyncio
import contextlib
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.consumers import FRAMES_PER_BEAT, SIGNED_OUT, TOO_MANY_FRAMES
from accounts.models import User
from config.asgi import application
from config.environment import BASE_DIR
from config.sockets import OwnPagesByCookie
from config.supervision.embedded_redis import EmbeddedRedis
from markets.consumers import QuoteStream
from markets.events import QUOTES_GROUP, MarketClock, QuotePublisher
from markets.hub import QuoteHub, Snapshot
from tests.markets.scene import NOON, live_book, live_quote, make_instrument, make_person, write_clock, write_quote
from tests.markets.test_hub import FakeSocket

CLOCK = MarketClock("simulator", NOON, 60)
ORIGIN, HOST = (b"origin", b"http://localhost"), (b"host", b"localhost")


@pytest.fixture(autouse=True)
async def _give_connections_back(transactional_db: None) -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def person(transactional_db: None) -> User:
    return make_person()


@pytest.fixture
def cookie(person: User) -> bytes:
    browser = Client()
    browser.force_login(person)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}".encode()


@pytest.fixture
def publisher() -> Iterator[QuotePublisher]:
    publisher = QuotePublisher()
    yield publisher
    publisher.close()


class Page:
    """A browser's end of the socket, through the site's whole ASGI stack."""

    def __init__(self, cookie: bytes = b"", origin: tuple[bytes, bytes] = ORIGIN, app: Any = application) -> None:
        headers = [HOST, origin, *([(b"cookie", cookie)] if cookie else [])]
        self.socket = WebsocketCommunicator(app, "/ws/quotes/", headers=headers)

    async def __aenter__(self) -> "Page":
        self.accepted, _ = await self.socket.connect(timeout=5)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.socket.disconnect(timeout=5)

    async def say(self, message: Any) -> None:
        await self.socket.send_to(text_data=message if isinstance(message, str) else json.dumps(message))

    async def hear(self, wanted: Callable[[dict[str, Any]], Any], seconds: float = 5.0) -> dict[str, Any]:
        """The next message that `wanted` accepts; others are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                message = json.loads(await self.socket.receive_from(timeout=seconds))
                if wanted(message):
                    return dict(message)

    async def hear_price(self, price: str) -> dict[str, Any]:
        message = await self.hear(lambda m: any(q["price"] == price for q in m.get("quotes", [])))
        return {**message, "quote": next(q for q in message["quotes"] if q["price"] == price)}

    async def hear_error(self) -> dict[str, Any]:
        return await self.hear(lambda m: m["type"] == "error")

    async def hear_close(self) -> int:
        async with asyncio.timeout(5):
            while (message := await self.socket.receive_output(timeout=5))["type"] != "websocket.close":
                pass
        return int(message["code"])


async def test_a_published_price_reaches_the_page(cookie: bytes, publisher: QuotePublisher) -> None:
    """D01, D03: quote, change, source and time in one message."""
    await sync_to_async(make_instrument)()
    async with Page(cookie) as page:
        await page.say({"subscribe": ["KRX:005930"], "book": "KRX:005930"})
        heard = asyncio.create_task(page.hear_price("71200"))
        while not heard.done():  # until the hub has subscribed
            assert await asyncio.to_thread(publisher.publish, [live_quote()], [live_book()], CLOCK)
            await asyncio.sleep(0.05)
        message = heard.result()
        assert message["quote"] == {
            "key": "KRX:005930",
            "price": "71200",
            "change": "1200",
            "change_rate": "0.017143",
            "bid": "71100",
            "ask": "71200",
            "at": "2026-03-02T03:00:00Z",
            "source": "simulator",
            "day_volume": "1234",
            "stale": False,
        }
        assert message["clock"] == {"source": "simulator", "at": "2026-03-02T03:00:00Z", "speed": 60}
        book = await page.hear(lambda m: m["type"] == "book")
        assert (book["key"], book["bids"], len(book["asks"])) == ("KRX:005930", [["71100", "5"]], 10)


async def test_the_stored_price_comes_without_waiting_for_the_feed(cookie: bytes) -> None:
    def arrange() -> None:
        write_quote(make_instrument(), "70500", book={"bids": [["70500", "3"]], "asks": []})
        write_clock(speed=3600)

    await sync_to_async(arrange)()
    async with Page(cookie) as page:
        await page.say({"subscribe": ["KRX:005930"], "book": "KRX:005930"})
        message = await page.hear_price("70500")
        assert message["quote"]["stale"] is False
        assert message["clock"]["speed"] == 3600
        assert (await page.hear(lambda m: m["type"] == "book"))["bids"] == [["70500", "3"]]


async def test_a_stored_price_of_a_silent_feed_is_marked_stale(cookie: bytes) -> None:
    """G15."""
    old = timezone.now() - timedelta(minutes=1)
    await sync_to_async(lambda: write_quote(make_instrument(), "70500", received_at=old))()
    async with Page(cookie) as page:
        await page.say({"subscribe": ["KRX:005930"]})
        assert (await page.hear_price("70500"))["quote"]["stale"] is True


async def test_a_stored_price_of_another_source_is_not_sent(cookie: bytes) -> None:
    await sync_to_async(lambda: write_quote(make_instrument(), "70500", source="replay"))()
    await sync_to_async(lambda: write_quote(make_instrument(symbol="000660"), "500000"))()
    async with Page(cookie) as page:
        await page.say({"subscribe": ["KRX:005930", "KRX:000660"]})
        message = await page.hear_price("500000")
        assert [quote["key"] for quote in message["quotes"]] == ["KRX:000660"]


async def test_only_signed_in_people_get_in(cookie: bytes, person: User) -> None:
    async with Page(cookie) as page:
        assert page.accepted
    async with Page() as stranger:
        assert not stranger.accepted
    async with Page(b"sessionid=made-up") as forger:
        assert not forger.accepted
    await User.objects.filter(pk=person.pk).aupdate(is_active=False)
    async with Page(cookie) as shut_out:
        assert not shut_out.accepted


@pytest.mark.parametrize(
    "origin", [b"https://elsewhere.example", b"http://localhost.elsewhere.example", b"null", b"http://localhost:8999"]
)
async def test_a_page_of_another_site_does_not_get_in(cookie: bytes, origin: bytes) -> None:
    """ASVS 4.4.2: the browser sends our cookie along, the origin gives it away."""
    async with Page(cookie, origin=(b"origin", origin)) as page:
        assert not page.accepted


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{not json", "not_json"),
        (" ", "not_json"),
        ("[]", "bad_request"),
        ("{}", "bad_request"),
        ('"subscribe"', "bad_request"),
        ('{"shout": 1}', "bad_request"),
        ('{"subscribe": "KRX:005930"}', "bad_request"),
        ('{"subscribe": [1]}', "bad_request"),
        ('{"subscribe": [null]}', "bad_request"),
        ('{"subscribe": [["KRX:005930"]]}', "bad_request"),
        ('{"subscribe": [""]}', "bad_request"),
        ('{"subscribe": ["KRX:\\u0000"]}', "bad_request"),
        (json.dumps({"subscribe": ["A" * 65]}), "bad_request"),
        (json.dumps({"subscribe": [f"KRX:{n:06}" for n in range(101)]}), "too_many_instruments"),
        (json.dumps({"subscribe": ["A" * 9000]}), "too_large"),
        ('{"book": 5}', "bad_request"),
        ("[" * 4000, "not_json"),
        ('{"subscribe": ["KRX:999999"]}', "unknown_instrument"),
        ('{"book": "KRX:999999"}', "unknown_instrument"),
    ],
)
async def test_a_bad_frame_gets_its_code_and_the_stream_goes_on(cookie: bytes, frame: str, code: str) -> None:
    await sync_to_async(lambda: write_quote(make_instrument(), "70500"))()
    async with Page(cookie) as page:
        await page.say(frame)
        assert (await page.hear_error())["code"] == code
        await page.say({"subscribe": ["KRX:005930"]})
        await page.hear_price("70500")


async def test_a_binary_frame_is_refused_like_any_other(cookie: bytes) -> None:
    async with Page(cookie) as page:
        await page.socket.send_to(bytes_data=b"\x00\xff")
        assert (await page.hear_error())["code"] == "not_text"


async def test_unknown_instruments_are_named_and_the_known_ones_still_come(cookie: bytes) -> None:
    await sync_to_async(lambda: write_quote(make_instrument(), "70500"))()
    async with Page(cookie) as page:
        await page.say({"subscribe": ["KRX:005930", "KRX:999999"]})
        assert (await page.hear_error())["keys"] == ["KRX:999999"]
        await page.hear_price("70500")


async def test_a_page_that_shouts_is_closed(cookie: bytes) -> None:
    async with Page(cookie) as page:
        for _ in range(FRAMES_PER_BEAT + 1):
            await page.say("{}")
        assert await page.hear_close() == TOO_MANY_FRAMES


class QuickStream(QuoteStream):
    heartbeat_seconds = 0.05


def stack(consumer: Any) -> Any:
    """The site's ASGI stack around another consumer."""
    return OwnPagesByCookie(consumer.as_asgi())


async def test_a_quiet_page_hears_a_heartbeat(cookie: bytes) -> None:
    async with Page(cookie, app=stack(QuickStream)) as page:
        for _ in range(4):
            await page.hear(lambda m: m["type"] == "heartbeat")


@pytest.mark.parametrize("ending", ["signed out", "shut out", "new password"])
async def test_a_socket_ends_with_its_person_s_session(cookie: bytes, person: User, ending: str) -> None:
    """ASVS 7.4, I30."""

    def end() -> None:
        if ending == "signed out":
            Session.objects.all().delete()
        elif ending == "shut out":
            User.objects.filter(pk=person.pk).update(is_active=False)
        else:
            person.set_password("another-long-phrase")
            person.save()

    async with Page(cookie, app=stack(QuickStream)) as page:
        await page.hear(lambda m: m["type"] == "heartbeat")
        await sync_to_async(end)()
        assert await page.hear_close() == SIGNED_OUT


# The publisher's end


def layer_at(url: str) -> RedisPubSubChannelLayer:
    return RedisPubSubChannelLayer(hosts=[url], prefix="kairos")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes connections and never answers: a Redis that hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.mark.parametrize("state", ["refusing", "hanging"])
def test_the_feed_is_never_held_up_by_a_redis_that_is_away(state: str, caplog: pytest.LogCaptureFixture) -> None:
    """Half a second at the most for one batch, and one line in the log for the whole outage."""
    caplog.set_level(logging.INFO, logger="markets.events")
    with contextlib.ExitStack() as stack_:
        url = f"redis://127.0.0.1:{free_port()}/0" if state == "refusing" else stack_.enter_context(silent_server())
        publisher = QuotePublisher(layer_at(url))
        stack_.callback(publisher.close)
        for _ in range(3):
            started = time.monotonic()
            assert publisher.publish([live_quote()], [live_book()], CLOCK) is False
            assert time.monotonic() - started < 0.55
            publisher._try_again_at = 0.0  # as if its pause were over
    assert len([r for r in caplog.records if "Redis does not answer" in r.message]) == 1


def test_while_it_pauses_the_publisher_costs_the_feed_nothing() -> None:
    publisher = QuotePublisher(layer_at(f"redis://127.0.0.1:{free_port()}/0"))
    publisher.publish([live_quote()], [], CLOCK)
    started = time.monotonic()
    for _ in range(100):
        assert publisher.publish([live_quote()], [], CLOCK) is False
    assert time.monotonic() - started < 0.1
    publisher.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[EmbeddedRedis, str]]:
    path = tmp_path / "r" / "s"
    server = EmbeddedRedis(path)
    server.start()
    yield server, f"unix://{path}"
    server.stop()


async def test_prices_flow_again_after_redis_was_restarted(own_redis: tuple[EmbeddedRedis, str]) -> None:
    server, url = own_redis

    async def nothing_written(_keys: object) -> Snapshot:
        return Snapshot()

    publisher = QuotePublisher(layer_at(url))
    hub = QuoteHub(layer_at(url), QUOTES_GROUP, nothing_written)
    page = FakeSocket()
    seat = hub.join(page)
    await hub.watch(seat, frozenset({"KRX:005930"}), None)

    async def publish_until(price: str) -> None:
        async with asyncio.timeout(20):
            while price not in page.prices("KRX:005930"):
                await asyncio.to_thread(publisher.publish, [live_quote(price=price)], [], CLOCK)
                await asyncio.sleep(0.05)

    await publish_until("71200")
    await asyncio.to_thread(server.stop)
    assert await asyncio.to_thread(publisher.publish, [live_quote()], [], CLOCK) is False
    await asyncio.to_thread(server.start)
    await publish_until("71300")
    await hub.leave(seat)
    await asyncio.to_thread(publisher.close)


# A real server, and a reader that does not read


@pytest.fixture
def served() -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """daphne with our hub in a process of its own, flooding whoever connects: (port, process)."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.markets.flood", str(port)],
        cwd=BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield port, process
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def handshake(port: int, receive_buffer: int | None = None) -> socket.socket:
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    client.sendall(
        b"GET /ws/quotes/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b" 101 " in client.recv(1024)
    return client


@pytest.mark.processes
def test_a_page_that_stops_reading_is_closed_and_its_prices_are_not_kept(
    served: tuple[int, "subprocess.Popen[str]"],
) -> None:
    """reliability.md 3.13: daphne's own `send` never waits, so its backlog has to be looked at."""
    port, process = served
    memory = psutil.Process(process.pid)
    with handshake(port, receive_buffer=4096) as asleep, handshake(port) as awake:
        before = memory.memory_info().rss
        deadline = time.monotonic() + 30
        assert process.stdout is not None
        said, received = "", 0
        while "closed 4008" not in said and time.monotonic() < deadline:
            received += len(awake.recv(1 << 20))
            if select.select([process.stdout], [], [], 0)[0]:
                said += process.stdout.readline()
        assert re.findall(r"closed \d+", said) == ["closed 4008"], "the one asleep, not the one awake"
        assert received > 1_000_000
        assert memory.memory_info().rss - before < 60_000_000
        with contextlib.suppress(ConnectionResetError):  # either end of a connection will do
            while asleep.recv(1 << 20):  # what was on its way comes first
                pass
