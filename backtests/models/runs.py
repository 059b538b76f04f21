"""Backtests: what was asked, what came of it, and what is to be thought of it."""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from markets.models.instruments import SOURCE_LABELS
from markets.types import Interval

SHOWN = ("job", "instrument", "strategy_version__strategy", "upload")
DEFERRED = ("strategy_version__document", "strategy_version__settings", "upload__told")


class BacktestQuerySet(models.QuerySet["Backtest"]):
    def for_user(self, user: Any) -> Self:
        return self.filter(user_id=user.pk)

    def shown(self) -> Self:
        """With what every page tells of a run, without the rule's document."""
        return self.select_related(*SHOWN).defer(*DEFERRED)


class Backtest(models.Model):
    """One run: a strategy version with its parameters, bars, and the terms of trading. Never edited once it is asked for.

    `version_hash` names the rule with its numbers in it, as it stands on the result. Bars are stored ones of `source`, or
    those of an upload; of an upload that was deleted, its name remains.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="backtests")
    job = models.OneToOneField("backtests.Job", models.CASCADE, related_name="backtest")
    client_key = models.CharField(max_length=64)  # a form sent twice is one run
    name = models.CharField(_("이름"), max_length=64)
    strategy_version = models.ForeignKey("strategies.StrategyVersion", models.PROTECT, related_name="backtests")
    parameters: Any = models.JSONField(_("매개변수"), default=dict)
    version_hash = models.CharField(max_length=64)
    instrument = models.ForeignKey("markets.Instrument", models.PROTECT, related_name="backtests")
    interval = models.CharField(_("간격"), max_length=3, choices=[(i.value, i.value) for i in Interval])
    source = models.CharField(_("출처"), max_length=16, choices=list(SOURCE_LABELS.items()), blank=True)
    upload = models.ForeignKey("backtests.BarUpload", models.SET_NULL, null=True, related_name="backtests")
    upload_name = models.CharField(max_length=64, blank=True)
    starts_on = models.DateField(_("시작일"), null=True)
    ends_on = models.DateField(_("끝일"), null=True)
    terms: Any = models.JSONField(_("조건"))
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)

    objects: ClassVar[BacktestQuerySet] = BacktestQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("백테스트")
        verbose_name_plural = _("백테스트")
        ordering = ["-created_at"]
        constraints = [
            UniqueConstraint(fields=["user", "client_key"], name="backtest_client_key_unique"),
            CheckConstraint(
                name="backtest_bars_of_one_kind",
                condition=(~Q(source="") & Q(upload__isnull=True, upload_name=""))
                | (Q(source="") & ~Q(upload_name="")),
            ),
            CheckConstraint(
                name="backtest_period_in_order",
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(starts_on__lte=F("ends_on")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BacktestResult(models.Model):
    """What a run gave; its key is the run's, so that there is never a second one. `packing` reads what is packed."""

    backtest = models.OneToOneField("backtests.Backtest", models.CASCADE, primary_key=True, related_name="result")
    bars = models.PositiveIntegerField(_("봉"))
    first_at = models.DateTimeField()  # close of the first bar decided on
    last_at = models.DateTimeField()
    fill_count = models.PositiveIntegerField(_("체결"))
    seed = models.BigIntegerField()
    version_hash = models.CharField(max_length=64)
    inputs_hash = models.CharField(max_length=64)
    result_hash = models.CharField(max_length=64)
    figures: Any = models.JSONField()  # {"strategy", "hold", "trades"}, as metrics.Metrics
    months: Any = models.JSONField()  # [{"month": "2024-03", "strategy": rate, "hold": rate}, …]
    trade_count = models.PositiveIntegerField(_("거래"))
    trades = models.BinaryField()
    fills = models.BinaryField()
    series = models.BinaryField()  # series.Series
    candles = models.BinaryField()  # the bars as they were, joined until a chart can show them
    took_ms = models.PositiveIntegerField(_("걸린 시간"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("백테스트 결과")
        verbose_name_plural = _("백테스트 결과")
        constraints = [
            CheckConstraint(name="backtest_result_first_before_last", condition=Q(first_at__lte=F("last_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.backtest_id} {self.result_hash[:12]}"


class Scorecard(models.Model):
    """What speaks against a result: each check with its number. Its key is the run's."""

    backtest = models.OneToOneField("backtests.Backtest", models.CASCADE, primary_key=True, related_name="scorecard")
    job = models.OneToOneField("backtests.Job", models.CASCADE, related_name="scorecard")
    grade = models.CharField(_("등급"), max_length=2, blank=True)
    checks: Any = models.JSONField(default=list)  # [{code, verdict, number, …}]

    class Meta:
        verbose_name = _("점검표")
        verbose_name_plural = _("점검표")

    def __str__(self) -> str:
        return f"{self.backtest_id} {self.grade}"
