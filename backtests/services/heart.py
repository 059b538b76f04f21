"""The heartbeat of one piece of work: its lease is renewed while it computes, and it learns that it was called off."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from django.db import DatabaseError, connection

from backtests.models import Job
from backtests.services import queue
from backtests.services.queue import LEASE, WorkLost
from trading.services.running.timing import scaled

logger = logging.getLogger(__name__)

PARTS = 3  # beats in one lease
SELDOM = 0.5  # seconds between two words about how far the work is


class Heart:
    """Beats in a thread of its own: a computation that does not come back for minutes keeps its lease as long as it lives.

    `alive` says whether the work is still ours; what computes in steps asks it between them.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._over = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="backtest-heart", daemon=True)
        self._told = 0.0

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Raises WorkLost where the work was canceled or is somebody else's."""
        if self._lost.is_set():
            raise WorkLost(str(self._job.pk))

    def tell(self, stage: str, progress: int) -> None:
        """Say how far the work is, in thousandths. Raises WorkLost."""
        self._told = time.monotonic()
        queue.go_on(self._job, stage, progress)

    def share(self, stage: str, start: int, stop: int) -> Callable[[int, int], None]:
        """What to call with (done, of) between the steps of a stage that is that share of the work."""

        def progress(done: int, of: int) -> None:
            self.check()
            if time.monotonic() - self._told >= SELDOM:
                self.tell(stage, start + (stop - start) * done // max(of, 1))

        return progress

    def _beat(self) -> None:
        try:
            while not self._over.wait(scaled(LEASE).total_seconds() / PARTS):
                try:
                    queue.go_on(self._job)
                except WorkLost:
                    self._lost.set()
                    return
                except DatabaseError:  # the next beat tries again; two missed ones and another may take over
                    logger.warning("%s %s: a heartbeat did not reach the database", self._job.kind, self._job.pk)
        finally:
            connection.close()
