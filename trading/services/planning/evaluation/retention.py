"""How long evaluations are kept: a setting. What led to an order stays, and so does each plan's last look."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from trading.models import PlanEvaluation

AT_ONCE = 5000


def prune(now: datetime) -> int:
    """Delete evaluations older than EVALUATION_DAYS, some thousand at a time; how many. `now` is wall time."""
    limit, after, deleted = now - timedelta(days=settings.EVALUATION_DAYS), 0, 0
    while old := _old(limit, after):
        after = old[-1]
        deleted += _delete(old)
    return deleted


def _old(limit: datetime, after: int) -> list[int]:
    """The next rows written before `limit`: keys grow with time, so the first that is younger ends the search."""
    rows = PlanEvaluation.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "created_at")[:AT_ONCE]
    return [pk for pk, created_at in rows if created_at < limit]


def _delete(keys: Sequence[int]) -> int:
    later = PlanEvaluation.objects.filter(plan=OuterRef("plan"), bar_closed_at__gt=OuterRef("bar_closed_at"))
    count, _by_model = PlanEvaluation.objects.filter(Exists(later), pk__in=keys, order=None).delete()
    return count
