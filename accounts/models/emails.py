"""A person's change of e-mail address: asked for, confirmed from the new address, taken back from the old one."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class EmailChange(models.Model):
    """One change, by the hashes of the two mailed links. The old address stays its person's until the way back has closed."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="email_changes")
    old_email = models.EmailField(_("이전 이메일"))
    new_email = models.EmailField(_("새 이메일"))
    confirm_hash = models.CharField(max_length=64, unique=True, editable=False)  # of the link mailed to the new address
    undo_hash = models.CharField(max_length=64, unique=True, editable=False)  # of the link mailed to the old one
    asked_at = models.DateTimeField(auto_now_add=True)
    confirm_until = models.DateTimeField()
    undo_until = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("이메일 변경")
        verbose_name_plural = _("이메일 변경")
        indexes = [models.Index(fields=["old_email"], name="email_change_by_old")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.asked_at}"

    def is_waiting(self, now: datetime) -> bool:
        """Whether the new address may still confirm it."""
        return self.confirmed_at is None and self.undone_at is None and now < self.confirm_until

    def may_be_undone(self, now: datetime) -> bool:
        return self.undone_at is None and now < self.undo_until
