"""Closed bars, one row each, read back as float64 arrays."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from markets.models.instruments import SOURCE_LABELS, Instrument
from markets.types import Interval, Source, from_epoch


class StoredBarQuerySet(models.QuerySet["StoredBar"]):
    def series(self, instrument: Instrument, interval: Interval, source: Source) -> Self:
        """One instrument's bars of one source, oldest first: series of different sources are never mixed."""
        return self.filter(instrument=instrument, interval=interval, source=source).order_by("opened_at")

    def closed_by(self, now: datetime) -> Self:
        return self.filter(closed_at__lte=int(now.timestamp()))


class StoredBar(models.Model):
    """One closed interval `[opened_at, closed_at)`. Prices are facts for indicators and charts, not money: float64."""

    instrument = models.ForeignKey("markets.Instrument", models.CASCADE, db_index=False)
    interval = models.CharField(_("간격"), max_length=3, choices=[(i.value, i.value) for i in Interval])
    source = models.CharField(_("출처"), max_length=16, choices=list(SOURCE_LABELS.items()))
    # Whole seconds since 1970 UTC: what indicators and charts read by the thousand, without a date parsed per row.
    opened_at = models.BigIntegerField()
    closed_at = models.BigIntegerField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField()

    objects: ClassVar[StoredBarQuerySet] = StoredBarQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("봉")
        verbose_name_plural = _("봉")
        constraints = [
            models.UniqueConstraint(fields=["instrument", "source", "interval", "opened_at"], name="bar_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.interval} {from_epoch(self.opened_at):%Y-%m-%d %H:%M}"
