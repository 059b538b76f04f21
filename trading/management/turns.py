"""What every feed does: ring for plans whose bar has closed, and wait while the database is away."""

import logging
from collections.abc import Callable, Set
from threading import Event
from typing import Any, Protocol

from django.db import InterfaceError, OperationalError, connection
from kombu.exceptions import OperationalError as BrokerAway

from brokers.simulator.events import Batch
from markets.events import trades_batch
from markets.services.demand import Seen, Watching
from trading.tasks import evaluate_plans

logger = logging.getLogger(__name__)


class TradesPublisher(Protocol):
    def publish_trades(self, message: dict[str, Any]) -> bool: ...


class Sighting(Protocol):
    def now(self) -> Seen: ...


class TradeTelling:
    """Every trade, and every book, of the instruments that somebody wants one by one.

    `supplied`: the keys of what this source supplies now. What another has taken over goes on in here, and is nobody's news.
    """

    def __init__(
        self,
        source: str,
        publisher: TradesPublisher,
        supplied: Callable[[], Set[str]],
        watching: Sighting | None = None,
    ) -> None:
        self._source, self._publisher, self._supplied = source, publisher, supplied
        self._watching = watching or Watching()

    def tell(self, batch: Batch) -> None:
        wanted = self._supplied() & self._watching.now().trades
        if wanted and (message := trades_batch(self._source, batch.ticks, batch.quotes, batch.books, wanted)):
            self._publisher.publish_trades(message)


def ring(instrument_ids: list[int]) -> None:
    """Ask a worker to look at the plans of these instruments. Without Redis, dispatch looks at them by itself."""
    for instrument_id in instrument_ids:
        try:
            evaluate_plans.apply_async(args=(instrument_id,), retry=False)
        except BrokerAway:
            logger.warning("no worker can be rung; dispatch will look at the plans within 15 s")
            return


def is_taken(stop: Event, turn: Callable[[], None]) -> bool:
    """Take one turn; False where the database went away in it, which is waited for."""
    try:
        turn()
    except (OperationalError, InterfaceError) as e:
        logger.warning("database away (%s); the feed waits", type(e).__name__)
        connection.close()
        stop.wait(1.0)
        return False
    return True
