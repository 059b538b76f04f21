"""Instruments and the lists people watch."""

from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from markets.models.fields import ExactDecimalField
from markets.types import InstrumentKind, InstrumentRules, Source

SOURCE_LABELS = {
    Source.HISTORY: _("과거 시세"),
    Source.SIMULATOR: _("모의 시세"),
    Source.REPLAY: _("과거 시세 재생"),
    Source.KIS: _("한국투자증권 시세"),
}


class InstrumentQuerySet(models.QuerySet["Instrument"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def live_first(self) -> Self:
        """Those with a market of their own before those that only have a past."""
        only_past = models.Case(models.When(source=Source.HISTORY, then=1), default=0)
        return self.order_by(only_past, "venue", "symbol")

    def by_key(self, key: str) -> "Instrument":
        """The instrument of a key such as `KRX:005930`. Raises Instrument.DoesNotExist."""
        venue, _separator, symbol = key.partition(":")
        return self.get(venue=venue, symbol=symbol)


class Instrument(models.Model):
    """What can be traded, and the rules it is traded by. Dated rules (ticks, sessions, taxes) are named here, kept in data."""

    venue = models.CharField(_("거래소"), max_length=16)
    symbol = models.CharField(_("종목 코드"), max_length=32)
    name_ko = models.CharField(_("이름"), max_length=64)
    name_en = models.CharField(_("영문 이름"), max_length=64)
    kind = models.CharField(_("종류"), max_length=8, choices=[(k.value, k.value) for k in InstrumentKind])
    currency = models.CharField(_("통화"), max_length=8)
    tick_table = models.CharField(_("호가 단위표"), max_length=16)
    calendar = models.CharField(_("거래 일정"), max_length=16)
    price_decimals = models.PositiveSmallIntegerField(default=0)
    quantity_decimals = models.PositiveSmallIntegerField(default=0)
    cash_decimals = models.PositiveSmallIntegerField(default=0)
    lot = ExactDecimalField(_("매매 단위"), default=Decimal(1))
    min_quantity = ExactDecimalField(_("최소 수량"), default=Decimal(1))
    min_amount = ExactDecimalField(_("최소 금액"), default=Decimal(0))
    price_limit_rate = ExactDecimalField(_("가격 제한폭"), null=True, blank=True)
    # Who supplies its prices now. A replay takes an instrument over by writing itself here, and the simulator lets go.
    source = models.CharField(
        _("시세 출처"), max_length=16, choices=list(SOURCE_LABELS.items()), default=Source.SIMULATOR
    )
    is_active = models.BooleanField(_("거래 가능"), default=True)

    objects: ClassVar[InstrumentQuerySet] = InstrumentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("종목")
        verbose_name_plural = _("종목")
        ordering = ["venue", "symbol"]
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol"], name="instrument_unique"),
            models.CheckConstraint(name="instrument_lot_gt_0", condition=models.Q(lot__gt=0)),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        return f"{self.venue}:{self.symbol}"

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return self.name_ko if (get_language() or "ko").startswith("ko") else self.name_en

    @property
    def rules(self) -> InstrumentRules:
        return InstrumentRules(
            key=self.key,
            kind=InstrumentKind(self.kind),
            currency=self.currency,
            tick_table=self.tick_table,
            calendar=self.calendar,
            price_decimals=self.price_decimals,
            quantity_decimals=self.quantity_decimals,
            cash_decimals=self.cash_decimals,
            lot=self.lot,
            min_quantity=self.min_quantity,
            min_amount=self.min_amount,
            price_limit_rate=self.price_limit_rate,
        )


class WatchlistItem(models.Model):
    """One instrument on one person's live list (P08)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="watchlist")
    instrument = models.ForeignKey("markets.Instrument", models.CASCADE)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "instrument"], name="watchlist_item_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.instrument_id}"
