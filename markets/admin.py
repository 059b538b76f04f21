"""Instruments and the trading calendar, which people look after; feeds and quotes, which they only watch."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import FactsAdmin, KeptAdmin, LightAdmin
from markets.models import Instrument, LatestQuote, PriceFeed, TradingDay


@admin.register(Instrument)
class InstrumentAdmin(KeptAdmin):
    """What an instrument is cannot change under its orders and books; its names, limits and whether it trades can."""

    list_display = ["venue", "symbol", "name_ko", "name_en", "kind", "currency", "source", "is_active"]
    list_filter = ["venue", "kind", "currency", "source", "is_active"]
    search_fields = ["symbol", "name_ko", "name_en"]
    fixed = ["venue", "symbol", "kind", "currency", "price_decimals", "quantity_decimals", "cash_decimals", "lot"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.fixed, "source"] if obj else ["source"]


@admin.register(TradingDay)
class TradingDayAdmin(LightAdmin):
    list_display = ["day", "calendar", "name", "is_open", "opens", "closes", "source"]
    list_filter = ["calendar", "is_open"]
    search_fields = ["name", "source"]
    date_hierarchy = "day"


@admin.register(PriceFeed)
class PriceFeedAdmin(FactsAdmin):
    list_display = ["source", "market_time", "speed", "keeps_sessions", "heartbeat_at"]
    exclude = ["state"]


@admin.register(LatestQuote)
class LatestQuoteAdmin(FactsAdmin):
    list_display = ["instrument", "price", "bid", "ask", "source", "at", "received_at"]
    list_filter = ["source"]
    list_select_related = ["instrument"]
    search_fields = ["instrument__symbol", "instrument__name_ko", "instrument__name_en"]
    exclude = ["book"]
