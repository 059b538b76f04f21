"""What Celery runs. A task is a bell: the rows say what is due, so it may come twice or never, and to any worker."""

import logging

from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerAway

from backtests import services
from backtests.services import news

logger = logging.getLogger(__name__)

SECONDS = 540  # that one piece of work may take; the process is killed a minute later
MOST_BELLS = 64  # rung at once


@shared_task(soft_time_limit=SECONDS)
def work() -> None:
    """One piece of work, whoever's turn it is."""
    services.work_once(SoftTimeLimitExceeded)


@shared_task
def sweep_up() -> None:
    """Ring for what waits or was left behind by a worker that died, and clear away what was half received."""
    services.forget_half_received()
    ring(services.is_due())


def ring(times: int = 1) -> None:
    """Call workers. A bell that cannot be rung now is rung by `sweep_up` within half a minute."""
    for _bell in range(min(times, MOST_BELLS)):
        try:
            work.apply_async(retry=False)
        except BrokerAway:
            logger.warning("no worker can be called: Redis is away")
            return


@shared_task
def tell_people() -> None:
    """Tell whoever waited long for a backtest that it has ended."""
    news.tell_people(timezone.now())
