"""`manage.py dispatch`: sends and settles orders while it holds the lease. Works without Redis: it polls the database."""

import logging
import signal
from threading import Event
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection

from trading import services
from trading.dispatch import dispatch_once
from trading.reconcile import reconcile_once
from trading.services.orders import ORDER_BELL

logger = logging.getLogger(__name__)

POLL = 0.5  # seconds: what a lost bell costs on PostgreSQL
SQLITE_POLL = 0.05
RENEW = 5.0
SWEEP = 15.0  # plans on closed bars that no task has looked at: Celery or Redis may be away


class Command(BaseCommand):
    help = "Send and settle orders while holding the lease; any number may run, one works."

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Dispatcher(stop).run()


class Dispatcher:
    """The polling loop: lease, reconcile, send, wait for the bell. It ends within a second of `stop`."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._holder = services.holder_name()
        self._fence: int | None = None
        self._renewed = self._swept = float("-inf")
        self._seen = 0

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except (OperationalError, InterfaceError) as e:
                # No commit, no claim, no send: wait for the database and begin again with a fresh connection.
                logger.warning("database away (%s); dispatch waits", type(e).__name__)
                self._fence = None
                self._renewed = float("-inf")
                connection.close()
                self._stop.wait(1.0)
        self._give_back()

    def _turn(self) -> None:
        close_old_connections()
        if monotonic() - self._renewed > RENEW:
            self._renew()
        self._seen = _commits_elsewhere()  # before the look: what comes during it rings again
        if self._fence is not None:
            dispatch_once(self._fence)
        self._wait_for_bell()

    def _renew(self) -> None:
        services.pulse("dispatch")
        self._fence = services.acquire(services.DISPATCH, self._holder)
        self._renewed = monotonic()
        if self._fence is None:
            return
        reconcile_once()
        if monotonic() - self._swept > SWEEP:
            self._swept = monotonic()
            services.evaluate_due()

    def _wait_for_bell(self) -> None:
        if connection.vendor != "postgresql":
            self._wait_for_a_commit()
            return
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {ORDER_BELL}")
        for _bell in connection.connection.notifies(timeout=POLL, stop_after=1):
            return

    def _wait_for_a_commit(self) -> None:
        deadline = monotonic() + POLL
        while not self._stop.wait(SQLITE_POLL) and monotonic() < deadline:
            if _commits_elsewhere() != self._seen:
                return

    def _give_back(self) -> None:
        try:
            services.give_back(services.DISPATCH, self._holder)
        except DatabaseError:
            logger.warning("lease not given back; it runs out by itself")


def _commits_elsewhere() -> int:
    """SQLite's bell: a number that moves when another connection has committed, read without touching a table."""
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])
