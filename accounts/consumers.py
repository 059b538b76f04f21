"""What every socket of a person has in common: who is at its end, how long they may stay, a heartbeat, and bounds.

A page of this site comes with its cookie. Everybody else says in the first message who they are: `{"ticket": "…"}` from
`POST /api/v1/ws-ticket`, used once, or `{"token": "…"}`, an access token. Either may be sent again later, to stay longer.
"""

import asyncio
import logging
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import orjson
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError

from accounts.access_tokens import TokenRefused
from accounts.services import socket_rights
from accounts.services.socket_rights import Right

logger = logging.getLogger(__name__)

NOT_SIGNED_IN, SIGNED_OUT, TOO_MANY_FRAMES = 4001, 4003, 4029
LONGEST_FRAME = 8 * 1024
FRAMES_PER_BEAT = 20  # frames the other end may send between two heartbeats
MOST_WAITING = 1_000  # sockets of one process that have not said yet who they are
FIRST_WORD_SECONDS = 10.0
WORDS = {"ticket": socket_rights.right_of_ticket, "token": socket_rights.right_of_token}


class BadFrame(Exception):
    """A frame we do not act on; `code` goes back."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Speaks JSON, and falls silent once either end has closed: what still comes in or goes out then is nobody's."""

    is_over = False

    async def say(self, message: dict[str, Any]) -> None:
        if self.is_over:
            return
        try:
            await self.send(text_data=orjson.dumps(message, option=orjson.OPT_UTC_Z).decode())
        except Exception as e:  # whatever the server raises where the other end has gone; it tells us so in its turn
            self.is_over = True
            logger.debug("a socket took no message (%s)", type(e).__name__)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        if not self.is_over:
            self.is_over = True
            await super().close(code, reason)

    async def refuse(self, code: str, close: int) -> None:
        """Say why, and close."""
        await self.say({"type": "error", "code": code})
        await self.close(close)


class Listener(Protocol):
    """A socket somebody listens at."""

    right: Right | None

    async def refuse(self, code: str, close: int) -> None: ...


class RightsWatch:
    """Looks every three seconds whether the people of all sockets of this process may still listen. One look for all."""

    look_seconds = 3.0

    def __init__(self) -> None:
        self._sockets: set[Listener] = set()
        self._now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, socket: Listener) -> None:
        self._sockets.add(socket)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def discard(self, socket: Listener) -> None:
        self._sockets.discard(socket)
        if not self._sockets and self._task is not None:
            self._task.cancel()
            self._task = None

    def look_soon(self) -> None:
        """Somebody has signed out: do not wait."""
        self._now.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self.look_seconds):
                    await self._now.wait()
            except TimeoutError:
                pass
            self._now.clear()
            try:
                await self._look()
            except DatabaseError as e:  # whoever it was about is looked at again in three seconds
                logger.warning("sockets: rights could not be read (%s)", type(e).__name__)

    async def _look(self) -> None:
        rights = {socket: socket.right for socket in self._sockets if socket.right is not None}
        held = await _still_held(set(rights.values()))
        ended = [socket for socket, right in rights.items() if right not in held and socket.right == right]
        await asyncio.gather(*(socket.refuse("signed_out", SIGNED_OUT) for socket in ended), return_exceptions=True)


class PersonalSocket(Socket):
    """A socket of one person. Those who inherit say what happens on `entered`, on `heard` and with a beat."""

    heartbeat_seconds = 15.0
    first_word_seconds = FIRST_WORD_SECONDS

    right: Right | None = None
    _waiting_in_process = 0

    async def connect(self) -> None:
        self.frames_left = FRAMES_PER_BEAT
        self._tasks: list[asyncio.Task[None]] = []
        self._known = asyncio.Event()
        session = self.scope.get("session")
        if session is not None:  # a page of ours (config.sockets decides): let in by its cookie, or not at all
            right = await _right_of_session(session.session_key)
            if right is None:
                await self.close()
                return
            await self.accept()
            await self._enter(right)
        elif PersonalSocket._waiting_in_process >= MOST_WAITING:
            await self.close()
        else:
            await self.accept()
            self._tasks.append(asyncio.create_task(self._close_the_silent()))

    async def disconnect(self, code: int) -> None:
        self.is_over = True
        for task in getattr(self, "_tasks", []):
            task.cancel()
        if self.right is not None:
            watch().discard(self)
            await self.left()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.frames_left -= 1
        if self.is_over:
            return
        if self.frames_left < 0:
            await self.refuse("too_many_frames", TOO_MANY_FRAMES)
            return
        try:
            frame = decoded(text_data)
            if word := frame.keys() & WORDS.keys():
                await self._sign_in(frame, *word)
            elif self.right is None:
                await self.refuse("token_missing", NOT_SIGNED_IN)
            else:
                await self.heard(frame)
        except BadFrame as e:
            await self.say({"type": "error", "code": e.code})

    # What differs

    async def entered(self) -> None:
        """Its person is known from here on: `self.right.user_id`."""

    async def left(self) -> None:
        """It is over. Called for whoever has entered."""

    async def heard(self, frame: dict[str, Any]) -> None:
        """One frame, not about signing in. Raises BadFrame."""
        raise BadFrame("bad_request")

    async def beat(self) -> dict[str, Any]:
        """The heartbeat to send."""
        return {"type": "heartbeat"}

    # What does not

    async def _sign_in(self, frame: dict[str, Any], word: str, *more: str) -> None:
        text = frame[word]
        if more or len(frame) > 1 or not isinstance(text, str) or not text:
            raise BadFrame("bad_request")
        if self.right is not None and self.right.session_key:
            raise BadFrame("signed_in_by_cookie")
        try:
            right = await database_sync_to_async(WORDS[word])(text)
        except TokenRefused as e:
            await self.refuse(e.code, SIGNED_OUT)
            return
        if self.right is None:
            await self._enter(right)
        elif right.user_id != self.right.user_id:
            await self.refuse("token_invalid", SIGNED_OUT)
            return
        self.right = right
        await self.say({"type": "signed_in", "until": right.until})

    async def _enter(self, right: Right) -> None:
        self.right = right
        self._known.set()
        watch().add(self)
        await self.entered()
        self._tasks.append(asyncio.create_task(self._beat()))

    async def _close_the_silent(self) -> None:
        PersonalSocket._waiting_in_process += 1
        try:
            async with asyncio.timeout(self.first_word_seconds):
                await self._known.wait()
        except TimeoutError:
            await self.refuse("token_missing", NOT_SIGNED_IN)
        finally:
            PersonalSocket._waiting_in_process -= 1

    async def _beat(self) -> None:
        while True:
            await self.say(await self.beat())
            await asyncio.sleep(self.heartbeat_seconds)
            self.frames_left = FRAMES_PER_BEAT


def decoded(text: str | None) -> dict[str, Any]:
    """What a frame says. Raises BadFrame."""
    if text is None:
        raise BadFrame("not_text")
    if len(text) > LONGEST_FRAME:
        raise BadFrame("too_large")
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadFrame("not_json") from None
    if not isinstance(frame, dict) or not frame:
        raise BadFrame("bad_request")
    return frame


_watches: "WeakKeyDictionary[asyncio.AbstractEventLoop, RightsWatch]" = WeakKeyDictionary()
_still_held = database_sync_to_async(socket_rights.still_held)
_right_of_session = database_sync_to_async(socket_rights.right_of_session)


def watch() -> RightsWatch:
    """The one watch of this event loop, of which a server has one."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = RightsWatch()
    return _watches[loop]
