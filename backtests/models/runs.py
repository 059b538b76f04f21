"""Backtests: what was asked, what came of it, and what is to be thought of it."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from backtests.models.asked import OfBars, Question

SHOWN = ("job", "instrument", "strategy_version__strategy", "upload")
DEFERRED = ("strategy_version__document", "strategy_version__settings", "upload__told")


class BacktestQuerySet(models.QuerySet["Backtest"]):
    def for_user(self, user: Any) -> Self:
        return self.filter(user_id=user.pk)

    def shown(self) -> Self:
        """With what every page tells of a run, without the rule's document."""
        beside = "companions__instrument"
        return self.select_related(*SHOWN).defer(*DEFERRED).prefetch_related(beside)


class Backtest(Question):
    """One run: a strategy version with its parameters, bars, and the terms of trading.

    Its own instrument is the first on the account, its `companions` are the others. `version_hash` names the rule with its
    numbers in it, as it stands on the result.
    """

    job = models.OneToOneField("backtests.Job", models.CASCADE, related_name="backtest")
    version_hash = models.CharField(max_length=64)

    objects: ClassVar[BacktestQuerySet] = BacktestQuerySet.as_manager()  # type: ignore[assignment]

    class Meta(Question.Meta):
        verbose_name = _("백테스트")
        verbose_name_plural = _("백테스트")

    @property
    def members(self) -> "list[Backtest | Companion]":
        """The bars on its account, in their order: its own, then those beside it."""
        return [self, *self.companions.all()]


class Companion(OfBars):
    """One more instrument on the account of a run, by bars of the run's interval and period; numbered from 1."""

    backtest = models.ForeignKey("backtests.Backtest", models.CASCADE, related_name="companions", db_index=False)
    number = models.PositiveSmallIntegerField()

    class Meta(OfBars.Meta):
        verbose_name = _("함께 거래한 종목")
        verbose_name_plural = _("함께 거래한 종목")
        ordering = ["number"]
        constraints = [
            *OfBars.Meta.constraints,
            UniqueConstraint(fields=["backtest", "number"], name="companion_unique"),
            UniqueConstraint(fields=["backtest", "instrument"], name="companion_instrument_once"),
            CheckConstraint(name="companion_after_the_first", condition=Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.backtest_id} {self.number}"


class BacktestResult(models.Model):
    """What a run gave; its key is the run's, so that there is never a second one. `packing` reads what is packed.

    Of several instruments everything here is the account's, and `parts` has what is each one's own; `candles` is empty.
    """

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


class ResultPart(models.Model):
    """What one of several instruments did on the account of a run; numbered as the run's members, from 0."""

    result = models.ForeignKey("backtests.BacktestResult", models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveSmallIntegerField()
    instrument = models.ForeignKey("markets.Instrument", models.PROTECT, related_name="+")
    bars = models.PositiveIntegerField(_("봉"))
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    figures: Any = models.JSONField()  # contribution.Contribution
    candles = models.BinaryField()

    class Meta:
        verbose_name = _("종목별 결과")
        verbose_name_plural = _("종목별 결과")
        ordering = ["number"]
        constraints = [UniqueConstraint(fields=["result", "number"], name="result_part_unique")]

    def __str__(self) -> str:
        return f"{self.result_id} {self.number}"


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
