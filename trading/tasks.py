"""What Celery runs. A task takes ids, decides nothing, and may be delivered twice or never: the database knows what is due."""

from celery import shared_task

from trading import dispatch, reconcile, services
from trading.services.durability import waiting_for_the_disk


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
    try:
        with waiting_for_the_disk():
            reconcile.reconcile_once()
            dispatch.dispatch_once(fence)
    finally:
        services.give_back(services.DISPATCH, holder)
