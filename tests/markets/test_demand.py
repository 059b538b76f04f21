"""What pages look at reaches whoever has to choose what to listen to."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import redis
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.test import Client

from config.asgi import application
from markets.services import demand
from markets.services.demand import QUOTES, Seen, Watching, note_seen, seen
from tests.markets.scene import make_instrument, make_person


@pytest.fixture(autouse=True)
def _nobody_looks() -> None:
    redis.Redis.from_url(settings.REDIS_URL).delete(demand.QUOTES, demand.BOOKS, demand.TRADES)


@pytest.fixture
async def _give_connections_back(transactional_db: None) -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


def test_several_processes_say_together_what_is_seen() -> None:
    note_seen(["KRX:005930"], books=["KRX:005930"])
    note_seen(["KRX:000660"], trades=["KRX:000660"])
    told = seen()
    assert set(told.quotes) == {"KRX:005930", "KRX:000660"}
    assert (set(told.books), set(told.trades)) == ({"KRX:005930"}, {"KRX:000660"})


def test_what_nobody_says_any_more_is_over() -> None:
    note_seen(["KRX:005930"])
    redis.Redis.from_url(settings.REDIS_URL).zadd(QUOTES, {"KRX:000660": time.time() - demand.LASTS - 1})
    assert seen().quotes == ("KRX:005930",)


def test_nothing_seen_is_nothing() -> None:
    note_seen()
    assert seen() == Seen()
    assert Watching().now() == Seen()


def test_what_one_process_says_is_bounded() -> None:
    note_seen([f"KRX:{n:06d}" for n in range(demand.MOST + 100)])
    assert len(seen().quotes) == demand.MOST


@pytest.mark.usefixtures("_give_connections_back")
async def test_an_open_page_is_seen_and_a_closed_one_no_longer_said() -> None:
    """D09: the feed listens to what somebody needs."""
    person = await sync_to_async(make_person)()
    await sync_to_async(make_instrument)()
    browser = Client()
    await sync_to_async(browser.force_login)(person)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}".encode()
    socket = WebsocketCommunicator(
        application,
        "/ws/quotes/",
        headers=[(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"cookie", cookie)],
    )
    await socket.connect(timeout=5)
    await socket.send_to(text_data='{"subscribe": ["KRX:005930"], "book": "KRX:005930"}')
    async with asyncio.timeout(5):
        while not (told := await asyncio.to_thread(seen)).books:
            await asyncio.sleep(0.05)
    looked_at = frozenset({"KRX:005930"})
    assert told == Seen(("KRX:005930",), looked_at, looked_at)  # beside a book stand the last trades
    await socket.disconnect(timeout=5)
