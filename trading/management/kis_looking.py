"""Prices of KIS from the socket to the pages, in a thread that never waits for the database.

What has to be written waits here for whoever writes: every trade, and the newest of everything else.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Protocol

from brokers.kis.live.mailbox import Mailbox
from brokers.kis.live.market import LiveMarket
from brokers.kis.services.gaps import GapReader
from brokers.simulator.events import Batch
from markets.events import MarketClock, QuotePublisher
from markets.types import Bar, Interval, OrderBook, Quote, Source, Tick
from trading.management.turns import TradeTelling

logger = logging.getLogger(__name__)

SHOW_EVERY = 0.05  # seconds between two looks at what came
CLOCK_EVERY = 1.0
SPEED = 1  # a real market has one
END_SECONDS = 5.0

Openings = Callable[[Batch, Callable[[str, Interval], Bar | None]], list[Bar]]


class LookingFailed(Exception):
    """The thread has ended by itself; its reason is the cause."""

    code = "looking_failed"


@dataclass(slots=True)
class Unwritten:
    """What came since the last writing."""

    ticks: list[Tick] = field(default_factory=list)
    quotes: dict[str, Quote] = field(default_factory=dict)
    books: dict[str, OrderBook] = field(default_factory=dict)
    closed: list[Bar] = field(default_factory=list)
    opened: list[Bar] = field(default_factory=list)
    bells: set[str] = field(default_factory=set, repr=False)

    def add(self, batch: Batch, closed: Sequence[Bar], opened: Sequence[Bar], bells: set[str]) -> None:
        self.ticks += batch.ticks
        self.quotes |= {quote.instrument: quote for quote in batch.quotes}
        self.books |= {book.instrument: book for book in batch.books}
        self.closed += closed
        self.opened += opened
        self.bells |= bells

    def is_empty(self) -> bool:
        return not (self.ticks or self.quotes or self.books or self.closed or self.opened)

    def as_batch(self, at: datetime) -> Batch:
        return Batch(at, tuple(self.ticks), tuple(self.books.values()), tuple(self.quotes.values()))


class Heard(Protocol):
    def is_heard(self) -> bool: ...


class Looking:
    """Takes mail out of the box, puts it in order, shows it, and asks for what is missing."""

    def __init__(
        self,
        market: LiveMarket,
        mailbox: Mailbox,
        gaps: GapReader,
        streams: Heard,
        publisher: QuotePublisher,
        telling: TradeTelling,
        openings: Openings,
        now: Callable[[], datetime],
    ) -> None:
        self._market, self._mailbox, self._gaps, self._streams = market, mailbox, gaps, streams
        self._publisher, self._telling, self._openings, self._now = publisher, telling, openings, now
        self._lock = threading.Lock()
        self._unwritten = Unwritten()
        self._quotes: dict[str, Quote] = {}  # not shown yet
        self._books: dict[str, OrderBook] = {}
        self._shown = float("-inf")
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="kis-looking", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(END_SECONDS)

    def take(self) -> Unwritten:
        """Everything since the last time. Raises LookingFailed once the thread is no more."""
        if self._failure is not None:
            raise LookingFailed from self._failure
        with self._lock:
            taken, self._unwritten = self._unwritten, Unwritten()
        return taken

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                began = monotonic()
                self._look()
                self._stop.wait(max(0.0, SHOW_EVERY - (monotonic() - began)))
        except Exception as e:
            logger.exception("the prices of KIS stand still")
            self._failure = e

    def _look(self) -> None:
        mail, now = self._mailbox.take(SHOW_EVERY), self._now()
        batch, closed = self._market.take(mail, now, is_heard=self._streams.is_heard())
        self._show(batch)
        for mended in self._gaps.answers():
            closed += self._market.mend(mended, now)
        opened = self._openings(batch, self._market.open_bar)
        self._gaps.ask(self._market.gaps(now))
        with self._lock:
            self._unwritten.add(batch, closed, opened, mail.bells)

    def _show(self, batch: Batch) -> None:
        """Show what is new; what found nobody to take it is shown with the next, for a quiet price comes no second time."""
        self._quotes |= {quote.instrument: quote for quote in batch.quotes}
        self._books |= {book.instrument: book for book in batch.books}
        moment = monotonic()
        if self._quotes or self._books or moment - self._shown > CLOCK_EVERY:
            self._shown = moment
            clock = MarketClock(Source.KIS, batch.at, SPEED)
            if self._publisher.publish(list(self._quotes.values()), list(self._books.values()), clock):
                self._quotes, self._books = {}, {}
            self._telling.tell(batch)
