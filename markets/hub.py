"""One subscription per web process, fanned out to its sockets: newest value per instrument, ten frames a second.

A reader that cannot keep up gets fewer, newer prices: while a frame is on its way the newest value of each instrument
waits in a dict, never in a queue. One that takes nothing for five seconds is closed (4008).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from markets.seats import Outlet, Seat
from markets.tape import Tape
from markets.telling import Telling

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
BEHIND_SECONDS = 5.0
CLOCK_SECONDS = 1.0
TOO_SLOW = 4008


class SubscriptionDead(Exception):
    """Redis takes what we publish and delivers nothing to us."""

    code = "subscription_dead"


class Layer(Protocol):
    """What we use of a channel layer."""

    async def new_channel(self) -> str: ...
    async def group_add(self, group: str, channel: str) -> None: ...
    async def group_discard(self, group: str, channel: str) -> None: ...
    async def group_send(self, group: str, message: dict[str, Any]) -> None: ...
    async def receive(self, channel: str) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest we know of some instruments without the stream, encoded. `clocks`: source → clock."""

    quotes: dict[str, str] = field(default_factory=dict)
    books: dict[str, str] = field(default_factory=dict)
    clocks: dict[str, str] = field(default_factory=dict)


Look = Callable[[Iterable[str]], Awaitable[Snapshot]]
Tell = Callable[[set[str], set[str]], Awaitable[None]]  # the instruments, and the books, somebody here looks at


async def nobody_is_told(_keys: set[str], _books: set[str]) -> None:
    """For a hub that is alone."""


