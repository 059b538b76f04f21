"""Prices and bars read from KIS, page by page to where they were asked for, or not at all."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from brokers.errors import ReadIncomplete
from brokers.kis import calls, quotes
from brokers.kis.calls import Call
from brokers.kis.client import KisClient
from brokers.kis.envelope import told
from brokers.kis.instants import SEOUL, korean_day
from brokers.kis.tokens import Clock
from brokers.protocol import Environment
from brokers.wire.values import Garbled
from markets.types import Bar, Interval, OrderBook, Quote, Source

MOST_PAGES = 500
ONE_DAY = timedelta(days=1)
ONE_MINUTE = timedelta(minutes=1)
LAST_TRADE = "200000"  # the after-market ends at eight

SessionOf = Callable[[date], tuple[datetime, datetime] | None]  # when a day opened and closed; None: it did not


class KisMarket:
    """Quotations for one key. Everything raises ReadIncomplete where no whole answer came, Unsendable for a stranger."""

    def __init__(self, client: KisClient, environment: Environment, clock: Clock, source: Source) -> None:
        self._client = client
        self._environment = environment
        self._clock = clock
        self._source = source

    def price(self, instrument: str) -> Quote:
        reply = self._client.read(calls.price(instrument, self._environment))
        try:
            return quotes.price(told(reply), instrument, self._clock(), self._source)
        except Garbled as e:
            raise ReadIncomplete(f"price: {e}") from e

    def book(self, instrument: str) -> OrderBook:
        reply = self._client.read(calls.book(instrument, self._environment))
        try:
            return quotes.book(told(reply), instrument, korean_day(self._clock()))
        except Garbled as e:
            raise ReadIncomplete(f"book: {e}") from e

    def daily_bars(
        self, instrument: str, first: date, last: date, session_of: SessionOf, *, is_adjusted: bool = True
    ) -> list[Bar]:
        """Closed days from `first` to `last`, oldest first. A day whose session is not over is left out."""
        now = self._clock()
        try:
            found = self._days(instrument, first, last, is_adjusted=is_adjusted)
        except Garbled as e:
            raise ReadIncomplete(f"daily bars: {e}") from e
        bars = [_day_bar(instrument, row, session_of(row.on)) for row in found if row.is_traded]
        return [bar for bar in reversed(bars) if bar.closed_at <= now]

    def minute_bars(self, instrument: str, on: date, opened_at: datetime) -> list[Bar]:
        """Closed minutes of one day since `opened_at`, oldest first. The practice server has today's alone."""
        now = self._clock()
        if on > korean_day(now):
            return []
        until = now.astimezone(SEOUL).strftime("%H%M%S") if on == korean_day(now) else LAST_TRADE
        found: dict[datetime, Bar] = {}
        try:
            for _page in range(MOST_PAGES):
                page = quotes.minute_bars(
                    told(self._client.read(self._minutes(instrument, on, until))), instrument, on, now
                )
                new = [bar for bar in page if bar.opened_at not in found]
                found.update({bar.opened_at: bar for bar in new})
                if not new or min(found) <= opened_at:
                    return [found[at] for at in sorted(found) if at >= opened_at]
                until = (min(found) - ONE_MINUTE).astimezone(SEOUL).strftime("%H%M%S")
        except Garbled as e:
            raise ReadIncomplete(f"minute bars: {e}") from e
        raise ReadIncomplete("minute bars: no end")

    def _days(self, instrument: str, first: date, last: date, *, is_adjusted: bool) -> list[quotes.DayRow]:
        """Newest first. Raises Garbled, ReadIncomplete."""
        found: list[quotes.DayRow] = []
        until = last
        for _page in range(MOST_PAGES):
            call = calls.daily_bars(instrument, first, until, self._environment, is_adjusted=is_adjusted)
            page = quotes.day_rows(told(self._client.read(call)))
            if any(not first <= row.on <= until for row in page):
                raise Garbled("days nobody asked for")
            found += page
            if not page or page[-1].on == first:  # a short page is not yet the end
                return found
            until = page[-1].on - ONE_DAY
        raise Garbled("no end")

    def _minutes(self, instrument: str, on: date, until: str) -> Call:
        if on == korean_day(self._clock()):
            return calls.minutes_today(instrument, until, self._environment)
        return calls.minutes_of_day(instrument, on, until, self._environment)


def _day_bar(instrument: str, row: quotes.DayRow, session: tuple[datetime, datetime] | None) -> Bar:
    """Raises ReadIncomplete where the calendar knows nothing of a day that traded."""
    if session is None:
        raise ReadIncomplete(f"daily bars: {row.on} traded, and the calendar has it closed")
    opened_at, closed_at = session
    return Bar(instrument, Interval.D1, opened_at, closed_at, row.open, row.high, row.low, row.close, row.volume)
