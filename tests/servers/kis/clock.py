"""The sandbox's clock, in Korean time: it can be put, moved on, run faster or stopped."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

KST = timezone(timedelta(hours=9), "KST")


class Clock:
    """`wall` gives seconds that only grow."""

    def __init__(self, start: datetime | None = None, speed: float = 1.0, wall: Callable[[], float] = time.monotonic):
        self._lock = threading.Lock()
        self._wall = wall
        self._from = (start or datetime.now(KST)).astimezone(KST)
        self._anchor = wall()
        self._speed = speed

    def now(self) -> datetime:
        with self._lock:
            return self._from + timedelta(seconds=(self._wall() - self._anchor) * self._speed)

    def wall(self) -> float:
        return self._wall()

    def put(self, at: datetime | None = None, speed: float | None = None) -> None:
        """From here on at this time (left alone if None), so many seconds per second (0: it stands)."""
        now = self.now()
        with self._lock:
            self._from = now if at is None else at.astimezone(KST)
            self._anchor = self._wall()
            self._speed = self._speed if speed is None else speed

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._from += timedelta(seconds=seconds)
