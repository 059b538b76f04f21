"""The dated trading calendar, as reviewed by a person: it overrides the file that ships with Kairos."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TradingDay(models.Model):
    """One day that differs from its weekday: a holiday, or unusual hours (exam days, the year's first session)."""

    calendar = models.CharField(_("거래 일정"), max_length=16, default="krx")
    day = models.DateField(_("날짜"))
    is_open = models.BooleanField(_("개장"), default=False)
    opens = models.TimeField(_("개장 시각"), null=True, blank=True)
    closes = models.TimeField(_("폐장 시각"), null=True, blank=True)
    name = models.CharField(_("설명"), max_length=64)
    source = models.CharField(_("근거"), max_length=128, blank=True)
    updated_at = models.DateTimeField(_("변경"), auto_now=True)

    class Meta:
        verbose_name = _("거래일")
        verbose_name_plural = _("거래일")
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "day"], name="trading_day_unique"),
            models.CheckConstraint(
                name="trading_day_hours_belong_to_open_days",
                condition=models.Q(is_open=True) | models.Q(opens=None, closes=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
