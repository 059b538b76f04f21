"""One thread for each account with a wire, so that a slow broker holds up nobody else's orders, and for other slow work."""

import threading
from collections.abc import Callable, Hashable
from time import monotonic

import structlog
from django.db import InterfaceError, OperationalError, connections

from trading.services.ledger.durability import waiting_for_the_disk
from trading.services.running.leases import LeaseLost
from trading.services.running.system import NotArmed, ReleaseSuperseded

logger = structlog.get_logger(__name__)

MOST = 16  # at once: every one has a database connection of its own


class Couriers:
    """Runs one piece of work per account, or other name, at a time.

    Threads end with their work; the process does not wait for them.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._threads: dict[Hashable, threading.Thread] = {}
        self._superseded: ReleaseSuperseded | None = None

    def start(self, name: Hashable, work: Callable[[], object]) -> bool:
        """Begin `work` under this name; False where its last is not done, or too many others are under way."""
        self._threads = {each: thread for each, thread in self._threads.items() if thread.is_alive()}
        if name in self._threads or len(self._threads) >= self._most:
            return False
        thread = threading.Thread(target=self._run, args=(name, work), name=f"courier {name}", daemon=True)
        self._threads[name] = thread
        thread.start()
        return True

    def is_busy(self, name: Hashable) -> bool:
        thread = self._threads.get(name)
        return thread is not None and thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait for all that is under way; False where something still is after `seconds`."""
        deadline = monotonic() + seconds
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads.values())

    def raise_superseded(self) -> None:
        """Raise ReleaseSuperseded where a courier has learned that newer code sends."""
        if self._superseded is not None:
            raise self._superseded

    def _run(self, name: Hashable, work: Callable[[], object]) -> None:
        try:
            with waiting_for_the_disk():  # this thread's connection is a new one
                work()
        except ReleaseSuperseded as e:
            self._superseded = e
        except (LeaseLost, NotArmed) as e:
            logger.warning("courier stopped", courier=str(name), why=e.code)
        except (OperationalError, InterfaceError) as e:
            logger.warning("courier stopped, the database is away", courier=str(name), why=type(e).__name__)
        except Exception:
            logger.exception("courier failed", courier=str(name))
        finally:
            connections.close_all()
