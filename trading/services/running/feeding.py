"""One beat of a live market: ticks become bars, resting virtual orders meet the book, prices are stored and shown.

The command owns the clock on the wall and the loop; what a closed bar sets off (a task) is handed in, for services do not
know tasks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Protocol

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from brokers.simulator.events import Batch
from brokers.simulator.market import SimulatedMarket
from brokers.simulator.replay import Replay, stored_bars
from brokers.simulator.universe import UNIVERSE
from markets import services as markets
from markets.events import MarketClock
from markets.folding import BarFolder
from markets.models import Instrument, PriceFeed, StoredBar
from markets.types import Bar, Interval, OrderBook, Quote, Source
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services.ordering.matching import expire_day_orders, instruments_with_resting_orders, match_virtual
from trading.services.ordering.stops import trigger_by, waiting_stops

NO_TIME = timedelta(0)
# How long the simulated market's short bars are kept, in market time: at ×3600 a minute's bars come 60 a second.
KEPT = {Interval.M1: timedelta(days=2), Interval.M5: timedelta(days=10), Interval.M15: timedelta(days=30)}
SHOW_EVERY = 0.1  # seconds
PRUNE_EVERY = timedelta(hours=12)  # market time


Forming = Callable[[str, Interval], Bar | None]  # instrument, interval → the bar that is forming


class Market(Protocol):
    """What is known of a price source here: its name, and the time it has reached."""

    @property
    def name(self) -> Source: ...

    @property
    def clock(self) -> datetime: ...


class Publisher(Protocol):
    """Where prices go to be shown."""

    def publish(self, quotes: Sequence[Quote], books: Sequence[OrderBook], clock: MarketClock) -> bool: ...


class Feeding:
    """A price source connected to everything that lives on prices."""

    def __init__(self, source: Market, instruments: Iterable[Instrument], publisher: Publisher) -> None:
        self.source = source
        self._name = Source(source.name)
        self._publisher = publisher
        self._pruned = source.clock
        self._published = float("-inf")
        self._begun: dict[tuple[str, Interval], datetime] = {}
        self.own(instruments)

    def own(self, instruments: Iterable[Instrument]) -> None:
        """The instruments this source supplies from now on; a replay may have taken some over, or given some back."""
        self._instruments = {instrument.key: instrument for instrument in instruments}
        self._ids = {key: instrument.pk for key, instrument in self._instruments.items()}

    def supplied(self) -> Set[str]:
        """The keys of what this source supplies."""
        return self._ids.keys()

    def openings(self, batch: Batch, forming: Forming) -> list[Bar]:
        """The bars that the batch's trades have begun, as they stand now."""
        found = []
        for key in {tick.instrument for tick in batch.ticks} & self._ids.keys():
            for interval in Interval:
                bar = forming(key, interval)
                if bar is not None and self._begun.get((key, interval)) != bar.opened_at:
                    self._begun[key, interval] = bar.opened_at
                    found.append(bar)
        return found

    def take(
        self, batch: Batch, closed: list[Bar], speed: int, opened: Sequence[Bar] = (), **feed: object
    ) -> list[int]:
        """Work one batch through; the primary keys of instruments with a bar, closed or opened, that some plan waits for."""
        quotes = [quote for quote in batch.quotes if quote.instrument in self._ids]
        books = [book for book in batch.books if book.instrument in self._ids]
        bars = [bar for bar in closed if bar.instrument in self._ids]
        self._match(books, {quote.instrument: quote.base_price for quote in quotes}, batch.at)
        trigger_by(batch.ticks, self._ids, batch.at)  # before anything is stored: a feed that dies tells it again
        with transaction.atomic():
            if bars:
                markets.store_bars(bars, self._name, self._ids)
            if opened:
                markets.store_openings(opened, self._name, self._ids)
            if quotes:
                markets.store_quotes(quotes, {book.instrument: book for book in books}, self._ids)
            markets.beat(self._name, batch.at, **feed)
        self._publish(quotes, books, MarketClock(self._name, batch.at, speed))
        return sorted({*self._waiting_for(bars), *self._waiting_for_open(opened)})

    def set_off(self, batch: Batch) -> int:
        """Set off the stops that the batch's trades reached before it is taken; how many. Told again it does nothing."""
        return trigger_by(batch.ticks, self._ids, batch.at)

    def prune(self, now: datetime) -> None:
        """Forget short simulated bars nobody looks back at, once in twelve hours of market time."""
        if self._name != Source.SIMULATOR or now - self._pruned < PRUNE_EVERY:
            return
        self._pruned = now
        for interval, kept in KEPT.items():
            old = StoredBar.objects.filter(source=self._name, interval=interval)
            old.filter(closed_at__lt=int((now - kept).timestamp())).delete()

    def _publish(self, quotes: list[Quote], books: list[OrderBook], clock: MarketClock) -> None:
        """Show the prices, at most ten times a second: no eye and no page wants more."""
        now = monotonic()
        if now - self._published >= SHOW_EVERY:
            self._published = now
            self._publisher.publish(quotes, books, clock)

    def _match(self, books: Iterable[OrderBook], base_prices: Mapping[str, Decimal], now: datetime) -> None:
        resting = instruments_with_resting_orders()
        if resting:
            for book in books:
                if self._ids[book.instrument] in resting:
                    match_virtual(self._instruments[book.instrument], book, base_prices.get(book.instrument))
            expire_day_orders(self._name, now)  # also where the session's last book has come

    def _waiting_for(self, bars: list[Bar]) -> list[int]:
        if not bars:
            return []
        closed = {(self._ids[bar.instrument], bar.interval.value) for bar in bars}
        plans = SwingPlan.objects.running().filter(instrument_id__in={instrument for instrument, _interval in closed})
        wanted = set(plans.values_list("instrument_id", "interval"))
        return sorted({instrument for instrument, _interval in wanted & closed})

    def _waiting_for_open(self, opened: Sequence[Bar]) -> list[int]:
        if not opened:
            return []
        keys = {self._ids[bar.instrument] for bar in opened}
        waiting = SwingPlan.objects.waiting_for_open().filter(instrument_id__in=keys)
        return list(waiting.values_list("instrument_id", flat=True).distinct())


