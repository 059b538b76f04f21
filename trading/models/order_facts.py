"""What became of an order: each try to send it, what we were told, and the fills. Rows here are facts, never deleted."""

from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from markets.models import ExactDecimalField


class OrderAttempt(models.Model):
    """One try to send an order. The row is committed before the first byte leaves."""

    order = models.ForeignKey("trading.Order", models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    fence = models.BigIntegerField()
    release = models.CharField(max_length=64, blank=True)  # the code that sent it
    outcome = models.CharField(max_length=16, default="sending")  # sending · landed · refused · unknown
    reason = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["order", "number"], name="order_attempt_number_unique"),
            UniqueConstraint(
                fields=["order"], condition=~Q(outcome="refused"), name="order_attempt_one_may_have_landed"
            ),
            CheckConstraint(name="order_attempt_at_most_3", condition=Q(number__gte=1) & Q(number__lte=3)),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} #{self.number} {self.outcome}"


class OrderEvent(models.Model):
    """One thing that happened to an order, as it came. Never edited, never deleted."""

    order = models.ForeignKey("trading.Order", models.PROTECT, related_name="events")
    state = models.CharField(max_length=16)
    origin = models.CharField(max_length=8)  # place · claim · broker · person
    reason = models.CharField(max_length=64, blank=True)
    raw: Any = models.JSONField(default=dict)
    source_key = models.CharField(max_length=96, blank=True)  # what was told under one key is kept once
    market_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            UniqueConstraint(
                fields=["order", "origin", "source_key"], condition=~Q(source_key=""), name="order_event_told_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.state}"


class Fill(models.Model):
    """One execution: a fact, kept once by the broker's own key."""

    order = models.ForeignKey("trading.Order", models.PROTECT, related_name="fills")
    broker_account = models.ForeignKey("brokers.BrokerAccount", models.PROTECT, related_name="fills", db_index=False)
    key = models.CharField(max_length=64)
    quantity = ExactDecimalField(_("수량"))
    price = ExactDecimalField(_("가격"))
    amount = ExactDecimalField(_("금액"))
    fee = ExactDecimalField(_("수수료"))
    tax = ExactDecimalField(_("세금"))
    pricing = models.CharField(_("가격 근거"), max_length=64, blank=True)
    synthetic = models.BooleanField(default=False)  # worked out from the broker's totals, not told one by one
    at = models.DateTimeField(_("체결"))  # market time
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = pgettext_lazy("execution", "체결")
        verbose_name_plural = pgettext_lazy("execution", "체결")
        ordering = ["id"]
        constraints = [
            UniqueConstraint(fields=["broker_account", "key"], name="fill_key_unique"),
            CheckConstraint(name="fill_quantity_gt_0", condition=Q(quantity__gt=0)),
        ]
        indexes = [models.Index(fields=["broker_account", "at"], name="fill_by_time")]  # the day's result

    def __str__(self) -> str:
        return f"{self.quantity} @ {self.price}"
