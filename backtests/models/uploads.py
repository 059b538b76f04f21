"""Bars that a person brought as a file: received in pieces, checked by a worker, kept packed."""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from markets.types import Interval


class BarUploadQuerySet(models.QuerySet["BarUpload"]):
    def for_user(self, user: Any) -> Self:
        return self.filter(user_id=user.pk)

    def usable(self) -> Self:
        return self.filter(job__state="done")


class BarUpload(models.Model):
    """A bar file. It trades by the rules of `instrument`; without a job it is still being received."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="bar_uploads")
    job = models.OneToOneField("backtests.Job", models.CASCADE, null=True, related_name="upload")
    name = models.CharField(_("이름"), max_length=64)
    instrument = models.ForeignKey("markets.Instrument", models.PROTECT, related_name="+")
    interval = models.CharField(_("간격"), max_length=3, choices=[(i.value, i.value) for i in Interval], blank=True)
    zone = models.CharField(_("시간대"), max_length=64)  # of times that say none
    size = models.PositiveBigIntegerField(_("크기"), default=0)  # bytes
    bars = models.PositiveIntegerField(_("봉"), default=0)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    # What was forgiven by code, or the bad rows: [{line, column, value, code}] and how many in all.
    told: Any = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)

    objects: ClassVar[BarUploadQuerySet] = BarUploadQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("올린 봉")
        verbose_name_plural = _("올린 봉")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class UploadPiece(models.Model):
    """A piece of the file as it came, packed; gone once the file has been checked."""

    upload = models.ForeignKey("backtests.BarUpload", models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    packed = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [UniqueConstraint(fields=["upload", "number"], name="upload_piece_unique")]

    def __str__(self) -> str:
        return f"{self.upload_id} {self.number}"


class UploadedBars(models.Model):
    """Some of an upload's bars, oldest first, packed by `backtests.packing`."""

    upload = models.ForeignKey("backtests.BarUpload", models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    packed = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            UniqueConstraint(fields=["upload", "number"], name="uploaded_bars_unique"),
            CheckConstraint(name="uploaded_bars_not_empty", condition=Q(count__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.upload_id} {self.number}"
