"""What a person has to see, one thread per cause and subject however often it is told (I52)."""

from uuid import UUID

import structlog
from django.db.models import F
from django.utils import timezone

from trading.models import Alert

logger = structlog.get_logger(__name__)


def raise_alert(cause: str, subject: str, user_id: UUID | None, **facts: str) -> Alert:
    """Open the thread, or count one more on it."""
    now = timezone.now()
    alert, is_new = Alert.objects.get_or_create(
        cause=cause,
        subject=subject,
        closed_at=None,
        defaults={"user_id": user_id, "facts": facts, "opened_at": now, "last_at": now},
    )
    if is_new:
        logger.warning("alert", cause=cause, subject=subject, **facts)
    else:
        Alert.objects.filter(pk=alert.pk).update(last_at=now, times=F("times") + 1, facts=facts)
    return alert
