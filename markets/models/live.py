"""The present moment of the market: each source's clock and each instrument's latest quote."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from markets.models.fields import ExactDecimalField
from markets.models.instruments import SOURCE_LABELS
from markets.types import Source


class PriceFeed(models.Model):
    """One source's clock, speed and pulse. Its time is the market's time: a simulator or replay runs faster than a watch."""

    source = models.CharField(_("출처"), max_length=16, choices=list(SOURCE_LABELS.items()), primary_key=True)
    market_time = models.DateTimeField(_("시장 시각"))
    heartbeat_at = models.DateTimeField(_("마지막 신호"))  # wall clock
    speed = models.PositiveIntegerField(
        _("배속"), default=1
    )  # market seconds per second; 0: as fast as the work allows
    keeps_sessions = models.BooleanField(_("장 시간 적용"), default=False)
    state = models.JSONField(default=dict)  # what the source needs to go on where it stopped

    class Meta:
        verbose_name = _("시세 공급")
        verbose_name_plural = _("시세 공급")

    def __str__(self) -> str:
        return f"{self.source} ×{self.speed}"

    @property
    def is_simulated(self) -> bool:
        return self.source in {Source.SIMULATOR, Source.REPLAY}


class LatestQuote(models.Model):
    """The last price of one instrument, so that limits, pages and a restarted process know it without a stream."""

    instrument = models.OneToOneField("markets.Instrument", models.CASCADE, primary_key=True, related_name="quote")
    source = models.CharField(_("출처"), max_length=16, choices=list(SOURCE_LABELS.items()))
    at = models.DateTimeField(_("시장 시각"))
    received_at = models.DateTimeField(_("수신"))  # wall clock
    price = ExactDecimalField(_("현재가"))
    bid = ExactDecimalField(_("매수 호가"), null=True)
    ask = ExactDecimalField(_("매도 호가"), null=True)
    base_price = ExactDecimalField(_("기준가"))
    day_volume = ExactDecimalField(_("거래량"))
    book: Any = models.JSONField(default=dict)  # {"bids": [["71100", "120"], …], "asks": […]}, best first

    class Meta:
        verbose_name = _("현재가")
        verbose_name_plural = _("현재가")

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.price}"


class BarOpening(models.Model):
    """The bar under way of one instrument and interval: what of it is settled from its first trade on.

    Rules that wait at a distance above the open, and readings of the moment, need it before the bar has closed. One row per
    series, overwritten by the next bar's.
    """

    instrument = models.ForeignKey("markets.Instrument", models.CASCADE, db_index=False, related_name="openings")
    source = models.CharField(_("출처"), max_length=16)
    interval = models.CharField(_("간격"), max_length=3)
    # Whole seconds since 1970 UTC and float64, as of stored bars.
    opened_at = models.BigIntegerField()
    closed_at = models.BigIntegerField()
    open = models.FloatField()

    class Meta:
        verbose_name = _("진행 중인 봉")
        verbose_name_plural = _("진행 중인 봉")
        constraints = [
            models.UniqueConstraint(fields=["instrument", "source", "interval"], name="bar_opening_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.interval} {self.opened_at}"
