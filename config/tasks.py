"""The ring that proves beat rings and a worker answers."""

from celery import shared_task
from django.utils import timezone

from trading.models import Pulse


@shared_task(ignore_result=True, expires=30)
def beat_canary() -> None:
    """Write that both lived just now. A ring older than 30 s is thrown away: it would prove nothing."""
    now = timezone.now()
    for name in ("beat", "worker"):
        Pulse.objects.update_or_create(name=name, defaults={"at": now})
