"""The feed of KIS: prices to pages, bars and orders, gaps mended, and the notices of own orders rung on.

Whatever goes wrong with the database, the lease or the venue's clock ends what runs, and it is taken up anew: starting and
recovering are the same. What was stored is not asked for again, what was not stored comes from KIS's own minutes.
"""

import logging
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from threading import Event
from time import monotonic

from django.conf import settings
from django.utils import timezone

from brokers.errors import BrokerError
from brokers.kis.budget import rates_under
from brokers.kis.live.mailbox import Mailbox
from brokers.kis.live.market import LiveMarket
from brokers.kis.live.venue_clock import VenueClock
from brokers.kis.services import keys
from brokers.kis.services.gaps import GapReader, modest_market
from brokers.models import Credential
from brokers.simulator.events import Batch
from markets import services as markets
from markets.calendars import Calendar
from markets.events import MarketClock, QuotePublisher
from markets.models import Instrument
from markets.services.demand import Watching
from markets.types import Bar, Interval, OrderBook, Quote, Source, Tick
from trading.management.kis_streams import Streams
from trading.management.turns import TradeTelling, is_taken, ring
from trading.services import live_feed
from trading.services.feeding import Feeding
from trading.services.leases import Tenure

logger = logging.getLogger(__name__)

SHOW_EVERY = 0.05  # seconds between two looks at what came
WRITE_EVERY = 0.2
BEAT_EVERY = 1.0
STEER_EVERY = 1.0
KEYS_EVERY = 10.0
IDLE = 2.0  # without a key, or a lease
SPEED = 1  # a real market has one


class Silent:
    """Prices are shown before they are written, so `Feeding` has nobody to show them to."""

    def publish(self, *_batch: object) -> bool:
        return True