def open_simulator(seed: int, keeps_sessions: bool) -> SimulatedMarket:
    """The simulated market, going on where it stopped; on its first day it starts now."""
    feed = PriceFeed.objects.filter(source=Source.SIMULATOR).first()
    start = feed.market_time if feed else timezone.now().replace(microsecond=0)
    return simulated_market(seed, keeps_sessions, start)


def simulated_market(seed: int, keeps_sessions: bool, start: datetime) -> SimulatedMarket:
    """The simulated market as it is at `start`: a function of seed and time, whoever opens it."""
    calendars = {name: markets.calendar(name) for name in ("krx", markets.ALWAYS)} if keeps_sessions else None
    return SimulatedMarket(seed, UNIVERSE, start, calendars=calendars)


def simulated_instruments() -> list[Instrument]:
    return list(Instrument.objects.active().filter(source=Source.SIMULATOR))


def folder_for(market: SimulatedMarket, seed: int, keeps_sessions: bool) -> BarFolder:
    """Every interval a plan can use, folded from the market's ticks, with the bars that are forming taken up again.

    The ticks since midnight come out as they were: a feed that was killed neither loses a bar nor stores half of one.
    """
    folder = BarFolder(market.bar_bounds, list(Interval))
    just_before = market.clock.replace(hour=0, minute=0, second=0) - timedelta(seconds=1)
    for tick in simulated_market(seed, keeps_sessions, just_before).advance(market.clock).ticks:
        folder.add(tick)
    return folder


@transaction.atomic
def open_replay(instrument: Instrument, interval: Interval, run: str = "") -> Replay:
    """The instrument's imported bars, to be played as its live market: from the first on, or from where this run stopped.

    From the first on, the instrument's live series begins anew and its plans watch from there. Raises NothingToReplay
    without bars.
    """
    state = {"instrument": instrument.key, "interval": interval.value, "run": run}
    stopped_at = _stopped_at(instrument, state) if run else None
    rows = markets.history_rows(instrument, interval, stopped_at)
    replay = Replay(instrument.rules, stored_bars(instrument.key, interval, rows))
    if stopped_at is None:
        StoredBar.objects.series(instrument, interval, Source.REPLAY).delete()
        markets.take_over([instrument], Source.REPLAY)
        SwingPlan.objects.filter(instrument=instrument).update(
            watches_from=replay.clock, decided_until=None, version=F("version") + 1
        )
    markets.beat(Source.REPLAY, stopped_at or replay.clock, keeps_sessions=False, state=state)
    return replay


def _stopped_at(instrument: Instrument, state: dict[str, str]) -> datetime | None:
    """Where an interrupted run of this very replay got to, or None."""
    feed = PriceFeed.objects.filter(source=Source.REPLAY).first()
    same = feed is not None and feed.state == state and instrument.source == Source.REPLAY
    return feed.market_time if feed and same else None


def decided_before(instrument: Instrument) -> int:
    """How many plans have decided on this instrument's bars in an earlier run: they will not decide on them twice."""
    return PlanEvaluation.objects.filter(plan__instrument=instrument).values("plan").distinct().count()


def is_worked_through(instrument: Instrument, closed_at: datetime) -> bool:
    """Whether every plan has decided on the bar closed at `closed_at`, and every order it led to has reached the market.

    A plan that has to see the next bar's open first has done what it can.
    """
    plans = SwingPlan.objects.running().filter(instrument=instrument)
    waiting = SwingPlan.objects.waiting_for_open().filter(waits_for_open__gte=closed_at)
    if plans.exclude(decided_until__gte=closed_at).exclude(pk__in=waiting.values("pk")).exists():
        return False
    return all_sent(instrument)


def is_opened_for_all(instrument: Instrument) -> bool:
    """Whether no plan waits any longer for the open that has just come, and all that this led to has reached the market."""
    return not SwingPlan.objects.waiting_for_open().filter(instrument=instrument).exists() and all_sent(instrument)


def all_sent(instrument: Instrument) -> bool:
    """Whether no order is on its way to the market. A stop that waits for its price is not."""
    on_the_way = Order.objects.filter(instrument=instrument, state__in=["pending", "submitted"])
    return not on_the_way.exclude(pk__in=waiting_stops().filter(instrument=instrument).values("pk")).exists()


def waits_inside_the_bar(instrument: Instrument) -> bool:
    """Whether what happens inside the next bar, trade by trade, matters: a stop waits, or a plan for its open."""
    waiting = SwingPlan.objects.waiting_for_open().filter(instrument=instrument)
    return waiting.exists() or waiting_stops().filter(instrument=instrument).exists()
