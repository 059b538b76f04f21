"""Which instruments somebody looks at now: every web process says so every few seconds, the feeds of real markets ask.

A broker lets us listen to a few dozen instruments only, so who looks decides. Hints in Redis, no more: what is lost is said
again, and without Redis the feeds go by plans, orders and watchlists.
"""

import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

QUOTES, BOOKS, TRADES = "kairos:seen:quotes", "kairos:seen:books", "kairos:seen:trades"
LASTS = 15.0  # seconds a word holds; it is said every five
KEEP = 60  # seconds until Redis forgets it all by itself
MOST = 5_000  # instruments of one kind


@dataclass(frozen=True, slots=True)
class Seen:
    """Instrument keys somebody looks at, the latest asked for first."""

    quotes: tuple[str, ...] = ()
    books: frozenset[str] = frozenset()
    trades: frozenset[str] = frozenset()  # every trade of them one by one


def note_seen(quotes: Iterable[str] = (), books: Iterable[str] = (), trades: Iterable[str] = ()) -> None:
    """Say that somebody looks at these. Raises RedisError where nobody can be told."""
    now = time.time()
    told = {name: dict.fromkeys(keys, now) for name, keys in ((QUOTES, quotes), (BOOKS, books), (TRADES, trades))}
    with _redis(os.getpid()).pipeline(transaction=False) as pipeline:
        for name, keys in told.items():
            if keys:
                pipeline.zadd(name, keys)
                pipeline.zremrangebyrank(name, 0, -MOST - 1)
                pipeline.expire(name, KEEP)
        pipeline.execute()


def seen() -> Seen:
    """What somebody looks at. Raises RedisError where that cannot be known."""
    since = time.time() - LASTS
    with _redis(os.getpid()).pipeline(transaction=False) as pipeline:
        for name in (QUOTES, BOOKS, TRADES):
            pipeline.zrevrangebyscore(name, "+inf", since)
        quotes, books, trades = ([key.decode() for key in keys] for keys in pipeline.execute())
    return Seen(tuple(quotes), frozenset(books), frozenset(trades))


class Watching:
    """What somebody looks at, asked again every second or so; Redis being away costs a feed nothing but that knowledge."""

    ASK_EVERY = 1.0
    PAUSE = 10.0

    def __init__(self) -> None:
        self._seen = Seen()
        self._ask_at = float("-inf")
        self._is_away = False

    def now(self) -> Seen:
        if time.monotonic() >= self._ask_at:
            self._ask()
        return self._seen

    def _ask(self) -> None:
        try:
            self._seen, self._ask_at = seen(), time.monotonic() + self.ASK_EVERY
            self._is_away = False
        except (RedisError, OSError) as e:
            self._seen, self._ask_at = Seen(), time.monotonic() + self.PAUSE
            if not self._is_away:
                logger.warning("nobody can say what is looked at (%s)", type(e).__name__)
            self._is_away = True


@cache
def _redis(_process: int) -> redis.Redis:
    """One small pool per process; a neighbour that takes longer is not there."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )
