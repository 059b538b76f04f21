"""Sweeps: one rule over the same bars with many numbers, computed in parts that workers share."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from backtests.models.asked import Question

KINDS = {
    "grid": _("격자 탐색"),
    "random": _("무작위 탐색"),
    "optuna": _("앞선 결과를 보고 고르는 탐색 (Optuna)"),
    "walk_forward": _("구간 전진 검증"),
}


class SweepQuerySet(models.QuerySet["Sweep"]):
    def for_user(self, user: Any) -> Self:
        return self.filter(user_id=user.pk)


class Sweep(Question):
    """What is tried: `axes` are the values of each parameter, `goal` the figure that says which is best."""

    kind = models.CharField(_("방법"), max_length=12, choices=list(KINDS.items()))
    axes: Any = models.JSONField(_("축"))  # {"fast": [5, 10, 20]}
    goal = models.CharField(_("목표"), max_length=16)
    combinations = models.PositiveIntegerField(_("조합"))
    windows = models.PositiveSmallIntegerField(_("구간"), default=0)  # of a walk-forward

    objects: ClassVar[SweepQuerySet] = SweepQuerySet.as_manager()  # type: ignore[assignment]

    class Meta(Question.Meta):
        verbose_name = _("탐색")
        verbose_name_plural = _("탐색")
        constraints = [
            *Question.Meta.constraints,
            CheckConstraint(name="sweep_kind_known", condition=Q(kind__in=list(KINDS))),
        ]


class SweepPart(models.Model):
    """One task's share of a sweep: what it tries, and what came of each. Written once, when its job is done; by a search that
    learns also before."""

    sweep = models.ForeignKey("backtests.Sweep", models.CASCADE, related_name="parts", db_index=False)
    job = models.OneToOneField("backtests.Job", models.CASCADE, related_name="part")
    number = models.PositiveIntegerField()
    asked: Any = models.JSONField()  # [{"fast": 5, …}, …], or one window of a walk-forward
    results: Any = models.JSONField(null=True)

    class Meta:
        verbose_name = _("탐색의 일부")
        verbose_name_plural = _("탐색의 일부")
        ordering = ["number"]
        constraints = [UniqueConstraint(fields=["sweep", "number"], name="sweep_part_unique")]

    def __str__(self) -> str:
        return f"{self.sweep_id} {self.number}"
