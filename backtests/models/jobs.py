"""The queue: one row for each piece of work that a worker does, whoever rings for it and however often."""

from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q
from django.utils.translation import gettext_lazy as _

STATE_LABELS = {
    "queued": _("기다리는 중"),
    "running": _("계산 중"),
    "done": _("끝남"),
    "failed": _("할 수 없음"),
    "canceled": _("취소함"),
}
ENDED = ("done", "failed", "canceled")
KINDS = {"run": _("백테스트"), "part": _("탐색의 일부"), "upload": _("파일 확인"), "scorecard": _("점검표")}
STAGES = {
    "": _("차례를 기다립니다"),
    "reading": _("봉을 읽는 중"),
    "computing": _("거래를 계산하는 중"),
    "checking": _("점검하는 중"),
    "storing": _("결과를 저장하는 중"),
}
WHOLE = 1000  # progress is told in thousandths


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> Self:
        return self.exclude(state__in=ENDED)

    def due(self, now: datetime) -> Self:
        """What a worker may take: what waits, and what a worker took and no longer holds."""
        return self.filter(Q(state="queued") | Q(state="running", lease_until__lt=now))


class Job(models.Model):
    """One piece of work. `attempt` is its fence: only who claimed it last may say how it ended."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="backtest_jobs")
    kind = models.CharField(_("종류"), max_length=12, choices=list(KINDS.items()))
    state = models.CharField(_("상태"), max_length=8, choices=list(STATE_LABELS.items()), default="queued")
    stage = models.CharField(_("단계"), max_length=12, choices=list(STAGES.items()), default="", blank=True)
    progress = models.PositiveSmallIntegerField(_("진행"), default=0)  # thousandths
    attempt = models.PositiveSmallIntegerField(_("시도"), default=0)
    lease_until = models.DateTimeField(null=True)
    code = models.CharField(_("사유"), max_length=32, blank=True)  # why it failed
    facts: Any = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)
    started_at = models.DateTimeField(_("시작"), null=True)
    ended_at = models.DateTimeField(_("끝"), null=True)
    version = models.PositiveIntegerField(default=0)

    objects: ClassVar[JobQuerySet] = JobQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("백테스트 작업")
        verbose_name_plural = _("백테스트 작업")
        constraints = [
            CheckConstraint(name="backtest_job_state_known", condition=Q(state__in=list(STATE_LABELS))),
            CheckConstraint(name="backtest_job_kind_known", condition=Q(kind__in=list(KINDS))),
            CheckConstraint(name="backtest_job_progress_is_a_share", condition=Q(progress__lte=WHOLE)),
            CheckConstraint(
                name="backtest_job_lease_while_running",
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True)),
            ),
            CheckConstraint(
                name="backtest_job_end_once_ended",
                condition=Q(state__in=ENDED, ended_at__isnull=False) | (~Q(state__in=ENDED) & Q(ended_at__isnull=True)),
            ),
            CheckConstraint(
                name="backtest_job_failed_for_a_reason",
                condition=(Q(state="failed") & ~Q(code="")) | (~Q(state="failed") & Q(code="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(state__in=["queued", "running"]), name="backtest_job_unfinished"
            ),
            models.Index(fields=["user", "-created_at"], name="backtest_job_of_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} {self.state}"

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def percent(self) -> int:
        return self.progress * 100 // WHOLE
