"""What time it is at KIS: ours, unless its own is another day's, as a sandbox's is. Pure."""

import threading
from datetime import datetime, timedelta

from brokers.kis.instants import day, instant
from brokers.wire.values import Garbled, at, json_object, text

APART = timedelta(seconds=3)  # what a whole second, the way here and a clock nobody set can make
NONE = timedelta(0)


class VenueClock:
    """How far the venue's clock is from ours, by its PINGPONG. Threads share it."""

    def __init__(self) -> None:
        self._offset = NONE
        self._lock = threading.Lock()

    @property
    def offset(self) -> timedelta:
        return self._offset

    def note(self, pingpong: str, now: datetime) -> None:
        """Learn from one call for a sign of life, heard at `now` of our clock. Text that tells no time says nothing."""
        try:
            digits = text(at(json_object(pingpong.encode()), ("header", "datetime")))
            told = instant(day(digits[:8]), digits[8:])
        except Garbled:
            return
        found = told - now
        with self._lock:
            if abs(found - self._offset) > APART:
                self._offset = found if abs(found) > APART else NONE
