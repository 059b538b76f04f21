"""The socket of live prices. It says what a page watches; the hub does the sending."""

import asyncio
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db.models import F

from accounts.consumers import BadFrame, PersonalSocket
from markets import events
from markets.backpressure import waiting_bytes
from markets.hub import QuoteHub, Snapshot
from markets.models import Instrument, LatestQuote, PriceFeed
from markets.seats import Seat
from markets.services.demand import note_seen

MOST_KEYS = 100
LONGEST_KEY = 64

_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, QuoteHub]" = WeakKeyDictionary()


def hub() -> QuoteHub:
    """The one hub of this process (of this event loop, of which a server has one)."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = QuoteHub(get_channel_layer(), events.QUOTES_GROUP, written_down, tell_seen, events.TRADES_GROUP)
    return _hubs[loop]


async def tell_seen(keys: set[str], books: set[str]) -> None:
    await asyncio.to_thread(note_seen, keys, books, books)  # beside a book its last trades are shown


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


def asked_for(frame: dict[str, Any]) -> dict[str, Any]:
    """What a frame asks: `subscribe`, `unsubscribe` (sets of keys), `book` (one key or None). Raises BadFrame."""
    if not frame.keys() <= {"subscribe", "unsubscribe", "book"}:
        raise BadFrame("bad_request")
    asked: dict[str, Any] = {name: _keys(frame[name]) for name in ("subscribe", "unsubscribe") if name in frame}
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


class QuoteStream(PersonalSocket):
    """`{"subscribe": ["KRX:005930", …]}` and `{"book": "KRX:005930"}` in; quotes, books, clocks and heartbeats out.

    With a book come its last trades. Each frame replaces the list (or the book) named before it; `{"unsubscribe": […]}`
    takes some off it. A frame we cannot act on is answered `{"type": "error", "code": …}` and changes nothing.
    """

    channel_layer_alias = "none"  # the hub has the one subscription; a socket needs no channel of its own
    seat: Seat | None = None

    async def entered(self) -> None:
        self.waiting = waiting_bytes(self.base_send)
        self.seat = hub().join(self)

    async def left(self) -> None:
        if self.seat is not None:
            await hub().leave(self.seat)

    async def heard(self, frame: dict[str, Any]) -> None:
        assert self.seat is not None  # noqa: S101  (entered, therefore seated)
        asked = asked_for(frame)
        keys, book = asked.get("subscribe", self.seat.keys), asked.get("book", self.seat.book)
        keys -= asked.get("unsubscribe", frozenset())
        known = await tradable(keys | ({book} if book else set()))
        await hub().watch(self.seat, keys & known, book if book in known else None)
        unknown = (keys | ({book} if book else set())) - known
        if unknown:
            await self.say({"type": "error", "code": "unknown_instrument", "keys": sorted(unknown)})

    # The hub's side

    async def send_frame(self, text: str) -> None:
        await self.base_send({"type": "websocket.send", "text": text})

    async def close_with(self, code: int) -> None:
        await self.close(code)
