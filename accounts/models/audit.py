"""The audit of privileged acts, and its end."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

RESULT_LABELS = {"done": _("완료"), "refused": _("거부"), "failed": _("실패")}


class AuditEntry(models.Model):
    """One privileged act, kept for good (I42): who did what to what, and how it ended.

    Rows hang together: each has the hash of the one before in its own. They name people by key alone, without a foreign
    key, so that a deleted person's acts stay. Everything hashed is text: what a database gives back is what it was given.
    """

    number = models.PositiveBigIntegerField(_("번호"), primary_key=True)  # 1, 2, 3 … without a gap
    at = models.DateTimeField(_("시각"))
    actor = models.CharField(_("행위자"), max_length=64, db_index=True)  # user:<id>, or what acted: command, dispatch
    action = models.CharField(_("행위"), max_length=48)
    subject = models.CharField(_("대상"), max_length=96)  # such as account:<id>
    before: Any = models.JSONField(pgettext_lazy("audit", "이전"), default=dict)  # {"name": "text"}, secrets masked
    after: Any = models.JSONField(_("이후"), default=dict)
    address = models.CharField(_("주소"), max_length=45, blank=True)
    result = models.CharField(_("결과"), max_length=16, choices=list(RESULT_LABELS.items()))
    prev_hash = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("감사 기록")
        verbose_name_plural = _("감사 기록")
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(name="audit_entry_result_known", condition=models.Q(result__in=list(RESULT_LABELS)))
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.actor} {self.action} {self.subject}"


class AuditTail(models.Model):
    """The end of the chain: the lock of whoever writes the next entry, and what tells that the last ones are missing."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(name="audit_tail_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"{self.number} {self.hash[:12]}"
