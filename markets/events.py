"""What travels from the feed to the pages: the group's name, each payload, and the feed's end of it.

Numbers are strings, as everywhere in JSON. Each payload is encoded once, here; a web process only joins the pieces.
"""

import asyncio
import logging
import time
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from markets.executions import book_fields, executions
from markets.models import LatestQuote
from markets.services import quote_is_stale
from markets.types import OrderBook, Quote, Tick

logger = logging.getLogger(__name__)

QUOTES_GROUP = "quotes"
BATCH = "quotes.batch"
TRADES_GROUP = "trades"  # every trade of the instruments somebody wants one by one
TRADES_BATCH = "trades.batch"


@dataclass(frozen=True, slots=True)
class MarketClock:
    """What time it is in the market of one source, and how fast it runs (market seconds per second)."""

    source: str
    at: datetime
    speed: int


def _number(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _payload(quote: Any, key: str, is_stale: bool) -> str:
    base = quote.base_price
    fields = {
        "key": key,
        "price": _number(quote.price),
        "change": _number(quote.price - base),
        "change_rate": _number((quote.price / base - 1).quantize(Decimal("0.000001"))) if base else "0",
        "bid": _number(quote.bid),
        "ask": _number(quote.ask),
        "at": quote.at,
        "source": str(quote.source),
        "day_volume": _number(quote.day_volume),
        "stale": is_stale,
    }
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()


def quote_json(quote: Quote) -> str:
    """One live quote, encoded."""
    return _payload(quote, quote.instrument, is_stale=False)


def stored_quote_json(row: LatestQuote) -> str:
    """The last quote we wrote down, encoded; `stale` when its feed has fallen silent."""
    return _payload(row, row.instrument.key, is_stale=quote_is_stale(row))


def book_json(book: OrderBook) -> str:
    """One order book, encoded: `bids` and `asks` as [price, quantity], best first."""
    return _book(
        book.instrument,
        book.at,
        bids=[[_number(level.price), _number(level.quantity)] for level in book.bids],
        asks=[[_number(level.price), _number(level.quantity)] for level in book.asks],
    )


def stored_book_json(row: LatestQuote) -> str:
    """The last order book we wrote down, encoded like a live one; empty sides where there is none."""
    return _book(row.instrument.key, row.at, bids=row.book.get("bids", []), asks=row.book.get("asks", []))


def _book(key: str, at: datetime, bids: list[Any], asks: list[Any]) -> str:
    fields = {"type": "book", "key": key, "at": at, "bids": bids, "asks": asks}
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()


def tick_json(tick: Tick) -> str:
    """One trade, encoded."""
    fields = {"at": tick.at, "price": _number(tick.price), "quantity": _number(tick.quantity)}
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()


def clock_json(clock: MarketClock) -> str:
    fields = {"source": str(clock.source), "at": clock.at, "speed": clock.speed}
    return orjson.dumps(fields, option=orjson.OPT_UTC_Z).decode()


def batch(quotes: Sequence[Quote], books: Sequence[OrderBook], clock: MarketClock) -> dict[str, Any]:
    """The channel-layer message for one look at the market."""
    return {
        "type": BATCH,
        "data": {quote.instrument: quote_json(quote) for quote in quotes},
        "books": {book.instrument: book_json(book) for book in books},
        "clocks": {str(clock.source): clock_json(clock)},
    }


def trades_batch(
    source: str, ticks: Sequence[Tick], quotes: Sequence[Quote], books: Sequence[OrderBook], wanted: Container[str]
) -> dict[str, Any] | None:
    """The channel-layer message with the trades and books of what is wanted one by one; None where there are none.

    `trades` and `books` name their fields as KIS does, `tape` has each trade as pages read it, encoded.
    """
    prices = {quote.instrument: quote for quote in quotes}
    traded: dict[str, list[Tick]] = {}
    for tick in ticks:
        if tick.instrument in wanted and tick.instrument in prices:
            traded.setdefault(tick.instrument, []).append(tick)
    found = {key: executions(told, prices[key]) for key, told in traded.items()}
    depth = {book.instrument: book_fields(book) for book in books if book.instrument in wanted}
    if not found and not depth:
        return None
    tape = {key: [tick_json(tick) for tick in told] for key, told in traded.items()}
    return {"type": TRADES_BATCH, "source": source, "trades": found, "books": depth, "tape": tape}


class QuotePublisher:
    """The feed's end: sends batches to every web process, and never holds the feed up.

    Make it in the process that uses it (after a fork, not before). It owns an event loop for its life, so that one
    connection to Redis serves every batch. While Redis is away batches are dropped, for the next price replaces the
    last one anyway; it says so once, and tries again with growing pauses.
    """

    SEND_SECONDS = 0.35
    CLEAN_UP_SECONDS = 0.1
    FIRST_PAUSE = 0.1  # one late answer must not stop prices for long
    LONGEST_PAUSE = 10.0

    def __init__(self, layer: Any = None) -> None:
        self._layer = layer or get_channel_layer()
        self._loop = asyncio.new_event_loop()
        self._failures = 0
        self._try_again_at = 0.0

    def publish(self, quotes: Sequence[Quote], books: Sequence[OrderBook], clock: MarketClock) -> bool:
        """Send one batch within half a second. False when it was dropped because Redis is away."""
        return self._sent(QUOTES_GROUP, batch(quotes, books, clock))

    def publish_trades(self, message: dict[str, Any]) -> bool:
        """Send a `trades_batch`; as `publish`."""
        return self._sent(TRADES_GROUP, message)

    def close(self) -> None:
        """Give the connection back. The publisher cannot be used afterwards."""
        if not self._loop.is_closed():
            self._forget_connection()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _sent(self, group: str, message: dict[str, Any]) -> bool:
        if time.monotonic() < self._try_again_at:
            return False
        try:
            self._loop.run_until_complete(self._send(group, message))
        except (OSError, TimeoutError, RedisError) as e:
            self._pause(e)
            return False
        if self._failures:
            logger.info("quotes: Redis is back after %s failed tries", self._failures)
        self._failures, self._try_again_at = 0, 0.0
        return True

    async def _send(self, group: str, message: dict[str, Any]) -> None:
        async with asyncio.timeout(self.SEND_SECONDS):
            await self._layer.group_send(group, message)

    def _pause(self, reason: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.warning("quotes: pages get no live prices, Redis does not answer (%s)", type(reason).__name__)
        self._forget_connection()
        self._try_again_at = time.monotonic() + min(
            self.LONGEST_PAUSE, self.FIRST_PAUSE * 2 ** min(self._failures - 1, 8)
        )

    def _forget_connection(self) -> None:
        """Start afresh next time: a connection cut in the middle of a message would garble the next one."""
        with suppress(OSError, TimeoutError, RedisError):  # it is broken already; that is why we let it go
            self._loop.run_until_complete(asyncio.wait_for(self._layer.flush(), self.CLEAN_UP_SECONDS))
