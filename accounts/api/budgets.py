"""How many requests a minute one person and one address may send (A12). Counted in Redis, for all processes at once.

Without Redis nothing is counted here, and everything goes on: guessing at the sign-in is counted in the database.
"""

import os
from dataclasses import dataclass
from functools import cache

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = structlog.get_logger(__name__)
WINDOW = 60  # seconds
REDIS_SECONDS = 0.5
SEE_TO_THE_END = 3  # requests that set a counter's end: more than one, for a process may die between two commands


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the tighter of the two budgets, and in how many seconds it is full again."""

    limit: int
    left: int
    reset: int

    @property
    def is_spent(self) -> bool:
        return self.left < 0

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(self.left, 0)),
            "RateLimit-Reset": str(self.reset),
        }


def spend(person: str, address: str, now: float) -> Budget | None:
    """Count one request of a person ('' for a visitor) from an address; None where nothing can be counted."""
    window, left_of_window = int(now) // WINDOW, WINDOW - int(now) % WINDOW
    limits = {f"kairos:api:a:{address}:{window}": settings.API_PER_MINUTE_ADDRESS}
    if person:
        limits[f"kairos:api:p:{person}:{window}"] = settings.API_PER_MINUTE
    client = _redis(
        os.getpid()
    )  # held on to: of two made at once one is forgotten, and closes its connections when it goes
    try:
        counts = _counted(client, list(limits))
    except redis.RedisError as e:
        logger.warning("requests are not counted", error=type(e).__name__)
        return None
    budgets = [
        Budget(limit, limit - count, left_of_window) for limit, count in zip(limits.values(), counts, strict=True)
    ]
    return min(budgets, key=lambda each: each.left)


def _counted(client: redis.Redis, names: list[str]) -> list[int]:
    """One more of each, and how many that makes. A counter ends with its window, which its first requests see to."""
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.incr(name)
    counts: list[int] = pipe.execute()
    for name, count in zip(names, counts, strict=True):
        if count <= SEE_TO_THE_END:
            client.expire(name, WINDOW + 5)
    return counts


@cache
def _redis(_process: int) -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
