"""What a run and a sweep have in common: whose they are, which rule on which bars, on what terms."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from markets.models.instruments import SOURCE_LABELS
from markets.types import Interval


class OfBars(models.Model):
    """The bars of one instrument: stored ones of `source`, or those of an upload; of one that was deleted, its name remains."""

    instrument = models.ForeignKey("markets.Instrument", models.PROTECT, related_name="%(class)ss")
    source = models.CharField(_("출처"), max_length=16, choices=list(SOURCE_LABELS.items()), blank=True)
    upload = models.ForeignKey("backtests.BarUpload", models.SET_NULL, null=True, related_name="%(class)ss")
    upload_name = models.CharField(max_length=64, blank=True)

    class Meta:
        abstract = True
        constraints = [
            CheckConstraint(
                name="%(class)s_bars_of_one_kind",
                condition=(~Q(source="") & Q(upload__isnull=True, upload_name=""))
                | (Q(source="") & ~Q(upload_name="")),
            ),
        ]


class Question(OfBars):
    """What a person asked of a rule and bars. Never edited once it is asked."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="%(class)ss")
    client_key = models.CharField(max_length=64)  # a form sent twice is one question
    name = models.CharField(_("이름"), max_length=64)
    strategy_version = models.ForeignKey("strategies.StrategyVersion", models.PROTECT, related_name="%(class)ss")
    parameters: Any = models.JSONField(_("매개변수"), default=dict)
    interval = models.CharField(_("간격"), max_length=3, choices=[(i.value, i.value) for i in Interval])
    starts_on = models.DateField(_("시작일"), null=True)
    ends_on = models.DateField(_("끝일"), null=True)
    terms: Any = models.JSONField(_("조건"))
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)

    class Meta(OfBars.Meta):
        abstract = True
        ordering = ["-created_at"]
        constraints = [
            *OfBars.Meta.constraints,
            UniqueConstraint(fields=["user", "client_key"], name="%(class)s_client_key_unique"),
            CheckConstraint(
                name="%(class)s_period_in_order",
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(starts_on__lte=F("ends_on")),
            ),
        ]

    def __str__(self) -> str:
        return self.name
