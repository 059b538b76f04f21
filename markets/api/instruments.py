"""Instruments: found by code or name, their last price and book, their bars (D03, D06)."""

from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, NumberText, Strict
from accounts.api.pages import MOST, PageQuery, page
from accounts.api.problems import NotFound
from accounts.api.view import ApiRequest, ApiView, operation
from markets import services
from markets.api.keys import instrument_of
from markets.models import Instrument, LatestQuote
from markets.models.fields import exact
from markets.search import matches
from markets.types import Interval

MOST_BARS = 500
BOOK_LEVELS = 10


class InstrumentQuery(PageQuery):
    q = serializers.CharField(
        max_length=64, required=False, help_text="Part of the code or the name, or initial consonants."
    )
    venue = serializers.CharField(max_length=16, required=False)
    kind = serializers.ChoiceField(choices=["stock", "etf", "crypto"], required=False)


class InstrumentAnswer(Answer):
    key = serializers.CharField(help_text="`KRX:005930`: how every other address names it.")
    venue = serializers.CharField()
    symbol = serializers.CharField()
    name = serializers.CharField(help_text="In the reader's language.")
    kind = serializers.CharField()
    currency = serializers.CharField()
    lot = NumberText()
    min_quantity = NumberText()
    min_amount = NumberText()
    source = serializers.CharField()  # type: ignore[assignment]  # a field called like an attribute of fields
    is_active = serializers.BooleanField()


class InstrumentsAnswer(Answer):
    results = InstrumentAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class QuoteAnswer(Answer):
    """`age_seconds` by the wall clock; a stale price is shown as one, and no order goes out at it."""

    key = serializers.CharField()
    price = NumberText()
    bid = NumberText(allow_null=True)
    ask = NumberText(allow_null=True)
    base_price = NumberText()
    change_rate = NumberText(allow_null=True)
    day_volume = NumberText()
    currency = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field called like an attribute of fields
    at = serializers.DateTimeField(help_text="Market time.")
    received_at = serializers.DateTimeField()
    is_stale = serializers.BooleanField()


class LevelAnswer(Answer):
    price = NumberText()
    quantity = NumberText()


class BookAnswer(Answer):
    key = serializers.CharField()
    at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field called like an attribute of fields
    is_stale = serializers.BooleanField()
    bids = LevelAnswer(many=True)
    asks = LevelAnswer(many=True)


class BarsQuery(Strict):
    interval = serializers.ChoiceField(choices=[each.value for each in Interval], default="1h")
    limit = serializers.IntegerField(min_value=1, max_value=MOST_BARS, default=MOST)


class BarAnswer(Answer):
    """Prices of bars are figures for charts and indicators, and so are JSON numbers."""

    time = serializers.IntegerField(help_text="When it opened, seconds since 1970 UTC.")
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField()


class BarsAnswer(Answer):
    key = serializers.CharField()
    interval = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field called like an attribute of fields
    bars = BarAnswer(many=True)


class Instruments(ApiView):
    @operation("Instruments, by venue and code", query=InstrumentQuery, answer=InstrumentsAnswer)
    def get(self, request: ApiRequest) -> Response:
        rows = Instrument.objects.active()
        if "venue" in self.query:
            rows = rows.filter(venue=self.query["venue"])
        if "kind" in self.query:
            rows = rows.filter(kind=self.query["kind"])
        if wanted := self.query.get("q"):
            names = rows.values_list("pk", "symbol", "name_ko", "name_en")
            rows = rows.filter(pk__in=[pk for pk, *words in names if matches(wanted, *words)])
        return Response(page(rows, self.query, instrument_row, by=("id", "id"), newest_first=False))


class OneInstrument(ApiView):
    @operation("One instrument", answer=InstrumentAnswer)
    def get(self, request: ApiRequest, key: str) -> Response:
        return Response(instrument_row(instrument_of(key)))


class Quote(ApiView):
    @operation("The last price", answer=QuoteAnswer)
    def get(self, request: ApiRequest, key: str) -> Response:
        instrument = instrument_of(key)
        return Response(quote_row(instrument, _quote(instrument)))


class OrderBook(ApiView):
    @operation("The order book, ten levels, best first", answer=BookAnswer)
    def get(self, request: ApiRequest, key: str) -> Response:
        instrument = instrument_of(key)
        quote = _quote(instrument)
        return Response(
            {
                "key": instrument.key,
                "at": quote.at,
                "source": quote.source,
                "is_stale": services.quote_is_stale(quote),
                "bids": _levels(quote, "bids"),
                "asks": _levels(quote, "asks"),
            }
        )


class Bars(ApiView):
    @operation("Stored bars, oldest first", query=BarsQuery, answer=BarsAnswer)
    def get(self, request: ApiRequest, key: str) -> Response:
        instrument, interval = instrument_of(key), Interval(self.query["interval"])
        bars = services.rows(instrument, interval, self.query["limit"])
        return Response({"key": instrument.key, "interval": interval, "source": instrument.source, "bars": bars})


def instrument_row(instrument: Instrument) -> dict[str, Any]:
    names = ("key", "venue", "symbol", "name", "kind", "currency", "lot", "min_quantity", "min_amount", "source")
    return {name: getattr(instrument, name) for name in (*names, "is_active")}


def quote_row(instrument: Instrument, quote: LatestQuote) -> dict[str, Any]:
    names = ("price", "bid", "ask", "base_price", "day_volume", "source", "at", "received_at")
    return {name: getattr(quote, name) for name in names} | {
        "key": instrument.key,
        "currency": instrument.currency,
        "change_rate": exact(round(quote.price / quote.base_price - 1, 6)) if quote.base_price else None,
        "is_stale": services.quote_is_stale(quote),
    }


def _quote(instrument: Instrument) -> LatestQuote:
    quote = services.latest_quote(instrument)
    if quote is None:
        raise NotFound
    return quote


def _levels(quote: LatestQuote, side: str) -> list[dict[str, Any]]:
    return [{"price": price, "quantity": quantity} for price, quantity in quote.book.get(side, [])[:BOOK_LEVELS]]
