"""The latest price of each instrument, kept in the database for limits, pages and whoever starts next."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from django.utils import timezone

from markets.models import Instrument, LatestQuote, Statements
from markets.types import OrderBook, Quote

QUOTES = Statements(LatestQuote)
STALE_AFTER = timedelta(seconds=15)  # wall time without a quote before a price is shown, and treated, as stale


def latest_quote(instrument: Instrument) -> LatestQuote | None:
    return QUOTES.first("instrument_id = %s AND source = %s", [instrument.pk, instrument.source])


def latest_quotes(instruments: Collection[Instrument]) -> dict[int, LatestQuote]:
    """The latest price of each, by its key, in one statement; one without a price of its source is left out."""
    sources = {instrument.pk: instrument.source for instrument in instruments}
    if not sources:
        return {}
    rows = QUOTES.read(f"instrument_id IN ({', '.join(['%s'] * len(sources))})", list(sources))
    return {row.instrument_id: row for row in rows if row.source == sources[row.instrument_id]}


def quote_is_stale(quote: LatestQuote | None) -> bool:
    """Whether nobody should trade on this price: there is none, or its feed has fallen silent."""
    return quote is None or timezone.now() - quote.received_at > STALE_AFTER


def store_quotes(quotes: Iterable[Quote], books: dict[str, OrderBook], ids: dict[str, int]) -> None:
    """Write down the latest price of each instrument, for limits, pages and whoever starts next."""
    now = timezone.now()
    LatestQuote.objects.bulk_create(
        [
            LatestQuote(
                instrument_id=ids[quote.instrument],
                source=quote.source,
                at=quote.at,
                received_at=now,
                price=quote.price,
                bid=quote.bid,
                ask=quote.ask,
                base_price=quote.base_price,
                day_volume=quote.day_volume,
                book=_book(books.get(quote.instrument)),
            )
            for quote in quotes
        ],
        update_conflicts=True,
        unique_fields=["instrument"],
        update_fields=["source", "at", "received_at", "price", "bid", "ask", "base_price", "day_volume", "book"],
    )


def _book(book: OrderBook | None) -> dict[str, list[list[str]]]:
    if book is None:
        return {}
    return {
        "bids": [[str(level.price), str(level.quantity)] for level in book.bids],
        "asks": [[str(level.price), str(level.quantity)] for level in book.asks],
    }
