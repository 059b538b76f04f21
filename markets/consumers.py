"""The socket of live prices. It says what a page watches; the hub does the sending."""

import asyncio
from collections.abc import Iterable
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.db.models import F

from markets import events
from markets.backpressure import waiting_bytes
from markets.hub import QuoteHub, Snapshot
from markets.models import Instrument, LatestQuote, PriceFeed
from markets.seats import Seat
from markets.services.demand import note_seen

MOST_KEYS = 100
LONGEST_KEY = 64
LONGEST_FRAME = 8 * 1024
FRAMES_PER_BEAT = 20  # frames a page may send between two heartbeats
SIGNED_OUT, TOO_MANY_FRAMES = 4003, 4029

_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, QuoteHub]" = WeakKeyDictionary()


def hub() -> QuoteHub:
    """The one hub of this process (of this event loop, of which a server has one)."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = QuoteHub(get_channel_layer(), events.QUOTES_GROUP, written_down, tell_seen)
    return _hubs[loop]


async def tell_seen(keys: set[str], books: set[str]) -> None:
    await asyncio.to_thread(note_seen, keys, books)


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def written_down(keys: Iterable[str]) -> Snapshot:
    """The last quote, book and clocks the feed wrote into the database, encoded like live ones."""
    symbols = {key.partition(":")[2] for key in keys}
    found = LatestQuote.objects.select_related("instrument").filter(
        instrument__symbol__in=symbols, source=F("instrument__source")
    )
    rows = [row for row in found if row.instrument.key in set(keys)]
    return Snapshot(
        quotes={row.instrument.key: events.stored_quote_json(row) for row in rows},
        books={row.instrument.key: events.stored_book_json(row) for row in rows},
        clocks={
            feed.source: events.clock_json(events.MarketClock(feed.source, feed.market_time, feed.speed))
            for feed in PriceFeed.objects.defer("state").order_by("heartbeat_at")
        },
    )


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def tradable(keys: frozenset[str]) -> frozenset[str]:
    """Those of `keys` that name an instrument."""
    found = Instrument.objects.active().filter(symbol__in={key.partition(":")[2] for key in keys})
    return frozenset(instrument.key for instrument in found) & keys


class BadFrame(Exception):
    """A frame we do not act on; `code` goes back to the page."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def asked_for(text: str | None) -> dict[str, Any]:
    """What a frame asks: `subscribe` (a set of keys) and/or `book` (one key or None). Raises BadFrame."""
    if text is None:
        raise BadFrame("not_text")
    if len(text) > LONGEST_FRAME:
        raise BadFrame("too_large")
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadFrame("not_json") from None
    if not isinstance(frame, dict) or not frame or not frame.keys() <= {"subscribe", "book"}:
        raise BadFrame("bad_request")
    asked: dict[str, Any] = {}
    if "subscribe" in frame:
        asked["subscribe"] = _keys(frame["subscribe"])
    if "book" in frame:
        asked["book"] = None if frame["book"] is None else _key(frame["book"])
    return asked


def _keys(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise BadFrame("bad_request")
    if len(value) > MOST_KEYS:
        raise BadFrame("too_many_instruments")
    return frozenset(_key(key) for key in value)


def _key(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_KEY or "\x00" in value:
        raise BadFrame("bad_request")
    return value


class QuoteStream(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """`{"subscribe": ["KRX:005930", …]}` and `{"book": "KRX:005930"}` in; quotes, books, clocks and heartbeats out.

    Each frame replaces the list (or the book) named before it. A frame we cannot act on is answered
    `{"type": "error", "code": …}` and changes nothing.
    """

    channel_layer_alias = "none"  # the hub has the one subscription; a socket needs no channel of its own
    heartbeat_seconds = 15.0
    beats_per_check = 2  # whether the person is still signed in is asked every second heartbeat

    seat: Seat | None = None
    pulse: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        if not self.scope["user"].is_authenticated or not self.scope["user"].is_active:
            raise DenyConnection
        self.waiting = waiting_bytes(self.base_send)
        self.frames_left = FRAMES_PER_BEAT
        await self.accept()
        self.seat = hub().join(self)
        self.pulse = asyncio.create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        if self.pulse is not None:
            self.pulse.cancel()
        if self.seat is not None:
            await hub().leave(self.seat)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.frames_left -= 1
        if self.frames_left < 0:
            await self.close(TOO_MANY_FRAMES)
            return
        try:
            await self._watch(asked_for(text_data))
        except BadFrame as e:
            await self._say({"type": "error", "code": e.code})

    async def _watch(self, asked: dict[str, Any]) -> None:
        assert self.seat is not None  # noqa: S101  (accepted, therefore seated)
        keys, book = asked.get("subscribe", self.seat.keys), asked.get("book", self.seat.book)
        known = await tradable(keys | ({book} if book else set()))
        await hub().watch(self.seat, keys & known, book if book in known else None)
        unknown = (keys | ({book} if book else set())) - known
        if unknown:
            await self._say({"type": "error", "code": "unknown_instrument", "keys": sorted(unknown)})

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send_frame(orjson.dumps(message).decode())

    async def _beat(self) -> None:
        """Tell the page we live, and leave when its person may no longer look."""
        beats = 0
        while True:
            await asyncio.sleep(self.heartbeat_seconds)
            beats += 1
            self.frames_left = FRAMES_PER_BEAT
            if beats % self.beats_per_check == 0 and not await self._still_signed_in():
                await self.close(SIGNED_OUT)
                return
            await self._say({"type": "heartbeat"})

    async def _still_signed_in(self) -> bool:
        """Ask the database, not the scope: the session may have ended or the person been shut out since."""
        session = import_module(settings.SESSION_ENGINE).SessionStore(self.scope["session"].session_key)
        user = await get_user({"session": session})
        return bool(user.is_authenticated and user.pk == self.scope["user"].pk)

    # The hub's side

    async def send_frame(self, text: str) -> None:
        await self.base_send({"type": "websocket.send", "text": text})

    async def close_with(self, code: int) -> None:
        await self.close(code)
