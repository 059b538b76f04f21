"""Wishes about orders that outlive the request they came in: keys used once, and changes that wait for a cancel."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from markets.models import ExactDecimalField


class IdempotencyKey(models.Model):
    """One money request of one person, done once (G06). Kept 30 days; `result` names what it made."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="idempotency_keys", db_index=False)
    key = models.CharField(max_length=128)
    request_hash = models.CharField(max_length=64)
    result: Any = models.JSONField(default=dict)  # {"order": "…"}, {"journal": 12}
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("요청 키")
        verbose_name_plural = _("요청 키")
        constraints = [UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key


class OrderChange(models.Model):
    """Another price or quantity for an order that rests at the venue: it is canceled, and once that is certain its rest
    is placed anew. Made in this order nothing is ever there twice."""

    order = models.ForeignKey("trading.Order", models.PROTECT, related_name="changes")
    quantity = ExactDecimalField()  # of the whole order, what it has filled included
    limit_price = ExactDecimalField(null=True)
    stop_price = ExactDecimalField(null=True)
    client_key = models.CharField(max_length=128)  # of the order that will replace it
    outcome = models.CharField(max_length=16, default="waiting")  # waiting · replaced · refused · too_late
    reason = models.CharField(max_length=64, blank=True)
    facts: Any = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("주문 정정")
        verbose_name_plural = _("주문 정정")
        constraints = [
            UniqueConstraint(fields=["order"], condition=Q(outcome="waiting"), name="order_change_one_waiting"),
            CheckConstraint(name="order_change_quantity_gt_0", condition=Q(quantity__gt=0)),
        ]
        indexes = [models.Index(fields=["created_at"], condition=Q(outcome="waiting"), name="order_change_waiting")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.outcome}"
