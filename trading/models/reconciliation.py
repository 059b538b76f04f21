"""What brokers listed, when an account was last read whole, and where its truth and our books differ."""

from typing import Any

from django.db import models
from django.db.models import Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from markets.models import ExactDecimalField
from trading.models.orders import SIDE_LABELS


class BrokerOrder(models.Model):
    """One order as the broker lists it, ours or not, brought up to date with every complete read."""

    broker_account = models.ForeignKey(
        "brokers.BrokerAccount", models.PROTECT, related_name="broker_orders", db_index=False
    )
    key = models.CharField(max_length=64)
    client_id = models.CharField(max_length=36, blank=True)
    instrument = models.CharField(_("종목"), max_length=48)  # its key: strangers trade what we may not know
    side = models.CharField(_("매매 구분"), max_length=4, choices=list(SIDE_LABELS.items()))
    quantity = ExactDecimalField(_("수량"))
    order_type = models.CharField(max_length=8)
    division = models.CharField(max_length=16, default="plain")  # brokers.protocol.Division
    limit_price = ExactDecimalField(_("지정가"), null=True)
    ordered_at = models.DateTimeField(_("주문"))  # venue time
    status = models.CharField(max_length=16)
    filled_quantity = ExactDecimalField(_("체결 수량"))
    filled_amount = ExactDecimalField(_("체결 금액"))
    order = models.OneToOneField("trading.Order", models.PROTECT, null=True, related_name="broker_order")
    is_external = models.BooleanField(default=False)  # not ours: the person, or another program, placed it
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    cancel_asked_at = models.DateTimeField(null=True)  # a halt asked it back: none of our orders keeps that of it

    class Meta:
        verbose_name = _("증권사 주문")
        verbose_name_plural = _("증권사 주문")
        ordering = ["-ordered_at"]
        constraints = [UniqueConstraint(fields=["broker_account", "key"], name="broker_order_key_once")]
        indexes = [
            models.Index(fields=["broker_account", "-ordered_at"], name="broker_order_by_account"),
            models.Index(
                fields=["broker_account"],
                condition=models.Q(order=None, status="accepted"),
                name="broker_order_unlinked",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class AccountReading(models.Model):
    """The last complete reading of a real account. Without one under the present fence nothing new is sent on it (I15)."""

    broker_account = models.OneToOneField(
        "brokers.BrokerAccount", models.PROTECT, primary_key=True, related_name="reading"
    )
    fence = models.BigIntegerField()
    asked_at = models.DateTimeField()  # before the first question of the reading
    cash: Any = models.JSONField(default=dict)  # {"KRW": "1000000"}
    units: Any = models.JSONField(default=dict)  # {"KRX:005930": "10"}
    spendable: Any = models.JSONField(default=dict)  # {"KRW": "…", "KRX:005930": "…"}; {}: the venue does not tell
    failed_since = models.DateTimeField(null=True)  # readings have failed from here on
    failure = models.CharField(max_length=64, blank=True)
    rung_at = models.DateTimeField(null=True)  # the broker's stream said that an order has moved: read it now

    class Meta:
        verbose_name = _("계좌 대조")
        verbose_name_plural = _("계좌 대조")

    def __str__(self) -> str:
        return f"{self.broker_account_id} {self.asked_at}"


class PositionDifference(models.Model):
    """Our units of one instrument are not the broker's. Entries on it wait until a person has adopted or ignored it (I22)."""

    broker_account = models.ForeignKey("brokers.BrokerAccount", models.PROTECT, related_name="position_differences")
    instrument = models.CharField(_("종목"), max_length=48)
    ours = ExactDecimalField(_("장부"))
    theirs = ExactDecimalField(_("증권사"))
    average_price = ExactDecimalField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=16, blank=True)  # adopted · ignored · gone

    class Meta:
        verbose_name = _("보유 차이")
        verbose_name_plural = _("보유 차이")
        constraints = [
            UniqueConstraint(
                fields=["broker_account", "instrument"],
                condition=Q(closed_at=None) | Q(resolution="ignored"),
                name="position_difference_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.ours} / {self.theirs}"