class KisLoop:
    """KIS's market for KRX's instruments as long as there is a key for it. Any number may run, one works."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._tenure = Tenure(f"feed:{Source.KIS}")
        self._venue = VenueClock()
        self._running: RunningKis | None = None

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                if not is_taken(self._stop, self._turn):
                    self._let_go()
                if self._running is None:
                    self._stop.wait(IDLE)
        finally:
            self._let_go()
        self._tenure.end()

    def _turn(self) -> None:
        if not self._tenure.is_held():
            if self._running is not None:
                logger.warning("another feed has taken over the market of KIS; this one waits")
            self._let_go()
            return
        if self._running is not None and self._running.offset != self._venue.offset:
            logger.warning("the clock of KIS is %s from ours; beginning anew by its time", self._venue.offset)
            self._let_go()
        if self._running is None:
            rows = keys.usable()
            if not rows:
                return
            self._running = RunningKis(self._venue, rows)
        if not self._running.turn(self._stop):
            self._let_go()

    def _let_go(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.end()


@dataclass(slots=True)
class Unwritten:
    """What came since the last writing: every trade, and the newest of everything else."""

    ticks: list[Tick] = field(default_factory=list)
    quotes: dict[str, Quote] = field(default_factory=dict)
    books: dict[str, OrderBook] = field(default_factory=dict)
    closed: list[Bar] = field(default_factory=list)

    def add(self, batch: Batch, closed: list[Bar]) -> None:
        self.ticks += batch.ticks
        self.quotes |= {quote.instrument: quote for quote in batch.quotes}
        self.books |= {book.instrument: book for book in batch.books}
        self.closed += closed

    def is_empty(self) -> bool:
        return not (self.ticks or self.quotes or self.books or self.closed)

    def as_batch(self, at: datetime) -> Batch:
        return Batch(at, tuple(self.ticks), tuple(self.books.values()), tuple(self.quotes.values()))


class RunningKis:
    """KIS's market between taking it up and letting it go."""

    def __init__(self, venue: VenueClock, rows: list[Credential]) -> None:
        self._venue, self.offset = venue, venue.offset
        self._instruments = live_feed.take_up()
        self._calendars = self._calendars_of(self._instruments)
        self._mailbox = Mailbox()
        self._market = self._opened_market()
        self._feeding = Feeding(self._market, self._instruments, Silent())
        self._publisher = QuotePublisher()
        self._watching = Watching()
        self._telling = TradeTelling(Source.KIS, self._publisher, self._watching)
        self._streams = Streams(self._mailbox, venue)
        self._gaps = self._gap_reader(rows)
        self._unwritten = Unwritten()
        self._shown = self._written = self._steered = float("-inf")
        self._looked_for_keys = monotonic()
        self._streams.follow(rows)

    def turn(self, stop: Event) -> bool:
        """Take what came, and wait a little for more to come. False once there is no key any more."""
        began = monotonic()
        if began - self._looked_for_keys > KEYS_EVERY and not self._look_for_keys():
            return False
        if began - self._steered > STEER_EVERY:
            self._steer()
        mail = self._mailbox.take(SHOW_EVERY)
        now = self._now()
        batch, closed = self._market.take(mail, now, is_heard=self._streams.is_heard())
        for mended in self._gaps.answers():
            closed += self._market.mend(mended, now)
        self._show(batch)
        self._unwritten.add(batch, closed)
        self._write(now)
        if mail.bells:
            live_feed.ring(self._streams.accounts(mail.bells))
        self._gaps.ask(self._market.gaps(now))
        stop.wait(max(0.0, SHOW_EVERY - (monotonic() - began)))
        return True

    def end(self) -> None:
        self._gaps.stop()
        self._streams.stop()
        self._publisher.close()

    def _now(self) -> datetime:
        return timezone.now() + self.offset

    def _show(self, batch: Batch) -> None:
        moment = monotonic()
        if batch.quotes or batch.books or moment - self._shown > BEAT_EVERY:
            self._shown = moment
            self._publisher.publish(batch.quotes, batch.books, MarketClock(Source.KIS, batch.at, SPEED))
            self._telling.tell(batch)

    def _write(self, now: datetime) -> None:
        """Bars, prices, orders that meet them: a few times a second, and the pulse once in any case."""
        since = monotonic() - self._written
        if since < (BEAT_EVERY if self._unwritten.is_empty() else WRITE_EVERY):
            return
        self._written = monotonic()
        unwritten, self._unwritten = self._unwritten, Unwritten()
        batch = unwritten.as_batch(now)
        opened = self._feeding.openings(batch, self._market.open_bar)
        ring(self._feeding.take(batch, unwritten.closed, SPEED, opened, keeps_sessions=True, state=self._state))

    def _look_for_keys(self) -> bool:
        self._looked_for_keys = monotonic()
        rows = keys.usable()
        self._streams.follow(rows)
        self._instruments = live_feed.supplied()
        self._calendars |= self._calendars_of(self._instruments)
        self._feeding.own(self._instruments)
        return bool(rows)

    def _steer(self) -> None:
        self._steered = monotonic()
        places = self._streams.want(live_feed.needed(self._instruments, self._watching.now()))
        self._state = asdict(places)

    def _opened_market(self) -> LiveMarket:
        now = self._now()
        market = LiveMarket(self._bounds, list(Interval), now)
        for key, minutes in live_feed.minutes_kept(now - timedelta(hours=12)).items():
            market.remember(key, minutes)
        return market

    def _gap_reader(self, rows: list[Credential]) -> GapReader:
        """With the first key that opens: of a live account where there is one, for it may ask oftener."""
        for row in sorted(rows, key=lambda each: -settings.KIS_LIMITS[each.account.environment]):
            rates = rates_under(settings.KIS_LIMITS[row.account.environment])
            try:
                reader = GapReader(modest_market(row, rates, self._now))
            except BrokerError as e:
                logger.warning("a KIS key cannot ask (%s)", e.code)
                continue
            reader.start()
            return reader
        raise keys.NoKey("no key of KIS opens")

    def _bounds(self, instrument: str, interval: Interval, at: datetime) -> tuple[datetime, datetime] | None:
        calendar = self._calendars.get(instrument)
        return calendar.bar_bounds(interval, at) if calendar else None

    def _calendars_of(self, instruments: list[Instrument]) -> dict[str, Calendar]:
        named = {name: markets.calendar(name) for name in {instrument.calendar for instrument in instruments}}
        return {instrument.key: named[instrument.calendar] for instrument in instruments}
