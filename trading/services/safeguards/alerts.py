"""What a person has to see, one thread per cause and subject however often it is told (I52).

A message goes out at most once in a quarter of an hour per cause, and again each quarter of an hour while a thread of that
cause is still open: acknowledged, or repeated.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from trading.models import Alert
from trading.services.running.timing import scaled

logger = structlog.get_logger(__name__)

QUIET = timedelta(minutes=15)  # between two messages about one cause
TRIES = 5


def raise_alert(cause: str, subject: str, user_id: UUID | None, **facts: str) -> Alert:
    """Open the thread, or count one more on it. `user_id` None: for the staff."""
    now = timezone.now()
    for _try in range(TRIES):
        if alert := _told_again(cause, subject, facts, now) or _opened(cause, subject, user_id, facts, now):
            _tell(alert, now)
            return alert
    raise RuntimeError(f"alert {cause} {subject}: closed as often as it was opened")


@transaction.atomic
def acknowledge(user: User, alert_id: int) -> Alert:
    """Close a thread of one's own, or for an admin one for the staff. Raises Alert.DoesNotExist for anyone else's."""
    alerts = Alert.objects.filter(Q(user=user) | Q(user=None) if user.is_staff else Q(user=user))
    alert = alerts.select_for_update(of=("self",)).get(pk=alert_id)
    if alert.closed_at is None:
        alert.closed_at, alert.closed_by = timezone.now(), user
        alert.save(update_fields=["closed_at", "closed_by"])
    return alert


def repeat_open(now: datetime) -> int:
    """One more message for each cause whose open threads nobody has acknowledged for a while; how many messages."""
    due = (
        Alert.objects.order_by()
        .filter(closed_at=None)
        .values("cause")
        .annotate(threads=Count("pk"), newest=Max("pk"))
        .exclude(cause__in=_told_since(now - scaled(QUIET)))
    )
    return sum(_tell(Alert.objects.get(pk=row["newest"]), now, threads=row["threads"]) for row in list(due))


def _told_again(cause: str, subject: str, facts: Mapping[str, str], now: datetime) -> Alert | None:
    thread = Alert.objects.filter(cause=cause, subject=subject, closed_at=None)
    if not thread.update(last_at=now, times=F("times") + 1, facts=dict(facts)):
        return None
    return thread.first()


def _opened(cause: str, subject: str, user_id: UUID | None, facts: Mapping[str, str], now: datetime) -> Alert | None:
    """The new thread, or None where another process opened it just now: the database keeps one per cause and subject."""
    try:
        with transaction.atomic():
            return Alert.objects.create(
                cause=cause, subject=subject, user_id=user_id, facts=dict(facts), opened_at=now, last_at=now
            )
    except IntegrityError:
        if Alert.objects.filter(cause=cause, subject=subject).exists():
            return None
        raise  # not the thread: the person is unknown


def _tell(alert: Alert, now: datetime, **more: int) -> bool:
    """Send the message, unless one of this cause went out lately."""
    if _told_since(now - scaled(QUIET)).filter(cause=alert.cause).exists():
        return False
    if not Alert.objects.filter(pk=alert.pk, told_at=alert.told_at).update(told_at=now):
        return False  # another process has just told it
    logger.warning("alert", cause=alert.cause, subject=alert.subject, times=alert.times, facts=alert.facts, **more)
    alert.told_at = now
    return True


def _told_since(then: datetime) -> QuerySet[Any]:
    return Alert.objects.order_by().filter(told_at__gt=then).values("cause")
