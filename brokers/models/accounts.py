"""Broker accounts. The environment belongs to the row: host, token and page colour follow from it, never from a flag."""

from typing import ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.protocol import Environment

ENVIRONMENT_LABELS = {
    Environment.VIRTUAL: _("모의"),
    Environment.PAPER: _("모의투자 서버"),
    Environment.LIVE: _("실전"),
}


class BrokerAccountQuerySet(models.QuerySet["BrokerAccount"]):
    def for_user(self, user: User) -> Self:
        return self.filter(user_id=user.pk)

    def active(self) -> Self:
        return self.filter(is_active=True)


class BrokerAccount(models.Model):
    """One login at one brokerage, or one virtual account. Paper and live can never mix: the row decides, once."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="broker_accounts")
    name = models.CharField(_("이름"), max_length=64)
    broker = models.CharField(_("증권사"), max_length=16)
    environment = models.CharField(_("환경"), max_length=8, choices=list(ENVIRONMENT_LABELS.items()))
    currency = models.CharField(_("기준 통화"), max_length=8, default="KRW")
    is_active = models.BooleanField(_("사용 중"), default=True)
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)

    objects: ClassVar[BrokerAccountQuerySet] = BrokerAccountQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("계좌")
        verbose_name_plural = _("계좌")
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                name="broker_account_environment_known",
                condition=models.Q(environment__in=[e.value for e in Environment]),
            ),
            models.CheckConstraint(
                name="broker_account_virtual_is_ours_alone",
                condition=models.Q(environment="virtual", broker="virtual")
                | (~models.Q(environment="virtual") & ~models.Q(broker="virtual")),
            ),
            models.UniqueConstraint(fields=["user", "name"], name="broker_account_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name
