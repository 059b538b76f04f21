"""The past of the real market for plans that have just begun, read in a thread of its own beside the live prices."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connections

from brokers.errors import BrokerError
from brokers.kis.instants import korean_day
from brokers.kis.market import KisMarket
from brokers.kis.services.warming import fill_past
from brokers.kis.transactions import NotOffered
from trading.services.running.warming import Lack, lacking

logger = logging.getLogger(__name__)

LOOK_EVERY = 60.0  # seconds


class PastReader:
    """Fills the series that running plans lack, one after the other; what KIS has told once is not asked for again."""

    def __init__(self, market: KisMarket, now: Callable[[], datetime]) -> None:
        self._market = market
        self._now = now
        self._over = threading.Event()
        self._done: set[tuple[int, str, int]] = set()
        self._thread = threading.Thread(target=self._run, name="kis-past", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let it end after the day under way."""
        self._over.set()

    def turn(self) -> int:
        """One look at what is lacking; how many bars came."""
        return sum(
            self._fill(each) for each in lacking() if not self._over.is_set() and self._key(each) not in self._done
        )

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.turn()
            except DatabaseError as e:
                logger.warning("the past cannot be read now (%s)", type(e).__name__)
            finally:
                connections.close_all()
            self._over.wait(LOOK_EVERY)

    def _fill(self, each: Lack) -> int:
        today = korean_day(self._now())
        try:
            bars = fill_past(self._market, each.instrument, each.interval, each.needed, today, self._over.is_set)
        except NotOffered:
            logger.warning(
                "%s %s: a key of the practice server tells no minutes of the past", each.instrument, each.interval
            )
            bars = 0
        except BrokerError as e:
            logger.warning("%s: its past is not read yet (%s)", each.instrument, e.code)
            return 0
        if not self._over.is_set():
            self._done.add(self._key(each))
        logger.info("%s %s: %s bars of the past", each.instrument, each.interval, bars)
        return bars

    @staticmethod
    def _key(each: Lack) -> tuple[int, str, int]:
        return each.instrument.pk, each.interval, each.needed
