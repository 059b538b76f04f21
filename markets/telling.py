"""Says again and again, and soon after a change, what the sockets of this process look at."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
SOON_SECONDS = 0.2  # pages that open together are told of together


class Telling:
    """Calls `tell` while it runs. `tell` failing is nothing: the next time comes."""

    def __init__(self, tell: Callable[[], Awaitable[None]]) -> None:
        self._tell = tell
        self._news = asyncio.Event()

    def soon(self) -> None:
        self._news.set()

    async def run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), AGAIN_SECONDS)
                await asyncio.sleep(SOON_SECONDS)
            self._news.clear()
            try:
                await self._tell()
            except Exception as e:  # whatever Redis or its driver raises: a hint lost is told again
                logger.debug("what is looked at was not told (%s)", type(e).__name__)
