"""The stream of hints: it tells a page that something of its own changed, and nothing about what.

Pushes may get lost, so every heartbeat carries a stamp of the person's state: a page that sees a new one refetches.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async

from accounts.consumers import PersonalSocket, watch
from trading.events import PLAN_CHANGED, Hint, PlansHint, state_stamp, user_group

logger = logging.getLogger(__name__)

JOIN_SECONDS = 2.0
JOIN_EVERY = 2  # heartbeats


class EventStream(PersonalSocket):
    """One page's stream. It joins its own person's group and no other; clients have nothing to say but who they are."""

    async def entered(self) -> None:
        assert self.right is not None  # noqa: S101  (entered, therefore known)
        self.user_id = self.right.user_id
        self.group = user_group(self.user_id)
        self.beats = 0
        await self._join()

    async def left(self) -> None:
        with suppress(Exception):  # leaving a group of a silent Redis: the group forgets us by itself
            await asyncio.wait_for(self.channel_layer.group_discard(self.group, self.channel_name), JOIN_SECONDS)

    async def beat(self) -> dict[str, Any]:
        """We are alive, and how the person's state stands."""
        self.beats += 1
        if self.beats % JOIN_EVERY == 0:
            await self._join()  # a flushed Redis has forgotten the group
        return {"type": "heartbeat", "stamp": await _stamp(self.user_id)}

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
        watch().look_soon()

    async def _tell(self, hint: Hint) -> None:
        await self.say({"type": hint["type"], "id": hint["id"], "version": hint["version"]})

    async def _join(self) -> None:
        try:
            await asyncio.wait_for(self.channel_layer.group_add(self.group, self.channel_name), JOIN_SECONDS)
        except Exception as e:  # whatever the layer's driver raises: the heartbeat's stamp covers for it
            logger.warning("event stream without pushes: %s", type(e).__name__)


_stamp = database_sync_to_async(state_stamp)
