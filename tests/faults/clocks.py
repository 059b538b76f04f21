"""A clock that is moved instead of waited for, ours and the venue's together, kept across the deaths of those who move it."""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine

from tests.servers.control import ControlClient


class SharedClock:
    """How far ahead of the wall's clock this stage lives: in memory that forked children share and outlives each of them."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    @property
    def ahead(self) -> float:
        return float(struct.unpack("d", self._memory[:8])[0])

    def move(self, seconds: float) -> None:
        self._memory[:8] = struct.pack("d", self.ahead + seconds)


class Traveller:
    """One process' way through that time. Both clocks run on by themselves, as the wall's does."""

    def __init__(self, clock: SharedClock, venue: ControlClient, machine: time_machine.Traveller) -> None:
        self._clock = clock
        self._venue = venue
        self._machine = machine

    def advance(self, seconds: float) -> None:
        self._clock.move(seconds)  # first: who comes after a death in here finds the later of the two times
        self._venue.advance(seconds)
        self._machine.shift(timedelta(seconds=seconds))


@contextmanager
def travelling(clock: SharedClock, venue: ControlClient) -> Iterator[Traveller]:
    """This process' clocks show the stage's time meanwhile."""
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=clock.ahead), tick=True) as machine:
        yield Traveller(clock, venue, machine)
