"""What Celery runs. A task takes ids, decides nothing, and may be delivered twice or never: the database knows what is due."""

import logging

from celery import shared_task
from django.utils import timezone

from trading import services
from trading.rounds import Rounds
from trading.services.ledger.durability import waiting_for_the_disk
from trading.services.ordering import idempotency
from trading.services.planning import evaluation
from trading.services.planning.evaluation import retention
from trading.services.running import system
from trading.services.running.couriers import Couriers
from trading.services.safeguards import news, triggers

logger = logging.getLogger(__name__)

ONE_ROUND = 10.0  # seconds that the brokers of one round have: less than the lease lives


@shared_task
def evaluate_plans(instrument_id: int | None = None) -> None:
    """Look at every plan with an undecided closed bar: of one instrument, or of all, in chunks that the workers share."""
    if instrument_id is not None:
        services.evaluate_due(instrument_id)
        return
    chunks = evaluation.instruments_due()
    for chunk in chunks[1:]:
        evaluate_chunk.apply_async(args=(chunk,), retry=False)
    if chunks:
        evaluation.evaluate_chunk(chunks[0])


@shared_task
def evaluate_chunk(instrument_ids: list[int]) -> None:
    """Look at the plans of these instruments that have an undecided closed bar."""
    evaluation.evaluate_chunk(instrument_ids)


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
            Rounds(couriers, timezone.now).turn(fence, epoch=system.advance_epoch())
            couriers.wait(ONE_ROUND)
    except system.ReleaseSuperseded as e:
        logger.warning("newer code sends from here on: %s", e)
    finally:
        services.give_back(services.DISPATCH, holder)


@shared_task
def forget_old_evaluations() -> None:
    """Let go of what plans saw longer ago than the setting says; what led to an order stays."""
    retention.prune(timezone.now())


@shared_task
def forget_request_keys() -> None:
    """Let go of the keys of requests older than 30 days: nobody repeats those."""
    idempotency.prune(timezone.now())


@shared_task
def tell_people() -> None:
    """Look for what people are to be told: fills, moves of SIGNAL, trouble nobody has looked at."""
    news.tell_people(timezone.now())
