"""The hub between one subscription and many sockets: newest value first, nothing queued, nothing silent."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from markets.hub import BEHIND_SECONDS, FLUSH_SECONDS, TOO_SLOW, QuoteHub, Snapshot
from markets.seats import FULL_BYTES, Seat

GROUP = "quotes"


class FakeLayer:
    """One process' channel layer: `down` makes every call fail, `deaf` takes messages and delivers none."""

    def __init__(self) -> None:
        self.queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self.members: set[str] = set()
        self.down = self.deaf = False
        self.subscribed = 0

    async def new_channel(self) -> str:
        self._check()
        name = f"channel-{len(self.queues)}"
        self.queues[name] = asyncio.Queue()
        return name

    async def group_add(self, group: str, channel: str) -> None:
        self._check()
        self.subscribed += 1
        self.members.add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self.members.discard(channel)
        self._check()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self._check()
        if not self.deaf:
            for channel in self.members:
                self.queues[channel].put_nowait(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self.queues[channel].get()

    def _check(self) -> None:
        if self.down:
            raise ConnectionError


class FakeSocket:
    """A page: what it was sent, whether it takes frames, and how many bytes its server still holds."""

    def __init__(self, error: Exception | None = None) -> None:
        self.frames: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.closed_with: int | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.held = 0
        self.error = error

    async def send_frame(self, text: str) -> None:
        await self.open.wait()
        if self.error:
            raise self.error
        self.texts.append(text)
        self.frames.append(json.loads(text))

    async def close_with(self, code: int) -> None:
        self.closed_with = code

    def waiting(self) -> int:
        return self.held

    def prices(self, key: str) -> list[str]:
        return [q["price"] for frame in self.frames for q in frame.get("quotes", []) if q["key"] == key]


class WrittenDown:
    """What the database knows: `look` as the hub asks for it."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.asked: list[set[str]] = []

    async def look(self, keys: Iterable[str]) -> Snapshot:
        self.asked.append(set(keys))
        return self.snapshot


class QuickHub(QuoteHub):
    PROBE_SECONDS = 0.05
    LONGEST_PAUSE = 0.05


def quote(key: str, price: str) -> str:
    return json.dumps({"key": key, "price": price})


def batch(**prices: str) -> dict[str, Any]:
    clock = json.dumps({"source": "simulator", "at": "2026-03-02T03:00:00Z", "speed": 60})
    return {
        "type": "quotes.batch",
        "data": {key: quote(key, price) for key, price in prices.items()},
        "books": {},
        "clocks": {"simulator": clock},
    }


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(layer: FakeLayer, written: WrittenDown | None = None) -> AsyncIterator[QuickHub]:
    hub = QuickHub(layer, GROUP, (written or WrittenDown()).look)
    try:
        yield hub
    finally:
        for seat in list(hub._seats):
            await hub.leave(seat)
        await hub.stop()


async def sit(hub: QuoteHub, *keys: str, book: str | None = None, socket: FakeSocket | None = None) -> FakeSocket:
    socket = socket or FakeSocket()
    await hub.watch(hub.join(socket), frozenset(keys), book)
    return socket


async def test_a_socket_gets_the_quotes_it_watches_and_no_others() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        socket = await sit(hub, "A")
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(A="1", B="2"))
        await until(lambda: socket.prices("A") == ["1"])
        assert socket.prices("B") == []
        assert socket.frames[0]["clock"]["speed"] == 60


async def test_what_is_written_down_comes_at_once_so_that_a_page_never_waits() -> None:
    written = WrittenDown()
    written.snapshot = Snapshot({"A": quote("A", "7")}, {"A": json.dumps({"type": "book", "key": "A"})})
    async with running(FakeLayer(), written) as hub:
        socket = await sit(hub, "A", book="A")
        await until(lambda: len(socket.frames) == 2)
        assert socket.prices("A") == ["7"]
        assert socket.frames[1] == {"type": "book", "key": "A"}


async def test_a_live_price_is_never_replaced_by_an_older_one_from_the_database() -> None:
    layer, written = FakeLayer(), WrittenDown()
    written.snapshot = Snapshot({"A": quote("A", "old")})
    async with running(layer, written) as hub:
        first = await sit(hub, "A")
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(A="new"))
        await until(lambda: "new" in first.prices("A"))
        second = await sit(hub, "A")
        await until(lambda: bool(second.frames))
        assert second.prices("A") == ["new"]


async def test_of_many_values_within_one_flush_only_the_newest_is_sent() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        socket = await sit(hub, "A")
        await until(lambda: bool(layer.members))
        for price in range(1000):
            await layer.group_send(GROUP, batch(A=str(price)))
        await until(lambda: "999" in socket.prices("A"))
        assert len(socket.prices("A")) < 20


async def test_frames_come_at_most_ten_times_a_second() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        socket = await sit(hub, "A")
        await until(lambda: bool(layer.members))
        loop = asyncio.get_running_loop()
        end, price = loop.time() + 10 * FLUSH_SECONDS, 0
        while loop.time() < end:
            price += 1
            await layer.group_send(GROUP, batch(A=str(price)))
            await asyncio.sleep(0.005)
        assert 1 <= len(socket.prices("A")) <= 11


async def test_a_frame_is_encoded_once_for_all_sockets_that_watch_the_same() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        one, two = await sit(hub, "A", "B"), await sit(hub, "B", "A")
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(A="1", B="2"))
        await until(lambda: bool(one.texts and two.texts))
        assert one.texts[0] is two.texts[0]


async def test_a_slow_reader_gets_the_newest_value_and_no_queue() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        slow, quick = await sit(hub, "A", "B"), await sit(hub, "A", "B")
        slow.open.clear()
        await until(lambda: bool(layer.members))
        for price in range(8):
            await layer.group_send(GROUP, batch(A=str(price), **({"B": "b"} if price == 3 else {})))
            await asyncio.sleep(1.2 * FLUSH_SECONDS)
        assert len(quick.prices("A")) >= 5
        slow.open.set()
        await until(lambda: slow.prices("A")[-1:] == ["7"])
        assert len(slow.prices("A")) == 2, "the one on its way, and the newest"
        assert slow.prices("B") == ["b"], "nothing that is latest is lost"


async def test_bytes_held_by_the_server_count_as_slow_too() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        socket = await sit(hub, "A")
        socket.held = FULL_BYTES + 1
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(A="1"))
        await layer.group_send(GROUP, batch(A="2"))
        await asyncio.sleep(3 * FLUSH_SECONDS)
        assert socket.frames == []
        socket.held = 0
        await until(lambda: socket.prices("A") == ["2"])


async def test_a_reader_that_takes_nothing_for_five_seconds_is_closed_and_keeps_nothing_in_memory() -> None:
    socket = FakeSocket()
    async with running(FakeLayer()) as hub:
        seat = hub.join(socket)
        socket.held = FULL_BYTES + 1
        hub.flush(100.0)
        hub.flush(100.0 + BEHIND_SECONDS)
        assert socket.closed_with is None
        hub.flush(100.1 + BEHIND_SECONDS)
        await until(lambda: socket.closed_with == TOO_SLOW)
        hub.flush(200.0)
        assert (seat.quotes, seat.sending) == ({}, None)


async def test_a_reader_that_catches_up_in_time_is_forgiven() -> None:
    socket = FakeSocket()
    async with running(FakeLayer()) as hub:
        hub.join(socket)
        for moment, held in ((100.0, FULL_BYTES + 1), (104.0, 0), (106.0, FULL_BYTES + 1), (110.0, FULL_BYTES + 1)):
            socket.held = held
            hub.flush(moment)
        await asyncio.sleep(0)
        assert socket.closed_with is None


async def test_a_socket_that_breaks_takes_nobody_with_it() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        await sit(hub, "A", socket=FakeSocket(error=RuntimeError("gone")))
        good = await sit(hub, "A")
        await until(lambda: bool(layer.members))
        for price in ("1", "2"):
            await layer.group_send(GROUP, batch(A=price))
            await until(lambda price=price: price in good.prices("A"))  # type: ignore[misc]


async def test_the_order_book_goes_to_whoever_watches_it() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        reader, other = await sit(hub, "A", book="A"), await sit(hub, "A", book="B")
        await until(lambda: bool(layer.members))
        book = json.dumps({"type": "book", "key": "A", "bids": [["1", "2"]]})
        await layer.group_send(GROUP, {**batch(A="1"), "books": {"A": book}})
        await until(lambda: any(f["type"] == "book" for f in reader.frames))
        await until(lambda: bool(other.frames))
        assert not any(f["type"] == "book" for f in other.frames)


async def test_every_page_hears_the_clock_even_when_its_own_instruments_are_quiet() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        socket = await sit(hub)
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(B="1"))
        await until(lambda: any(f["type"] == "clock" for f in socket.frames))
        assert socket.frames[-1]["clocks"][0]["source"] == "simulator"


async def test_watching_something_else_stops_the_old_and_brings_the_new() -> None:
    layer, written = FakeLayer(), WrittenDown()
    async with running(layer, written) as hub:
        socket = FakeSocket()
        seat: Seat = hub.join(socket)
        await hub.watch(seat, frozenset("A"), None)
        await hub.watch(seat, frozenset("B"), None)
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(A="1", B="2"))
        await until(lambda: socket.prices("B") == ["2"])
        assert socket.prices("A") == []
        assert written.asked == [{"A"}, {"B"}]


async def test_after_redis_was_away_the_hub_subscribes_again_and_hands_out_what_was_missed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="markets.hub")
    layer, written = FakeLayer(), WrittenDown()
    async with running(layer, written) as hub:
        socket = await sit(hub, "A")
        await until(lambda: bool(layer.members))
        layer.down = True
        await until(lambda: not layer.members)
        written.snapshot = Snapshot({"A": quote("A", "missed")})
        await asyncio.sleep(0.3)
        layer.down = False
        await until(lambda: socket.prices("A") == ["missed"])
        await layer.group_send(GROUP, batch(A="live"))
        await until(lambda: socket.prices("A") == ["missed", "live"])
    lost = [record for record in caplog.records if "lost the subscription" in record.message]
    assert len(lost) == 1, "said once, not at every try"


async def test_a_subscription_that_delivers_nothing_any_more_is_noticed_and_made_anew() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        socket = await sit(hub, "A")
        await until(lambda: layer.subscribed == 1)
        layer.deaf = True
        await until(lambda: layer.subscribed >= 2)
        layer.deaf = False
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(A="1"))
        await until(lambda: socket.prices("A") == ["1"])


async def test_a_quiet_market_is_no_reason_to_subscribe_again() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        await sit(hub, "A")
        await asyncio.sleep(0.5)
        assert layer.subscribed == 1


async def test_the_hub_rests_when_nobody_sits_at_it_and_wakes_for_the_next() -> None:
    layer = FakeLayer()
    async with running(layer) as hub:
        seat = hub.join(FakeSocket())
        await until(lambda: bool(layer.members))
        await hub.leave(seat)
        assert not layer.members
        socket = await sit(hub, "A")
        await until(lambda: bool(layer.members))
        await layer.group_send(GROUP, batch(A="1"))
        await until(lambda: socket.prices("A") == ["1"])
