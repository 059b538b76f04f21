"""What a person is told, and which of it they want to be told where."""

from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.notices import CHANNELS, KINDS


class Notice(models.Model):
    """One thing told to one person, once per key however often it is found: on the page, by mail, or both."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="notices")
    kind = models.CharField(_("종류"), max_length=12)
    cause = models.CharField(_("원인"), max_length=48)  # a stable code; `facts` fill its sentence
    facts: Any = models.JSONField(default=dict)
    subject = models.CharField(_("대상"), max_length=96, blank=True)  # such as order:<id>
    key = models.CharField(max_length=96)
    at = models.DateTimeField(_("시각"))
    on_page = models.BooleanField(default=True)
    seen_at = models.DateTimeField(_("확인"), null=True)
    mail_due = models.DateTimeField(null=True)  # null: no mail, or none any more
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(_("메일"), null=True)

    class Meta:
        verbose_name = _("소식")
        verbose_name_plural = _("소식")
        ordering = ["-at", "-id"]
        constraints = [
            UniqueConstraint(fields=["user", "key"], name="notice_once"),
            CheckConstraint(name="notice_kind_known", condition=Q(kind__in=list(KINDS))),
        ]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="notice_by_time"),
            models.Index(fields=["mail_due"], name="notice_mail_due", condition=Q(mail_due__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.cause}"


class NoticeChoice(models.Model):
    """Where a person differs from what is told where by itself (`accounts.notices`)."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="notice_choices")
    kind = models.CharField(max_length=12)
    channel = models.CharField(max_length=8)
    is_on = models.BooleanField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["user", "kind", "channel"], name="notice_choice_once"),
            CheckConstraint(
                name="notice_choice_known", condition=Q(kind__in=list(KINDS)) & Q(channel__in=list(CHANNELS))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind} {self.channel} {self.is_on}"