class QuoteHub:
    """Fans one subscription out to the sockets of this process. Runs while somebody sits at it."""

    PROBE_SECONDS = 5.0  # after so long without a word, Redis has to prove that it still delivers to us
    LONGEST_PAUSE = 10.0

    def __init__(
        self, layer: Layer, group: str, look: Look, tell: Tell = nobody_is_told, trades_group: str = ""
    ) -> None:
        self._layer, self._group, self._look, self._tell = layer, group, look, tell
        self._groups = [group, trades_group] if trades_group else [group]
        self._telling = Telling(self._tell_what_is_seen)
        self._seats: set[Seat] = set()
        self._quotes: dict[str, str] = {}
        self._books: dict[str, str] = {}
        self._clocks: dict[str, str] = {}
        self._dirty_quotes: dict[str, str] = {}
        self._dirty_books: dict[str, str] = {}
        self._tape = Tape()
        self._clock_sent_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._farewells: set[asyncio.Task[None]] = set()

    # Who sits at it

    def join(self, outlet: Outlet) -> Seat:
        seat = Seat(outlet)
        self._seats.add(seat)
        if not self._tasks:
            work = (self._listen(), self._flush_forever(), self._telling.run())
            self._tasks = [asyncio.create_task(each) for each in work]
        return seat

    async def leave(self, seat: Seat) -> None:
        self._seats.discard(seat)
        if seat.sending is not None:
            seat.sending.cancel()
        if not self._seats:
            await self.stop()

    async def stop(self) -> None:
        """End the subscription; the next to join starts it again."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._forget()

    async def watch(self, seat: Seat, keys: frozenset[str], book: str | None) -> None:
        """Send `seat` these instruments from now on, and what we know of them at once."""
        seat.keys, seat.book = keys, book
        seat.quotes = {key: text for key, text in seat.quotes.items() if key in keys}
        seat.book_text = seat.tape_text = None
        self._telling.soon()
        await self._give_newest([seat])

    async def _tell_what_is_seen(self) -> None:
        keys = {key for seat in self._seats for key in seat.keys}
        books = {seat.book for seat in self._seats if seat.book is not None}
        if keys or books:
            await self._tell(keys | books, books)

    async def _give_newest(self, seats: Iterable[Seat]) -> None:
        """Put the newest of everything watched onto each seat: live where we have it, else as written down."""
        seats = list(seats)
        written = await self._look({key for seat in seats for key in (*seat.keys, seat.book) if key is not None})
        self._clocks = {**written.clocks, **self._clocks}
        for seat in seats:
            for key in seat.keys:
                if text := self._quotes.get(key) or written.quotes.get(key):
                    seat.quotes[key] = text
            if seat.book is not None:
                seat.book_text = self._books.get(seat.book) or written.books.get(seat.book)
                seat.tape_text = self._tape.frame(seat.book)

    # What comes in

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with self._subscription() as arrivals:
                    if failures:
                        logger.info("quotes: subscribed again after %s failed tries", failures)
                        await self._give_newest(self._seats)  # whatever was missed
                    failures = 0
                    await self._receive(arrivals)
            except Exception as e:  # whatever it is: pages must not freeze in silence, so say it and come back
                failures += 1
                if failures == 1:
                    logger.warning("quotes: lost the subscription (%s), subscribing again", type(e).__name__)
                self._forget()
                await asyncio.sleep(min(self.LONGEST_PAUSE, 0.25 * 2 ** min(failures, 8)))

    @asynccontextmanager
    async def _subscription(self) -> AsyncIterator["asyncio.Queue[dict[str, Any] | Exception]"]:
        """Messages of the group as they arrive; an exception among them is what ended the subscription."""
        channel = await self._layer.new_channel()
        arrivals: asyncio.Queue[dict[str, Any] | Exception] = asyncio.Queue()
        pump = asyncio.create_task(self._pump(channel, arrivals))
        try:
            for group in self._groups:
                await self._layer.group_add(group, channel)
            yield arrivals
        finally:  # the layer gives a channel up when its reader is canceled; the rest may fail with Redis, and may
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            leaving = (self._layer.group_discard(group, channel) for group in self._groups)
            await asyncio.gather(*leaving, return_exceptions=True)

    async def _pump(self, channel: str, arrivals: "asyncio.Queue[dict[str, Any] | Exception]") -> None:
        try:
            while True:
                arrivals.put_nowait(await self._layer.receive(channel))
        except Exception as e:
            arrivals.put_nowait(e)

    async def _receive(self, arrivals: "asyncio.Queue[dict[str, Any] | Exception]") -> None:
        """Take messages in. Raises SubscriptionDead when our own probe does not come back, or what the layer raised."""
        probed = False
        while True:
            try:
                async with asyncio.timeout(self.PROBE_SECONDS):
                    message = await arrivals.get()
            except TimeoutError:
                if probed:
                    raise SubscriptionDead from None
                await self._layer.group_send(self._group, {"type": "hub.probe"})
                probed = True
                continue
            if isinstance(message, Exception):
                raise message
            self._take(message)
            probed = False

    def _take(self, message: dict[str, Any]) -> None:
        if "tape" in message:  # trades one by one: its books are of another shape
            self._tape.take(message["tape"])
            return
        quotes, books = message.get("data") or {}, message.get("books") or {}
        self._quotes.update(quotes)
        self._dirty_quotes.update(quotes)
        self._books.update(books)
        self._dirty_books.update(books)
        for source, clock in (message.get("clocks") or {}).items():
            self._clocks.pop(source, None)  # the source heard last stands last
            self._clocks[source] = clock

    def _forget(self) -> None:
        for known in (self._quotes, self._books, self._clocks, self._dirty_quotes, self._dirty_books):
            known.clear()
        self._tape.forget()

    # What goes out

    async def _flush_forever(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + FLUSH_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                self.flush(loop.time())
            except Exception:  # one odd socket must not stop the prices of all others
                logger.exception("quotes: a flush failed")

    def flush(self, now: float) -> None:
        """Start one frame on its way to every socket that has news and can take it. `now`: the loop's seconds."""
        quotes, self._dirty_quotes = self._dirty_quotes, {}
        books, self._dirty_books = self._dirty_books, {}
        tapes = self._tape.frames()
        clocks = self._clock_frame(now)
        shared: dict[frozenset[str], str | None] = {}  # sockets that watch the same share one encoded frame
        for seat in list(self._seats):
            if seat.is_busy():
                seat.keep(quotes, books, tapes)
                self._close_if_too_slow(seat, now)
                continue
            seat.behind_since = None
            frames = [*self._frames(seat, quotes, books, shared), self._tape_of(seat, tapes), clocks]
            if frames := [frame for frame in frames if frame]:
                seat.sending = asyncio.create_task(self._deliver(seat, frames))

    def _frames(
        self, seat: Seat, quotes: dict[str, str], books: dict[str, str], shared: dict[frozenset[str], str | None]
    ) -> list[str | None]:
        if seat.quotes or seat.book_text:  # behind, or new here: its own mixture
            seat.keep(quotes, books, {})
            text, book = self._quotes_frame(seat.quotes, seat.quotes), seat.book_text
            seat.quotes, seat.book_text = {}, None
        else:
            if seat.keys not in shared:
                shared[seat.keys] = self._quotes_frame(quotes, quotes.keys() & seat.keys)
            text, book = shared[seat.keys], books.get(seat.book) if seat.book else None
        return [text, book]

    def _tape_of(self, seat: Seat, tapes: dict[str, str]) -> str | None:
        """The last trades of what the seat looks at in depth, where they are news to it."""
        waiting, seat.tape_text = seat.tape_text, None
        return (tapes.get(seat.book) if seat.book else None) or waiting

    def _quotes_frame(self, quotes: dict[str, str], keys: Iterable[str]) -> str | None:
        parts = ",".join([quotes[key] for key in keys])
        if not parts:
            return None
        clock = next(reversed(self._clocks.values()), "null")
        return f'{{"type":"quotes","quotes":[{parts}],"clock":{clock}}}'

    def _clock_frame(self, now: float) -> str | None:
        """Every source's clock once a second, for pages whose own instruments are quiet."""
        if not self._clocks or now - self._clock_sent_at < CLOCK_SECONDS:
            return None
        self._clock_sent_at = now
        return f'{{"type":"clock","clocks":[{",".join(self._clocks.values())}]}}'

    async def _deliver(self, seat: Seat, frames: list[str]) -> None:
        try:
            for frame in frames:
                await seat.outlet.send_frame(frame)
        except Exception as e:  # the other end went away in the middle; the server will tell its consumer
            logger.debug("quotes: a socket took no frame (%s)", type(e).__name__)
            self._seats.discard(seat)
        finally:
            seat.sending = None

    def _close_if_too_slow(self, seat: Seat, now: float) -> None:
        if seat.behind_since is None:
            seat.behind_since = now
        elif now - seat.behind_since > BEHIND_SECONDS:
            logger.info("quotes: closed a socket that took nothing for %.0f s", BEHIND_SECONDS)
            self._seats.discard(seat)
            farewell = asyncio.create_task(self._close(seat))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    async def _close(self, seat: Seat) -> None:
        if seat.sending is not None:
            seat.sending.cancel()
        try:
            async with asyncio.timeout(BEHIND_SECONDS):
                await seat.outlet.close_with(TOO_SLOW)
        except Exception as e:
            logger.info("quotes: a slow socket could not be closed (%s)", type(e).__name__)
