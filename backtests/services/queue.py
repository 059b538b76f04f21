"""The queue of work: claimed with a lease, told of as it goes on, ended once. The rows are the queue, Celery only rings.

A worker that dies is missed when its lease lapses; the work is then claimed again under the next attempt, and what the
dead one might still say is refused. Work that killed its worker thrice is given up.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from backtests.errors import BacktestRefused
from backtests.events import publish_backtest_changed
from backtests.models import ENDED, Job
from trading.services.running.timing import scaled

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
ATTEMPTS = 3
LOOKED_AT = 20  # candidates of one claim


class WorkLost(Exception):
    """The work was canceled, or is somebody else's by now: stop, and say nothing of it."""

    code = "work_lost"


def new_job(user: User, kind: str) -> Job:
    """Work that waits. The caller's transaction makes what it is about, and rings on commit."""
    return Job.objects.create(user=user, kind=kind)


def claim() -> Job | None:
    """The next piece of work, ours for LEASE: of who has least running first, then the oldest. None: nothing is due."""
    now = timezone.now()
    running = Job.objects.filter(user=OuterRef("user"), state="running", lease_until__gte=now)
    of_user = running.order_by().values("user").annotate(n=Count("pk")).values("n")
    due = Job.objects.due(now).annotate(theirs=Coalesce(Subquery(of_user), Value(0))).order_by("theirs", "created_at")
    for job in due[:LOOKED_AT]:
        if job.attempt >= ATTEMPTS:
            _give_up(job)
        elif _take(job):
            return Job.objects.select_related("user").get(pk=job.pk)
    return None


def is_due() -> int:
    """How many pieces of work wait for a worker."""
    return Job.objects.due(timezone.now()).count()


def go_on(job: Job, stage: str | None = None, progress: int | None = None) -> None:
    """Renew the lease, and tell how far the work is. Raises WorkLost where it is not ours any more."""
    told: dict[str, Any] = {}
    if stage is not None:
        told["stage"] = stage
    if progress is not None:
        told["progress"] = max(0, min(progress, 1000))
    changes = told | {"lease_until": timezone.now() + scaled(LEASE)}
    if told:
        changes["version"] = F("version") + 1
    if not _mine(job).update(**changes):
        raise WorkLost(str(job.pk))
    if told:
        tell(job)


def finish(job: Job) -> None:
    """The work is done. Call it in the transaction that keeps what came of it. Raises WorkLost: keep nothing then."""
    _end(job, state="done", progress=1000)


def fail(job: Job, refused: BacktestRefused) -> None:
    """The work cannot be done, for a reason that can be told. Raises WorkLost."""
    _end(job, state="failed", code=refused.code, facts=_plain(refused.facts))


def cancel(job: Job) -> bool:
    """End the work wherever it is; a worker that is at it finds out and keeps nothing. False: it had ended."""
    ended = Job.objects.filter(pk=job.pk).exclude(state__in=ENDED)
    done = ended.update(state="canceled", lease_until=None, ended_at=timezone.now(), version=F("version") + 1)
    if done:
        tell(job)
    return bool(done)


def tell(job: Job) -> None:
    """A hint, once it can be read, to the page that shows the work."""
    transaction.on_commit(partial(_publish, job.pk))


def _publish(job_id: UUID) -> None:
    told = Job.objects.filter(pk=job_id).values_list(
        "user_id", "version", "backtest__pk", "part__sweep_id", "upload__pk", "scorecard__pk"
    )
    for user_id, version, *shown in told:
        for shown_id in filter(None, shown):
            publish_backtest_changed(shown_id, user_id, version)


def _mine(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, state="running", attempt=job.attempt)


def _take(job: Job) -> bool:
    now = timezone.now()
    still = Job.objects.due(now).filter(pk=job.pk, attempt=job.attempt)
    taken = still.update(
        state="running",
        attempt=job.attempt + 1,
        lease_until=now + scaled(LEASE),
        started_at=now,
        stage="reading",
        progress=0,
        version=F("version") + 1,
    )
    if taken:
        tell(job)
        if job.attempt:
            logger.warning("%s %s is begun again, attempt %d", job.kind, job.pk, job.attempt + 1)
    return bool(taken)


def _give_up(job: Job) -> None:
    lost = Job.objects.due(timezone.now()).filter(pk=job.pk)
    ended = lost.update(
        state="failed",
        code="worker_lost",
        facts={"attempts": job.attempt},
        lease_until=None,
        ended_at=timezone.now(),
        version=F("version") + 1,
    )
    if ended:
        logger.error("%s %s is given up: its worker was lost %d times", job.kind, job.pk, job.attempt)
        tell(job)


def _end(job: Job, **changes: Any) -> None:
    now = timezone.now()
    ended = _mine(job).update(**changes, stage="", lease_until=None, ended_at=now, version=F("version") + 1)
    if not ended:
        raise WorkLost(str(job.pk))
    tell(job)


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in facts.items()}


def unfinished_of(user: User, kinds: Q) -> int:
    return Job.objects.unfinished().filter(kinds, user=user).count()
