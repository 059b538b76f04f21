"""Swing plans, each look at one, and each step of its SIGNAL."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from markets.models import ExactDecimalField
from markets.types import Interval

MODE_LABELS = {"off": _("꺼짐"), "shadow": _("그림자"), "on": _("켜짐")}
SIGNAL_LABELS = {0: _("대기"), 1: _("1차 매수"), 2: _("2차 매수"), 3: _("매도 완료")}
SIGNAL_STEPS = ((0, 1), (1, 2), (1, 3), (2, 3))


class SwingPlanQuerySet(models.QuerySet["SwingPlan"]):
    def for_user(self, user: Any) -> Self:
        return self.filter(user_id=user.pk)

    def running(self) -> Self:
        return self.exclude(mode="off")

    def waiting_for_open(self) -> Self:
        """Those that cannot decide on their last bar before the next one has opened."""
        decided = Q(decided_until__gte=F("waits_for_open"))
        return self.running().filter(waits_for_open__isnull=False).exclude(decided)


class SwingPlan(models.Model):
    """A standing instruction: strategy version × instrument × broker account × budget, and how far it is."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="swing_plans")
    broker_account = models.ForeignKey("brokers.BrokerAccount", models.PROTECT, related_name="swing_plans")
    instrument = models.ForeignKey("markets.Instrument", models.PROTECT, related_name="swing_plans")
    strategy_version = models.ForeignKey("strategies.StrategyVersion", models.PROTECT, related_name="swing_plans")
    name = models.CharField(_("이름"), max_length=64)
    client_key = models.CharField(max_length=32, editable=False)  # a form sent twice is one plan
    interval = models.CharField(_("간격"), max_length=3, choices=[(i.value, i.value) for i in Interval])
    budget = ExactDecimalField(_("예산"))
    first_share = ExactDecimalField(_("1차 비중"), default=Decimal("0.5"))  # fraction of the budget
    mode = models.CharField(_("상태"), max_length=8, choices=list(MODE_LABELS.items()), default="on")
    running_mode = models.CharField(max_length=8, default="on")  # what a paused plan goes back to
    repeat = models.BooleanField(_("반복"), default=True)
    cooldown_bars = models.PositiveIntegerField(_("재시작까지 봉 수"), default=5)
    # The last market day on which it may buy; it still sells what it holds after that.
    ends_on = models.DateField(_("종료일"), null=True, blank=True)

    signal = models.PositiveSmallIntegerField("SIGNAL", choices=list(SIGNAL_LABELS.items()), default=0)
    cycle = models.PositiveIntegerField(_("회차"), default=1)
    # What this plan's own fills add up to: two plans on one account and symbol never mix (G18).
    held_quantity = ExactDecimalField(_("보유 수량"), default=Decimal(0))
    held_cost = ExactDecimalField(_("매수 금액"), default=Decimal(0))
    cycle_spent = ExactDecimalField(default=Decimal(0))  # cash spent on buys this cycle, fees included
    realised = ExactDecimalField(_("실현 손익"), default=Decimal(0))  # after fees and taxes, all cycles
    # A sale filled in part: go on selling until nothing is held.
    exiting = models.BooleanField(_("청산 중"), default=False)
    # A person stops it and sells: it buys no more, and is off once nothing is held.
    stopping = models.BooleanField(_("매도하고 멈추는 중"), default=False)
    peak_close = ExactDecimalField(null=True)  # highest close since entry, for the trailing stop
    held_since = models.DateTimeField(null=True)  # market time of the first fill of what is held, for the time stop
    cooldown_left = models.PositiveIntegerField(default=0)

    watches_from = models.DateTimeField(_("감시 시작"))  # market time: bars closed before are nobody's business
    decided_until = models.DateTimeField(_("마지막 판단 봉"), null=True)  # close of the last bar decided on
    # The close of a bar that asks for an entry above the next bar's open: undecided until that bar has opened.
    waits_for_open = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)
    updated_at = models.DateTimeField(_("변경"), auto_now=True)
    version = models.PositiveIntegerField(default=0)

    objects: ClassVar[SwingPlanQuerySet] = SwingPlanQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("오토 스윙")
        verbose_name_plural = _("오토 스윙")
        constraints = [
            UniqueConstraint(fields=["user", "client_key"], name="plan_client_key_unique"),
            CheckConstraint(name="plan_budget_gt_0", condition=Q(budget__gt=0)),
            CheckConstraint(name="plan_first_share_is_a_fraction", condition=Q(first_share__gt=0, first_share__lte=1)),
            CheckConstraint(name="plan_signal_known", condition=Q(signal__in=[0, 1, 2, 3])),
            CheckConstraint(name="plan_mode_known", condition=Q(mode__in=list(MODE_LABELS))),
            CheckConstraint(name="plan_held_gte_0", condition=Q(held_quantity__gte=0)),
        ]
        indexes = [models.Index(fields=["instrument", "interval"], condition=~Q(mode="off"), name="plan_running")]

    def __str__(self) -> str:
        return self.name

    def has_ended(self, on: date) -> bool:
        """Whether the plan buys no more on this market day."""
        return self.ends_on is not None and on > self.ends_on

    @property
    def average_cost(self) -> Decimal | None:
        """Price per unit of what is held, before fees; None while nothing is."""
        return self.held_cost / self.held_quantity if self.held_quantity else None


class PlanEvaluation(models.Model):
    """One look at one plan on one closed bar: every condition with its value, and the decision. One per (plan, bar)."""

    plan = models.ForeignKey("trading.SwingPlan", models.PROTECT, related_name="evaluations", db_index=False)
    bar_closed_at = models.DateTimeField(_("봉 마감"))
    market_at = models.DateTimeField(_("판단 시각"))
    created_at = models.DateTimeField(auto_now_add=True)
    signal = models.PositiveSmallIntegerField()  # where the plan stood when it looked
    close = ExactDecimalField(_("종가"), null=True)
    # hold · buy_first · buy_second · sell · restart · wait · skipped · blocked
    outcome = models.CharField(_("판단"), max_length=16)
    reason = models.CharField(_("이유"), max_length=64, blank=True)
    detail: Any = models.JSONField(default=dict)  # conditions with value, threshold, distance, pass or fail
    order = models.ForeignKey("trading.Order", models.PROTECT, null=True, related_name="evaluations")

    class Meta:
        verbose_name = _("판단")
        verbose_name_plural = _("판단")
        ordering = ["-bar_closed_at"]
        constraints = [UniqueConstraint(fields=["plan", "bar_closed_at"], name="evaluation_one_per_bar")]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.bar_closed_at} {self.outcome}"


class SignalStep(models.Model):
    """One move of a plan's SIGNAL, made by fills alone. Each step happens once per cycle."""

    plan = models.ForeignKey("trading.SwingPlan", models.PROTECT, related_name="steps")
    cycle = models.PositiveIntegerField()
    from_signal = models.PositiveSmallIntegerField()
    to_signal = models.PositiveSmallIntegerField()
    order = models.ForeignKey("trading.Order", models.PROTECT, related_name="signal_steps")
    at = models.DateTimeField()  # market time

    class Meta:
        ordering = ["id"]
        constraints = [
            UniqueConstraint(fields=["plan", "cycle", "to_signal"], name="signal_step_once_per_cycle"),
            CheckConstraint(
                name="signal_step_known",
                condition=Q(from_signal=0, to_signal=1)
                | Q(from_signal=1, to_signal=2)
                | Q(from_signal=1, to_signal=3)
                | Q(from_signal=2, to_signal=3),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.from_signal}→{self.to_signal}"
