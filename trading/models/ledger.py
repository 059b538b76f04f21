"""The double-entry books of virtual accounts. Postings are never edited; a balance is their sum, kept by a constraint."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from markets.models import ExactDecimalField

KIND_LABELS = {
    "deposit": _("입금"),
    "withdrawal": _("출금"),
    "reserve": _("예약"),
    "release": _("예약 해제"),
    "fill": pgettext_lazy("execution", "체결"),
    "adjustment": _("대조 조정"),
    "reset": _("초기화"),
}


class Journal(models.Model):
    """One booking: postings that sum to zero per asset. `source` is unique within its kind, so booking twice is impossible."""

    broker_account = models.ForeignKey("brokers.BrokerAccount", models.PROTECT, related_name="journals")
    kind = models.CharField(_("구분"), max_length=16, choices=list(KIND_LABELS.items()))
    source = models.CharField(_("근거"), max_length=96)
    at = models.DateTimeField(_("시장 시각"))
    created_at = models.DateTimeField(_("기록"), auto_now_add=True)

    class Meta:
        verbose_name = _("분개")
        verbose_name_plural = _("분개")
        ordering = ["id"]
        constraints = [UniqueConstraint(fields=["kind", "source"], name="journal_booked_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


class Posting(models.Model):
    """One line of a journal: `amount` of `asset` into (+) or out of (−) a bucket.

    Buckets: external, available, reserved, position:<instrument> (cost), fees, tax, realised. An asset is a currency or an
    instrument's key; its units have the buckets external, available and reserved.
    """

    journal = models.ForeignKey("trading.Journal", models.PROTECT, related_name="postings")
    bucket = models.CharField(_("항목"), max_length=64)
    asset = models.CharField(_("자산"), max_length=48)
    amount = ExactDecimalField(_("금액"))

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.bucket} {self.amount} {self.asset}"


class Balance(models.Model):
    """The sum of one bucket's postings, changed only in the transaction that posts. Never negative where it is ours."""

    broker_account = models.ForeignKey("brokers.BrokerAccount", models.PROTECT, related_name="balances", db_index=False)
    bucket = models.CharField(_("항목"), max_length=64)
    asset = models.CharField(_("자산"), max_length=48)
    amount = ExactDecimalField(_("금액"))

    class Meta:
        verbose_name = _("잔고")
        verbose_name_plural = _("잔고")
        constraints = [
            UniqueConstraint(fields=["broker_account", "bucket", "asset"], name="balance_unique"),
            CheckConstraint(
                name="balance_owned_gte_0",
                condition=Q(bucket__in=["external", "fees", "tax", "realised"]) | Q(amount__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bucket} {self.amount} {self.asset}"
