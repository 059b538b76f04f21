"""`manage.py dispatch`: sends and settles orders while it holds the lease. Works without Redis: it polls the database."""

import logging
import signal
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from trading import services
from trading.rounds import Rounds
from trading.services.ordering.orders import ORDER_BELL
from trading.services.running import system
from trading.services.running.couriers import Couriers
from trading.services.running.timing import scaled
from trading.services.safeguards import triggers

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=0.5)  # what a lost bell costs on PostgreSQL
SQLITE_POLL = 0.05
RENEW = timedelta(seconds=5)
SWEEP = timedelta(seconds=15)  # plans on closed bars that no task has looked at: Celery or Redis may be away
EPOCH = timedelta(seconds=60)
END_WITHIN = 8.0  # seconds a thread has left when the process is asked to end


class Command(BaseCommand):
    help = "Send and settle orders while holding the lease; any number may run, one works."

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Dispatcher(stop).run()


class Dispatcher:
    """The polling loop: lease, read, settle, send, wait for the bell. It ends within ten seconds of `stop`.

    A courier cut short by the end of the process leaves what a crash would: an order in doubt, to be read by the next one.
    """

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._holder = services.holder_name()
        self._couriers = Couriers()
        self._rounds = Rounds(self._couriers, timezone.now)
        self._fence: int | None = None
        self._epoch: UUID | None = None
        self._renewed = self._swept = self._advanced = float("-inf")
        self._seen = 0

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except system.ReleaseSuperseded as e:
                logger.warning("newer code sends from here on: %s", e)
                break
            except (OperationalError, InterfaceError) as e:
                # No commit, no claim, no send: wait for the database and begin again with a fresh connection.
                logger.warning("database away (%s); dispatch waits", type(e).__name__)
                self._fence = None
                self._renewed = float("-inf")
                connection.close()
                self._stop.wait(1.0)
        if not self._couriers.wait(END_WITHIN):
            logger.warning("a thread has not ended; an order it was sending is left to the next reading")
        self._give_back()

    def _turn(self) -> None:
        close_old_connections()
        if _is_over(self._renewed, RENEW):
            self._renew()
        self._seen = _commits_elsewhere()  # before the look: what comes during it rings again
        moved = self._rounds.turn(self._fence, self._has_time, self._epoch) if self._fence is not None else 0
        if not moved:
            self._wait_for_bell()

    def _renew(self) -> None:
        services.pulse("dispatch")
        before, self._fence = self._fence, services.acquire(services.DISPATCH, self._holder)
        self._renewed = monotonic()
        if self._fence is None:
            return
        if self._fence != before or self._rounds.is_disarmed or _is_over(self._advanced, EPOCH):
            self._advance_epoch()
        self._look_after()

    def _look_after(self) -> None:
        """What takes its time has threads of its own: the lease would run out meanwhile, and orders would wait."""
        self._couriers.start("latches", lambda: triggers.sweep(timezone.now(), triggers.QUICK))
        self._couriers.start("books", lambda: triggers.sweep(timezone.now(), triggers.SLOW))
        if _is_over(self._swept, SWEEP) and self._couriers.start("plans", services.evaluate_due):
            self._swept = monotonic()

    def _has_time(self) -> bool:
        """Whether the lease need not be renewed yet; a round that takes longer goes on after it."""
        return not _is_over(self._renewed, RENEW)

    def _advance_epoch(self) -> None:
        """Tell a restored backup from the present. Where the epoch cannot be read or written nothing is sent."""
        try:
            self._epoch = system.advance_epoch()
        except OSError:
            logger.exception("the epoch outside the database is out of reach; nothing is sent")
            self._fence = None
            return
        self._advanced = monotonic()
        self._rounds.is_disarmed = False

    def _wait_for_bell(self) -> None:
        if connection.vendor != "postgresql":
            self._wait_for_a_commit()
            return
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {ORDER_BELL}")
        with connection.wrap_database_errors:  # the driver's own would end this process when the database goes away
            for _bell in connection.connection.notifies(timeout=_seconds(POLL), stop_after=1):
                return

    def _wait_for_a_commit(self) -> None:
        deadline = monotonic() + _seconds(POLL)
        while not self._stop.wait(SQLITE_POLL) and monotonic() < deadline:
            if _commits_elsewhere() != self._seen:
                return

    def _give_back(self) -> None:
        try:
            services.give_back(services.DISPATCH, self._holder)
        except DatabaseError:
            logger.warning("lease not given back; it runs out by itself")


def _seconds(wait: timedelta) -> float:
    return scaled(wait).total_seconds()


def _is_over(since: float, wait: timedelta) -> bool:
    return monotonic() - since > _seconds(wait)


def _commits_elsewhere() -> int:
    """SQLite's bell: a number that moves when another connection has committed, read without touching a table."""
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])
