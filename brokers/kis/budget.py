"""How often one key may ask: a bucket that fills at a steady rate, with slots only orders may take.

Within any second at most `per_second + burst` calls leave, which has to stay below the venue's limit.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from brokers.protocol import Environment


class Purpose(StrEnum):
    ORDER = "order"  # and cancels: they go first
    READ = "read"


@dataclass(frozen=True, slots=True)
class Rates:
    """Raises ValueError where reads could never go."""

    per_second: float
    burst: int
    reserved: int = 0  # of the burst, for orders alone

    def __post_init__(self) -> None:
        if self.per_second <= 0 or not 0 <= self.reserved < self.burst:
            raise ValueError("a budget needs a rate, and room for reads")


MARGIN = 0.9  # KIS counts on several servers and refuses a little below its own limit


def rates_under(limit: int) -> Rates:
    """The rates that stay below a venue's limit in any one second, with a slot for orders where there is room for one."""
    burst = 4 if limit >= 10 else 2 if limit >= 4 else 1
    return Rates(per_second=(limit + 1 - burst) * MARGIN, burst=burst, reserved=1 if burst > 1 else 0)


# As of April 2026; those of a notice of 2026-09-16 are not known, so the limits are settings.
LIMITS = {Environment.LIVE: 18, Environment.PAPER: 1}
RATES = {environment: rates_under(limit) for environment, limit in LIMITS.items()}


@dataclass(frozen=True, slots=True)
class Bucket:
    """`slots` as they were at `at`, in seconds of any steady clock; nobody takes one before `closed_until`."""

    slots: float
    at: float
    closed_until: float = 0.0

    def filled(self, rates: Rates, now: float) -> "Bucket":
        elapsed = max(now - self.at, 0.0)
        return replace(self, slots=min(self.slots + elapsed * rates.per_second, rates.burst), at=max(now, self.at))

    def wait(self, rates: Rates, now: float, purpose: Purpose) -> float:
        """Seconds until a slot may be taken; 0: now."""
        needed = 1 + (rates.reserved if purpose is Purpose.READ else 0)
        missing = max(needed - self.filled(rates, now).slots, 0.0)
        return max(missing / rates.per_second, self.closed_until - now, 0.0)

    def taken(self, rates: Rates, now: float) -> "Bucket":
        bucket = self.filled(rates, now)
        return replace(bucket, slots=bucket.slots - 1)

    def closed(self, until: float) -> "Bucket":
        return replace(self, closed_until=max(self.closed_until, until))


class Budget(Protocol):
    """The calls of one key, of all processes together."""

    def take(self, purpose: Purpose, most_seconds: float) -> bool:
        """Wait for a slot, at most so long; False: none came."""
        ...

    def back_off(self, seconds: float) -> None:
        """The venue says it is too much: nobody asks for a while."""
        ...


class LocalBudget:
    """A budget for the threads of one process. `seconds` is a steady clock. A read stands back while an order waits."""

    def __init__(self, rates: Rates, seconds: Callable[[], float]) -> None:
        self._rates = rates
        self._seconds = seconds
        self._bucket = Bucket(rates.burst, seconds())
        self._changed = threading.Condition()
        self._orders_waiting = 0

    def take(self, purpose: Purpose, most_seconds: float) -> bool:
        until = self._seconds() + most_seconds
        is_order = purpose is Purpose.ORDER
        with self._changed:
            self._orders_waiting += is_order
            try:
                return self._wait_until(until, purpose)
            finally:
                self._orders_waiting -= is_order
                self._changed.notify_all()

    def back_off(self, seconds: float) -> None:
        with self._changed:
            self._bucket = self._bucket.closed(self._seconds() + seconds)

    def _wait_until(self, until: float, purpose: Purpose) -> bool:
        while True:
            now = self._seconds()
            stands_back = purpose is Purpose.READ and self._orders_waiting > 0
            wait = self._bucket.wait(self._rates, now, purpose)
            if not stands_back and wait <= 0:
                self._bucket = self._bucket.taken(self._rates, now)
                return True
            if now + (0 if stands_back else wait) >= until:
                return False
            self._changed.wait(until - now if stands_back else min(wait, until - now))
