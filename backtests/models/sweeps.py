"""Sweeps: one rule over the same bars with many numbers, computed in parts that workers share."""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from markets.models.instruments import SOURCE_LABELS
from markets.types import Interval

KINDS = {"grid": _("격자 탐색"), "random": _("무작위 탐색"), "walk_forward": _("구간 전진 검증")}


class SweepQuerySet(models.QuerySet["Sweep"]):
    def for_user(self, user: Any) -> Self:
        return self.filter(user_id=user.pk)


class Sweep(models.Model):
    """What is tried: `axes` are the values of each parameter, `goal` the figure that says which is best."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sweeps")
    client_key = models.CharField(max_length=64)
    name = models.CharField(_("이름"), max_length=64)
    kind = models.CharField(_("방법"), max_length=12, choices=list(KINDS.items()))
    strategy_version = models.ForeignKey("strategies.StrategyVersion", models.PROTECT, related_name="sweeps")
    parameters: Any = models.JSONField(_("매개변수"), default=dict)  # those that stay as they are
    axes: Any = models.JSONField(_("축"))  # {"fast": [5, 10, 20]}
    goal = models.CharField(_("목표"), max_length=16)
    combinations = models.PositiveIntegerField(_("조합"))
    windows = models.PositiveSmallIntegerField(_("구간"), default=0)  # of a walk-forward
    instrument = models.ForeignKey("markets.Instrument", models.PROTECT, related_name="sweeps")
    interval = models.CharField(_("간격"), max_length=3, choices=[(i.value, i.value) for i in Interval])
    source = models.CharField(_("출처"), max_length=16, choices=list(SOURCE_LABELS.items()), blank=True)
    upload = models.ForeignKey("backtests.BarUpload", models.SET_NULL, null=True, related_name="sweeps")
    upload_name = models.CharField(max_length=64, blank=True)
    starts_on = models.DateField(_("시작일"), null=True)
    ends_on = models.DateField(_("끝일"), null=True)
    terms: Any = models.JSONField(_("조건"))
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)

    objects: ClassVar[SweepQuerySet] = SweepQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("탐색")
        verbose_name_plural = _("탐색")
        ordering = ["-created_at"]
        constraints = [
            UniqueConstraint(fields=["user", "client_key"], name="sweep_client_key_unique"),
            CheckConstraint(name="sweep_kind_known", condition=Q(kind__in=list(KINDS))),
            CheckConstraint(
                name="sweep_bars_of_one_kind",
                condition=(~Q(source="") & Q(upload__isnull=True, upload_name=""))
                | (Q(source="") & ~Q(upload_name="")),
            ),
            CheckConstraint(
                name="sweep_period_in_order",
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(starts_on__lte=F("ends_on")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SweepPart(models.Model):
    """One task's share of a sweep: what it tries, and what came of each; written once, when its job is done."""

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
