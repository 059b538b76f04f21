"""The stream of hints: it tells a page that something of its own changed, and nothing about what.

Pushes may get lost, so every heartbeat carries a stamp of the person's state: a page that sees a new one refetches.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User
from trading.events import PLAN_CHANGED, Hint, PlansHint, state_stamp, user_group

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
CHECK_EVERY = 2  # heartbeats between two looks at the session: 30 s
JOIN_SECONDS = 2.0
SIGNED_OUT = 4003  # close code: the page does not come back by itself (static/js/socket.js)


class EventStream(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One page's stream. It joins its own person's group and no other, whatever a client sends."""

    heartbeat_seconds = HEARTBEAT_SECONDS
    _heart: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        if not self.scope["user"].is_authenticated:
            raise DenyConnection
        self.user_id = self.scope["user"].pk
        self.group = user_group(self.user_id)
        await self.accept()
        await self._join()
        self._heart = asyncio.create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        if self._heart is not None:
            self._heart.cancel()
        with suppress(Exception):  # leaving a group of a silent Redis: the group forgets us by itself
            await asyncio.wait_for(self.channel_layer.group_discard(self.group, self.channel_name), JOIN_SECONDS)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **_kwargs: Any) -> None:
        """Clients have nothing to say here; whatever comes is not even parsed."""

    async def order_changed(self, hint: Hint) -> None:
        await self._tell(hint)

    async def plan_changed(self, hint: Hint) -> None:
        await self._tell(hint)

    async def plans_changed(self, hint: PlansHint) -> None:
        for plan_id, version in hint["changed"]:
            await self._tell(Hint(type=PLAN_CHANGED, id=plan_id, version=version))

    async def account_changed(self, hint: Hint) -> None:
        await self._tell(hint)

    async def backtest_changed(self, hint: Hint) -> None:
        await self._tell(hint)

    async def session_ended(self, _hint: Hint) -> None:
        await self._close_if_signed_out()

    async def _tell(self, hint: Hint) -> None:
        await self.send_json({"type": hint["type"], "id": hint["id"], "version": hint["version"]})

    async def _beat(self) -> None:
        """Say we are alive and how the person's state stands; look at the session now and then."""
        beats = 0
        while True:
            await self.send_json({"type": "heartbeat", "stamp": await _stamp(self.user_id)})
            await asyncio.sleep(self.heartbeat_seconds)
            beats += 1
            if beats % CHECK_EVERY == 0:
                await self._join()  # a flushed Redis has forgotten the group
                if await self._close_if_signed_out():
                    return

    async def _join(self) -> None:
        try:
            await asyncio.wait_for(self.channel_layer.group_add(self.group, self.channel_name), JOIN_SECONDS)
        except Exception as e:  # whatever the layer's driver raises: the heartbeat's stamp covers for it
            logger.warning("event stream without pushes: %s", type(e).__name__)

    async def _close_if_signed_out(self) -> bool:
        """Close unless the session still exists and is this person's, and the person is still active."""
        user = await _user_of_session(self.scope["session"].session_key)
        if user is not None and user.pk == self.user_id:
            return False
        await self.close(code=SIGNED_OUT)
        return True


async def _user_of_session(session_key: str | None) -> User | None:
    """Whose session this is now, read afresh; None once it is gone, expired, or its person was deactivated."""
    store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")(session_key)
    user = await get_user({"session": store})
    return user if isinstance(user, User) else None


_stamp = database_sync_to_async(state_stamp)
