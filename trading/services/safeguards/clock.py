"""Whether this machine's clock can be trusted: against venues' clocks, and against its own count of seconds (I28).

A wrong clock decides on the wrong bar, in the wrong session, and signs requests that venues refuse.
"""

import time
from datetime import datetime, timedelta
from threading import Lock

from django.utils import timezone

from brokers.wire.clock import CLOCKS

MOST_APART = timedelta(seconds=1)


class Steadiness:
    """Tells a wall clock that was set from one that runs: the other clock counts on through sleep and is never set."""

    def __init__(self, wall: datetime, counted: float) -> None:
        self._wall, self._counted = wall, counted
        self._lock = Lock()

    def jumped(self, wall: datetime, counted: float) -> timedelta:
        """How far the wall clock has moved since the last look, beyond the time that passed: back is negative."""
        with self._lock:
            passed = timedelta(seconds=counted - self._counted)
            moved = wall - self._wall - passed
            self._wall, self._counted = wall, counted
        return moved


def _counted() -> float:
    """Seconds since the machine started, sleep counted where the system tells it (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


_STEADINESS = Steadiness(timezone.now(), _counted())


def wrong_by() -> timedelta | None:
    """How wrong the clock is, where it is by more than a second; None where nothing says so."""
    apart = [*CLOCKS.seen().values(), _STEADINESS.jumped(timezone.now(), _counted())]
    furthest = max(apart, key=abs)
    return furthest if abs(furthest) > MOST_APART else None
