"""What Celery runs. A task takes ids, decides nothing, and may be delivered twice or never: the database knows what is due."""

import logging

from celery import shared_task
from django.utils import timezone

from trading import services
from trading.rounds import Rounds
from trading.services import idempotency, system, triggers
from trading.services.couriers import Couriers
from trading.services.durability import waiting_for_the_disk

logger = logging.getLogger(__name__)

ONE_ROUND = 10.0  # seconds that the brokers of one round have: less than the lease lives


@shared_task
def evaluate_plans(instrument_id: int | None = None) -> None:
    """Look at every plan with an undecided closed bar, of one instrument or of all."""
    services.evaluate_due(instrument_id)


@shared_task
def dispatch_orders() -> None:
    """Send what waits if nobody else holds the lease: a dispatch process that died is missed for 15 s at most."""
    holder = services.holder_name()
    fence = services.acquire(services.DISPATCH, holder)
    if fence is None:
        return
    couriers = Couriers()
    try:
        with waiting_for_the_disk():
            triggers.sweep(timezone.now())
            Rounds(couriers, timezone.now).turn(fence, system.advance_epoch())
            couriers.wait(ONE_ROUND)
    except system.ReleaseSuperseded as e:
        logger.warning("newer code sends from here on: %s", e)
    finally:
        services.give_back(services.DISPATCH, holder)


@shared_task
def forget_request_keys() -> None:
    """Let go of the keys of requests older than 30 days: nobody repeats those."""
    idempotency.prune(timezone.now())
