"""How the running system is, for probes, operators and the supervisor."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.models import Max
from redis.backoff import NoBackoff
from redis.retry import Retry

from markets.models import PriceFeed
from trading.lifecycle import UNRESOLVED
from trading.models import Halt, Order, Pulse
from trading.services.running.kis_line import kis_line

# Seconds after which a sign of life is late: feed writes each second, dispatch each five, beat rings each ten.
LATE_AFTER = {"dispatch": 15.0, "feed": 10.0, "worker": 30.0, "beat": 30.0}
NEEDED = ("database", "dispatch", "feed")  # without one of these Kairos cannot trade or would trade blind


@dataclass(frozen=True, slots=True)
class Reading:
    """One part's state: up, late (its last sign of life is too old) or down (none). Age in seconds, None when down."""

    state: str
    age_seconds: float | None

    def as_json(self) -> dict[str, Any]:
        return {"state": self.state, "age_seconds": self.age_seconds}


DOWN = Reading("down", None)
NOW = Reading("up", 0.0)  # asked and answered just now


def reading(seen_at: datetime | None, now: datetime, late_after: float) -> Reading:
    if seen_at is None:
        return DOWN
    age = max(0.0, (now - seen_at).total_seconds())
    return Reading("late" if age > late_after else "up", round(age, 1))


def overall(parts: dict[str, Reading]) -> tuple[str, int]:
    """The one word for all parts and its HTTP status.

    503 until each part has shown itself once, and whenever a needed one is late or down. Without Redis there is no live
    push and nobody hears beat: degraded, but orders and pages go on, so 200 (design.md).
    """
    excused = {"redis", "worker", "beat"} if parts["redis"].state != "up" else set()
    missing = [name for name, part in parts.items() if part.state == "down" and name not in excused]
    if missing or any(parts[name].state != "up" for name in NEEDED):
        return "not ready", 503
    return ("ready" if all(part.state == "up" for part in parts.values()) else "degraded"), 200


def readiness(now: datetime) -> tuple[dict[str, Any], int]:
    """Everything /health/ready says and its status, in five queries and one ping."""
    parts = dict.fromkeys(("database", "redis", "worker", "beat", "feed", "dispatch"), DOWN)
    halt = unresolved = kis = None
    try:
        seen: dict[str, datetime | None] = dict(Pulse.objects.values_list("name", "at"))
        seen["feed"] = PriceFeed.objects.aggregate(newest=Max("heartbeat_at"))["newest"]
        unresolved = Order.objects.filter(state__in=[state.value for state in UNRESOLVED]).count()
        halt = Halt.objects.filter(scope="site").values_list("mode", flat=True).first() or "active"
        parts |= {name: reading(seen.get(name), now, late) for name, late in LATE_AFTER.items()}
        line = kis_line(now)
        kis = line.as_json() if line else None
        parts["database"] = NOW
    except Error:
        pass  # the database stays down in the answer, and with it all whose signs of life it keeps
    if redis_answers():
        parts["redis"] = NOW
    status, code = overall(parts)
    return {
        "status": status,
        **{name: part.as_json() for name, part in parts.items()},
        "halt": halt,  # of the whole site: active, reduce_only or halted
        "unresolved": unresolved,
        "kis_feed": kis,  # null: it has never run
    }, code


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except Error:
        return False


def redis_answers() -> bool:
    try:
        return bool(_redis(os.getpid()).ping())
    except redis.RedisError:
        return False


def queue_lengths(names: Iterable[str]) -> dict[str, int]:
    """How many tasks wait in each of Celery's queues. Raises redis.RedisError."""
    client = _redis(os.getpid())
    return {name: int(cast("int", client.llen(name))) for name in names}  # the library types both of its clients


@cache
def _redis(_process: int) -> redis.Redis:
    """One small pool per process; half a second is long for a neighbour, and nobody probes twice."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )
