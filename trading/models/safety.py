"""What keeps orders from leaving: halts, limits, alerts that a person has to see, and the fence against old backups."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from markets.models import ExactDecimalField

SCOPES = {
    "site": pgettext_lazy("scope", "사이트 전체"),
    "user": pgettext_lazy("scope", "한 회원의 모든 거래"),
    "account": _("계좌"),
    "plan": pgettext_lazy("one plan", "오토 스윙"),
    "instrument": _("종목"),
}
HALT_MODES = {"active": _("정상"), "reduce_only": _("청산만"), "halted": _("정지")}


class Halt(models.Model):
    """The latch of one scope. It never opens by itself: not after a restart, not after a while (G04)."""

    scope = models.CharField(_("범위"), max_length=12, choices=list(SCOPES.items()))
    target = models.CharField(
        _("대상"), max_length=48, blank=True
    )  # primary key of the user, account, plan, instrument
    mode = models.CharField(_("상태"), max_length=12, choices=list(HALT_MODES.items()), default="active")
    reason = models.CharField(_("사유"), max_length=64, blank=True)
    facts: Any = models.JSONField(default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")  # null: automatic
    at = models.DateTimeField(_("시각"), null=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("거래 정지")
        verbose_name_plural = _("거래 정지")
        constraints = [
            UniqueConstraint(fields=["scope", "target"], name="halt_one_per_scope"),
            CheckConstraint(name="halt_mode_known", condition=Q(mode__in=list(HALT_MODES))),
            CheckConstraint(name="halt_site_has_no_target", condition=~Q(scope="site") | Q(target="")),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.target} {self.mode}"


class RiskLimit(models.Model):
    """One pre-trade limit of one scope, where it differs from its environment's default (reliability.md §3.12)."""

    scope = models.CharField(_("범위"), max_length=12, choices=list(SCOPES.items()))
    target = models.CharField(_("대상"), max_length=48, blank=True)
    name = models.CharField(_("한도"), max_length=32)
    value = ExactDecimalField(_("값"))
    since = models.DateTimeField(_("적용"))  # a looser limit of a live account counts only after a cool-down

    class Meta:
        verbose_name = _("주문 한도")
        verbose_name_plural = _("주문 한도")
        constraints = [
            UniqueConstraint(fields=["scope", "target", "name", "since"], name="risk_limit_once"),
            CheckConstraint(name="risk_limit_gte_0", condition=Q(value__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.target} {self.name} {self.value}"


class Alert(models.Model):
    """Something a person has to see. One thread per cause and subject: told again, it counts up (I52)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="alerts")  # null: staff
    cause = models.CharField(_("원인"), max_length=48)
    subject = models.CharField(_("대상"), max_length=64, blank=True)  # such as order:<id>
    facts: Any = models.JSONField(default=dict)
    opened_at = models.DateTimeField(_("처음"))
    last_at = models.DateTimeField(_("마지막"))
    told_at = models.DateTimeField(null=True)  # when a message last went out about this thread
    times = models.PositiveIntegerField(_("횟수"), default=1)
    closed_at = models.DateTimeField(_("확인"), null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("알림")
        verbose_name_plural = _("알림")
        ordering = ["-last_at"]
        constraints = [
            UniqueConstraint(fields=["cause", "subject"], condition=Q(closed_at=None), name="alert_one_thread")
        ]

    def __str__(self) -> str:
        return f"{self.cause} {self.subject}"


class BooksCheck(models.Model):
    """When an account's books were last recomputed from their postings and fills."""

    broker_account = models.OneToOneField(
        "brokers.BrokerAccount", models.PROTECT, primary_key=True, related_name="books_check"
    )
    at = models.DateTimeField()
    differences = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("장부 점검")
        verbose_name_plural = _("장부 점검")

    def __str__(self) -> str:
        return f"{self.broker_account_id} {self.differences}"


class System(models.Model):
    """The one row about this installation. An epoch unlike the one kept outside the database tells a restored backup."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.UUIDField(null=True)
    release = models.CharField(max_length=64, blank=True)  # the code that may send; an older process stops at its claim
    armed = models.BooleanField(default=True)  # False: a person must look before anything is sent again
    is_taken_over = models.BooleanField(default=False)  # a person has looked: the next dispatcher gives it a new epoch

    class Meta:
        verbose_name = _("설치")
        verbose_name_plural = _("설치")
        constraints = [CheckConstraint(name="system_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.release} {self.epoch}"
