"""`/kis_socket`: executions and books with KIS's field names, and what BasicPlan or RSI says of them (PRD; D02).

A token opens it, not a cookie: whoever connects says first who they are, so any program may connect from anywhere. Every
trade of what is subscribed is told while the reader keeps up; one that does not is told fewer, and closed after five seconds.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import orjson
from channels.db import database_sync_to_async

from accounts.access_tokens import TokenRefused
from accounts.consumers import NOT_SIGNED_IN, SIGNED_OUT, TOO_MANY_FRAMES, Socket, watch
from accounts.services import socket_rights
from accounts.services.socket_rights import Right
from markets.backpressure import waiting_bytes
from markets.events import TRADES_GROUP
from markets.executions import BOOKS, TRADES
from markets.hub import BEHIND_SECONDS, TOO_SLOW
from markets.models import Instrument
from markets.services.demand import note_seen
from trading.kis_words import LONGEST_FRAME, Auth, BadMessage, Wish, asked
from trading.services.planning import realtime

MOST_WISHES = 100
FRAMES_PER_BEAT = 50
FULL_BYTES = 256 * 1024
AUTH_SECONDS = 10.0
BEAT_SECONDS = 5.0
READING_SECONDS = 1.0


class KisSocket(Socket):
    """One client: `auth`, then any number of subscriptions, ended one by one or with the socket."""

    auth_seconds, beat_seconds, reading_seconds = AUTH_SECONDS, BEAT_SECONDS, READING_SECONDS
    right: Right | None = None

    async def connect(self) -> None:
        self.auth: Auth | None = None
        self.wishes: dict[Wish, None] = {}
        self.instruments: dict[str, Instrument] = {}  # by key, of what is subscribed
        self.moved: set[str] = set()  # instruments that have traded since the last reading
        self.said: dict[str, Any] = {}  # the last reading told of each
        self.frames_left = FRAMES_PER_BEAT
        self.behind_since: float | None = None
        self.waiting = waiting_bytes(self.base_send)
        await self.accept()
        self.tasks = [asyncio.create_task(self._beat())]

    async def disconnect(self, code: int) -> None:
        self.is_over = True
        for task in getattr(self, "tasks", []):
            task.cancel()
        watch().discard(self)
        with suppress(Exception):  # leaving a group of a silent Redis: it forgets us by itself
            await asyncio.wait_for(self.channel_layer.group_discard(TRADES_GROUP, self.channel_name), 2)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.frames_left -= 1
        if self.is_over:
            return
        if self.frames_left < 0:
            await self.close(TOO_MANY_FRAMES)
            return
        try:
            wish = asked(_decoded(text_data))
            if isinstance(wish, Auth):
                await self._sign_in(wish)
            elif self.auth is None:
                await self.refuse("token_missing", NOT_SIGNED_IN)
            else:
                await self._subscribe(wish)
        except BadMessage as e:
            await self.say({"type": "error", "code": e.code})

    async def trades_batch(self, message: dict[str, Any]) -> None:
        """From the feed: what of it is subscribed goes out, field by field as KIS names them."""
        if await self._is_behind():
            return
        for kind, channel, told in (("execution", TRADES, message["trades"]), ("orderbook", BOOKS, message["books"])):
            for key in told.keys() & self.instruments.keys():
                code = key.partition(":")[2]
                if Wish(channel, code, is_on=True) not in self.wishes:
                    continue
                head = {"type": kind, "tr_id": channel, "st_code": code, "source": message["source"]}
                for data in told[key] if channel == TRADES else [told[key]]:
                    await self.say({**head, "data": data})
                if channel == TRADES:
                    self.moved.add(key)

    async def _sign_in(self, auth: Auth) -> None:
        """A later `auth` takes the place of the one before: a token has half an hour."""
        try:
            right = await _right_of_token(auth.token)
        except TokenRefused as e:
            await self.refuse(e.code, SIGNED_OUT)
            return
        if self.right is not None and self.right.user_id != right.user_id:
            await self.refuse("token_invalid", SIGNED_OUT)
            return
        self.right = right
        watch().add(self)
        is_first, self.auth = self.auth is None, auth
        self.said.clear()
        if is_first:
            await self.channel_layer.group_add(TRADES_GROUP, self.channel_name)
            self.tasks.append(asyncio.create_task(self._read_on()))
        await self.say({"type": "auth", "status": "success", "strategy_type": auth.strategy})

    async def _subscribe(self, wish: Wish) -> None:
        on = Wish(wish.channel, wish.symbol, is_on=True)
        if wish.is_on:
            if on not in self.wishes and len(self.wishes) >= MOST_WISHES:
                raise BadMessage("too_many_instruments")
            instrument = await _instrument(wish.key)
            if instrument is None:
                raise BadMessage("unknown_instrument")
            self.wishes[on] = None
            self.instruments[wish.key] = instrument
            self.moved.add(wish.key)
            await self._tell_what_is_seen()
        else:
            self.wishes.pop(on, None)
            if wish.symbol not in {each.symbol for each in self.wishes}:
                self.instruments.pop(wish.key, None)
        tr_type = "1" if wish.is_on else "2"
        answer = {"tr_type": tr_type, "tr_id": wish.channel, "st_code": wish.symbol, "status": "success"}
        await self.say({"type": "subscribed" if wish.is_on else "unsubscribed", **answer})

    async def _read_on(self) -> None:
        """What the strategy says, once a second, of what has traded since."""
        while True:
            await asyncio.sleep(self.reading_seconds)
            moved, self.moved = self.moved & self.instruments.keys(), set()
            if self.auth is None or not moved:
                continue
            for told in await _readings([self.instruments[key] for key in sorted(moved)], self.auth.strategy):
                if self.said.get(told["st_code"]) != told["data"]:
                    self.said[told["st_code"]] = told["data"]
                    await self.say(told)

    async def _beat(self) -> None:
        """Close who does not say who they are; keep the feed listening to what is subscribed."""
        loop = asyncio.get_running_loop()
        in_time = loop.time() + self.auth_seconds
        while True:
            await asyncio.sleep(min(self.beat_seconds, self.auth_seconds))
            if self.auth is None:
                if loop.time() >= in_time:
                    await self.refuse("token_missing", NOT_SIGNED_IN)
                    return
                continue
            self.frames_left = FRAMES_PER_BEAT
            await self._tell_what_is_seen()

    async def _tell_what_is_seen(self) -> None:
        keys = list(self.instruments)
        books = [wish.key for wish in self.wishes if wish.channel == BOOKS]
        with suppress(Exception):  # a hint: it is told again in five seconds
            await asyncio.to_thread(note_seen, keys, books, keys)

    async def _is_behind(self) -> bool:
        """Whether the client takes nothing at present; closes one that has not for five seconds."""
        now = asyncio.get_running_loop().time()
        if self.waiting() <= FULL_BYTES:
            self.behind_since = None
            return False
        self.behind_since = self.behind_since or now
        if now - self.behind_since > BEHIND_SECONDS:
            await self.close(TOO_SLOW)
        return True


def _decoded(text: str | None) -> Any:
    """Raises BadMessage."""
    if text is None or len(text) > LONGEST_FRAME:
        raise BadMessage("bad_request")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadMessage("bad_request") from None


_right_of_token = database_sync_to_async(socket_rights.right_of_token)


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def _instrument(key: str) -> Instrument | None:
    venue, _separator, symbol = key.partition(":")
    return Instrument.objects.active().filter(venue=venue, symbol=symbol).first()


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def _readings(instruments: Iterable[Instrument], strategy: Any) -> list[dict[str, Any]]:
    """The message for each instrument there is something to say of."""
    found = []
    for told in realtime.strategy_readings(list(instruments), strategy):
        reading = told.forming or told.closed
        if reading is not None:
            head = {"type": "strategy", "strategy_type": strategy, "st_code": told.instrument.partition(":")[2]}
            shown = asdict(reading)
            names = ("opened_at", "closed_at", "is_closed", "price", "signal", "values", "bars", "needed")
            found.append({**head, "data": {name: shown[name] for name in names}})
    return found
