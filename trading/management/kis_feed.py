"""The feed of KIS: prices to pages, bars and orders, gaps mended, and the notices of own orders rung on.

Whatever goes wrong with the database, the lease or the venue's clock ends what runs, and it is taken up anew: starting and
recovering are the same. What was stored is not asked for again, what was not stored comes from KIS's own minutes.
"""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any

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
from markets import services as markets
from markets.calendars import Calendar
from markets.events import QuotePublisher
from markets.models import Instrument
from markets.services.demand import Seen, Watching
from markets.types import Interval, Source
from trading.management.kis_history import PastReader
from trading.management.kis_looking import SPEED, Looking, LookingFailed
from trading.management.kis_streams import Streams
from trading.management.turns import TradeTelling, is_taken, ring
from trading.services.running import live_feed
from trading.services.running.feeding import Feeding
from trading.services.running.leases import Tenure

logger = logging.getLogger(__name__)

WRITE_EVERY = 0.2  # seconds
BEAT_EVERY = 1.0
STEER_EVERY = 1.0
KEYS_EVERY = 10.0
IDLE = 2.0  # without a key, or a lease
PAST_SHARE = 0.2  # of the calls a second allows


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
        self._trouble = ""

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
                self._give_back()
                return
            try:
                self._running = RunningKis(self._venue, rows)
            except BrokerError as e:
                self._say_once(e.code)
                return
            self._trouble = ""
        try:
            has_key = self._running.turn(self._stop)
        except LookingFailed:
            logger.warning("the market of KIS is taken up anew")
            has_key = False
        if not has_key:
            self._let_go()

    def _say_once(self, code: str) -> None:
        """It is tried every other second: a log is for what has changed."""
        if code != self._trouble:
            logger.warning("the market of KIS cannot be taken up (%s)", code)
        self._trouble = code

    def _give_back(self) -> None:
        """Without a key nobody tells this market's prices: what it supplied is another's, or nobody's."""
        simulated, orphaned = live_feed.give_back()
        if simulated or orphaned:
            logger.warning("no key of KIS: %s instruments simulated, %s without a source", simulated, orphaned)
            live_feed.tell_nothing(self._venue.offset)

    def _let_go(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.end()


class LastSeen:
    """What was looked at when it was last asked: who shows prices does not wait for the answer."""

    def __init__(self) -> None:
        self.seen = Seen()

    def now(self) -> Seen:
        return self.seen


class RunningKis:
    """KIS's market between taking it up and letting it go."""

    def __init__(self, venue: VenueClock, rows: list[Credential]) -> None:
        self._venue, self.offset = venue, venue.offset
        self._gaps, self._past = self._readers(rows)  # first: without a key that opens nothing is taken up
        self._instruments = live_feed.take_up()
        self._calendars = self._calendars_of(self._instruments)
        mailbox, market = Mailbox(), self._opened_market()
        self._feeding = Feeding(market, self._instruments, Silent())
        self._publisher, self._watching, self._last_seen = QuotePublisher(), Watching(), LastSeen()
        telling = TradeTelling(Source.KIS, self._publisher, self._feeding.supplied, self._last_seen)
        self._streams = Streams(mailbox, venue)
        self._looking = Looking(
            market, mailbox, self._gaps, self._streams, self._publisher, telling, self._feeding.openings, self._now
        )
        self._state: dict[str, Any] = {}
        self._written = self._steered = float("-inf")
        self._looked_for_keys = monotonic()
        self._streams.follow(rows)
        self._looking.start()
        self._past.start()

    def turn(self, stop: Event) -> bool:
        """Write what has come, a few times a second. False once there is no key any more."""
        moment = monotonic()
        if moment - self._looked_for_keys > KEYS_EVERY and not self._look_for_keys():
            return False
        if moment - self._steered > STEER_EVERY:
            self._steer()
        self._write()
        stop.wait(max(0.0, WRITE_EVERY - (monotonic() - moment)))
        return True

    def end(self) -> None:
        self._gaps.stop()
        self._past.stop()
        self._looking.stop()
        self._streams.stop()
        self._publisher.close()

    def _now(self) -> datetime:
        return timezone.now() + self.offset

    def _write(self) -> None:
        """Bars, prices, orders that meet them; and the pulse once a second in any case. Raises LookingFailed."""
        unwritten = self._looking.take()
        if unwritten.bells:
            live_feed.ring(self._streams.accounts(unwritten.bells))
        if unwritten.is_empty() and monotonic() - self._written < BEAT_EVERY:
            return
        self._written = monotonic()
        batch = unwritten.as_batch(self._now())
        ring(
            self._feeding.take(batch, unwritten.closed, SPEED, unwritten.opened, keeps_sessions=True, state=self._state)
        )

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
        self._last_seen.seen = self._watching.now()
        places = self._streams.want(live_feed.needed(self._instruments, self._last_seen.seen))
        self._state = asdict(places) | {"keys": [asdict(each) for each in self._streams.standing(timezone.now())]}

    def _opened_market(self) -> LiveMarket:
        now = self._now()
        market = LiveMarket(self._bounds, list(Interval), now)
        for key, minutes in live_feed.minutes_kept(now - timedelta(hours=12)).items():
            market.remember(key, minutes)
        return market

    def _readers(self, rows: list[Credential]) -> tuple[GapReader, PastReader]:
        """With the first key that opens: of a live account where there is one, for it may ask oftener, and of the past."""
        shut = []
        for row in sorted(rows, key=lambda each: -settings.KIS_LIMITS[each.account.environment]):
            rates = rates_under(settings.KIS_LIMITS[row.account.environment])
            try:
                reader = GapReader(modest_market(row, rates, self._now))
                past = PastReader(modest_market(row, rates, self._now, PAST_SHARE), self._now)
            except BrokerError as e:
                shut.append(e.code)
                continue
            if shut:
                logger.warning("keys of KIS that cannot ask: %s", ", ".join(shut))
            reader.start()
            return reader, past
        raise keys.NoKey("no key of KIS opens")

    def _bounds(self, instrument: str, interval: Interval, at: datetime) -> tuple[datetime, datetime] | None:
        calendar = self._calendars.get(instrument)
        return calendar.bar_bounds(interval, at) if calendar else None

    def _calendars_of(self, instruments: list[Instrument]) -> dict[str, Calendar]:
        named = {name: markets.calendar(name) for name in {instrument.calendar for instrument in instruments}}
        return {instrument.key: named[instrument.calendar] for instrument in instruments}
