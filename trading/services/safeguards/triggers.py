"""What closes a latch by itself (reliability.md §3.11). Each trip is latched and told once; only a person opens it again.

What counts up (refusals, losses, orders in a minute) starts anew when a person has opened the latch. What stands (an order
in doubt, a difference, the day's loss) closes it again at the next sweep, until it is settled.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction

from trading import latches
from trading.latches import Mode
from trading.models import Halt
from trading.services.ordering import stops
from trading.services.planning.evaluation import deadman
from trading.services.safeguards import alerts, halts, standstill, watches
from trading.services.safeguards.watches import Trip, Watched

logger = structlog.get_logger(__name__)

Check = Callable[[Watched], Iterable[Trip]]
QUICK: tuple[Check, ...] = (
    watches.clock_is_wrong,
    watches.orders_in_doubt,
    watches.rejects_in_row,
    watches.open_differences,
    watches.stale_feeds,
    deadman.plans_not_looked_at,
    watches.losses_today,
    watches.losses_in_row,
    watches.orders_per_minute,
)
# They take as long as the largest account's history is, and the audit's.
SLOW: tuple[Check, ...] = (watches.books_that_differ, watches.audit_that_broke)
CHECKS = QUICK + SLOW


def sweep(now: datetime, checks: Sequence[Check] = CHECKS) -> int:
    """Look at everything that may close a latch; how many closed. `now` is wall time.

    For the dispatch loop, every five seconds or so; what is slow it lets a thread of its own do. It also asks back what
    a halt could not reach at its moment, and entries whose bar is over, and says again what nobody has acknowledged. One
    check that fails is told and stops no other; without the database none works.
    """
    watched = Watched(now, _opened_at())
    closed = {(row.scope, row.target): Mode(row.mode) for row in Halt.objects.exclude(mode=Mode.ACTIVE)}
    moved = sum(_trip(trip) for trip in _trips(checks, watched) if _is_news(trip, closed))
    standstill.enforce()
    stops.ask_back_overdue()
    alerts.repeat_open(now)
    return moved


def _trips(checks: Sequence[Check], watched: Watched) -> Iterator[Trip]:
    for check in checks:
        try:
            yield from list(check(watched))
        except DatabaseError:
            raise
        except Exception as e:
            logger.exception("a check failed", check=check.__name__)
            alerts.raise_alert("check_failed", check.__name__, None, why=type(e).__name__)


def _is_news(trip: Trip, closed: dict[halts.Scope, Mode]) -> bool:
    return latches.tightens(closed.get(trip.scope, Mode.ACTIVE), trip.mode)


@transaction.atomic
def _trip(trip: Trip) -> bool:
    _row, moved = halts.tighten(trip.scope, trip.mode, trip.reason, trip.facts)
    if moved:
        alerts.raise_alert(trip.reason, ":".join(trip.scope), trip.user_id, **trip.facts)
    return moved


def _opened_at() -> dict[halts.Scope, datetime]:
    """When a person last opened each latch."""
    rows = Halt.objects.filter(mode=Mode.ACTIVE, at__isnull=False)
    return {(row.scope, row.target): row.at for row in rows if row.at is not None}
