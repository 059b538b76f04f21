"""The live market of KIS put in order: what to show, what to match, which bars have closed, and what must be mended first. Pure.

An instrument's bars are folded from its trades only while not one of them was missed. After a gap, and at the start, the
minutes KIS itself tells fill it up to the next whole minute; until then its prices are shown, and no bar of it closes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from brokers.kis.instants import korean_day
from brokers.kis.live.mailbox import Line, Mail
from brokers.kis.quotes import Trade
from brokers.simulator.events import Batch
from brokers.simulator.replay import bar_ticks
from markets.folding import BarFolder, Bounds
from markets.types import Bar, Interval, OrderBook, Quote, Source, Tick

SETTLE = timedelta(seconds=2)  # a trade of the last second may come that late
AUCTION = timedelta(seconds=60)  # the closing auction is told up to a minute after the close, and belongs before it
CONFIRM = timedelta(seconds=5)  # a price nobody has traded on since is still the price, while we would hear of another
MINUTE = timedelta(minutes=1)
TOLD_AFTER = timedelta(seconds=4)  # a closed minute is in KIS's chart by then
ASK_AGAIN = timedelta(seconds=30)
MOST_HELD = 5_000  # trades of one instrument that wait for its gap to be mended; beyond them the gap grows instead
ONE_SHARE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Gap:
    """What to ask KIS for: the minutes from `since` to `until`, both whole, where there are any; and the price."""

    instrument: str
    since: datetime
    until: datetime
    needs_quote: bool

    @property
    def needs_minutes(self) -> bool:
        return self.since < self.until


@dataclass(frozen=True, slots=True)
class Mended:
    """What KIS told: the closed minutes of a gap, and the price as it stands."""

    gap: Gap
    minutes: tuple[Bar, ...]
    quote: Quote | None


@dataclass(slots=True)
class _Listed:
    """One instrument as far as we know it."""

    is_live: bool = False
    is_whole: bool = False  # not one trade is missing since the last whole minute before it was registered
    whole_from: datetime | None = None  # trades are whole from this minute on; what lies before it is asked for
    held: list[Tick] = field(default_factory=list)  # trades that wait until the gap before them is mended
    minutes: dict[datetime, Bar] = field(default_factory=dict)  # today's, closed
    quote: Quote | None = None
    book: OrderBook | None = None
    has_depth: bool = False  # its book comes by a channel of its own
    seen: tuple[date, Decimal] | None = None  # the last trade of the stream: its day, and the day's volume with it
    minutes_asked_at: datetime | None = None
    quote_asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    told: dict[Interval, datetime] = field(default_factory=dict)  # until when its bars have been handed out


class LiveMarket:
    """What the feed takes from KIS, one look after the other. `bounds` knows the venue's sessions."""

    def __init__(self, bounds: Bounds, intervals: Iterable[Interval], now: datetime) -> None:
        self._bounds = bounds
        self._folder = BarFolder(bounds, intervals)
        self._listed: dict[str, _Listed] = {}
        self._day = korean_day(now)
        self._closed_until = now
        self._clock = now

    @property
    def name(self) -> Source:
        return Source.KIS

    @property
    def clock(self) -> datetime:
        return self._clock

    def remember(self, instrument: str, minutes: Iterable[Bar]) -> None:
        """Minutes of today that were kept before: they need not be asked for again."""
        self._known(instrument).minutes.update((bar.opened_at, bar) for bar in minutes)

    def take(self, mail: Mail, now: datetime, *, is_heard: bool) -> tuple[Batch, list[Bar]]:
        """Work through what came up to `now`. `is_heard`: the line gave a sign of life lately.

        The bars are those that closed, each handed out once.
        """
        self._clock = now
        self._turn_the_day(now)
        changed: dict[str, None] = {}
        ticks: list[Tick] = []
        closed: list[Bar] = []
        for line in mail.lines:
            self._turn(line)
        for instrument in mail.lost:
            self._break(instrument, now)
        for trade in mail.trades:
            if self._is_news(trade):
                closed += self._trade(trade)
                ticks.append(trade.tick)
                changed[trade.tick.instrument] = None
        books = dict(mail.books)
        for instrument, book in books.items():
            self._known(instrument).book = book
        for instrument in changed:
            top = self._listed[instrument].book
            if top is not None and instrument not in books:
                books[instrument] = top
        if is_heard:
            changed |= self._confirm(now, changed)
        closed += self._close(now)
        quotes = [quote for each in changed if (quote := self._listed[each].quote) is not None]
        return Batch(now, tuple(ticks), tuple(books.values()), tuple(quotes)), closed

    def open_bar(self, instrument: str, interval: Interval) -> Bar | None:
        """The bar that is forming, where not one trade of it is missing."""
        return self._folder.open_bar(instrument, interval)

    def gaps(self, now: datetime) -> list[Gap]:
        """What has to be asked of KIS now; what is not mended is named again after half a minute."""
        found = []
        for instrument, listed in self._listed.items():
            until = listed.whole_from
            if not listed.is_live or until is None:
                continue
            needs_quote = listed.quote is None and _is_over(listed.quote_asked_at, now)
            is_told = not listed.is_whole and now >= until + TOLD_AFTER and _is_over(listed.minutes_asked_at, now)
            if needs_quote:
                listed.quote_asked_at = now
            if is_told:
                listed.minutes_asked_at = now
            if needs_quote or is_told:
                since = self._since(instrument, listed, until) if is_told else until
                found.append(Gap(instrument, since, until, needs_quote))
        return found

    def mend(self, mended: Mended, now: datetime) -> list[Bar]:
        """Fill a gap with what KIS told; the bars that closed in it. What no longer fits is left, and asked again."""
        gap = mended.gap
        listed = self._known(gap.instrument)
        if mended.quote is not None and listed.quote is None:
            listed.quote = mended.quote
        if listed.is_whole or gap.until != listed.whole_from or now < gap.until + TOLD_AFTER:
            return []
        listed.minutes.update((bar.opened_at, bar) for bar in mended.minutes if bar.volume)
        self._folder.forget(gap.instrument)
        listed.is_whole = True
        held, listed.held = listed.held, []
        closed: list[Bar] = []
        for at in sorted(listed.minutes):
            if at < gap.until:
                for tick in bar_ticks(listed.minutes[at], ONE_SHARE):
                    closed += self._fold(tick)
        for tick in held:
            if tick.at >= gap.until:
                closed += self._fold(tick)
        return self._new(closed)

    def _known(self, instrument: str) -> _Listed:
        return self._listed.setdefault(instrument, _Listed())

    def _turn(self, line: Line) -> None:
        listed = self._known(line.instrument)
        if line.is_depth:
            listed.has_depth = line.is_on
            return
        listed.is_live = line.is_on
        self._break(line.instrument, line.at)

    def _break(self, instrument: str, at: datetime) -> None:
        """Trades are missing, or may be, from the last one we have until `at`."""
        listed = self._known(instrument)
        listed.is_whole, listed.minutes_asked_at = False, None
        listed.whole_from = _whole_minute(at)
        listed.held.clear()
        self._folder.forget(instrument)

    def _is_news(self, trade: Trade) -> bool:
        """Whether this trade is later than the last: frames come twice, and late; the day's volume tells."""
        listed = self._known(trade.tick.instrument)
        now_seen = (korean_day(trade.tick.at), trade.quote.day_volume)
        if listed.seen is not None and now_seen <= listed.seen:
            return False
        listed.seen = now_seen
        return True

    def _trade(self, trade: Trade) -> list[Bar]:
        instrument = trade.tick.instrument
        listed = self._listed[instrument]
        at = trade.quote.at if listed.quote is None else max(trade.quote.at, listed.quote.at)
        listed.quote, listed.confirmed_at = replace(trade.quote, at=at), None
        if not listed.has_depth:
            listed.book = trade.top
        if listed.is_whole:
            return self._new(self._fold(trade.tick))
        listed.held.append(trade.tick)
        if len(listed.held) > MOST_HELD:
            self._break(instrument, trade.tick.at)
        return []

    def _fold(self, tick: Tick) -> list[Bar]:
        closed = self._folder.add(self._in_session(tick))
        for bar in closed:
            self._keep(bar)
        return closed

    def _in_session(self, tick: Tick) -> Tick:
        """The trade of the closing auction as the session's last: it is told when the session is over."""
        if self._bounds(tick.instrument, Interval.M1, tick.at) is not None:
            return tick
        span = self._bounds(tick.instrument, Interval.M1, tick.at - AUCTION)
        return tick if span is None else replace(tick, at=span[1] - timedelta(seconds=1))

    def _close(self, now: datetime) -> list[Bar]:
        """Bars whose end has passed. The session's last wait for the closing auction."""
        settled = (now - SETTLE).replace(microsecond=0)
        if settled == self._closed_until:
            return []
        self._closed_until = settled
        closed: list[Bar] = []
        for instrument in self._listed:
            closed += self._folder.close_one(
                instrument, settled - AUCTION if self._is_auction(instrument, settled) else settled
            )
        for bar in closed:
            self._keep(bar)
        return self._new(closed)

    def _is_auction(self, instrument: str, at: datetime) -> bool:
        """Whether the session has just ended, and its last trade may still come."""
        if self._bounds(instrument, Interval.M1, at) is not None:
            return False
        return self._bounds(instrument, Interval.M1, at - AUCTION) is not None

    def _keep(self, bar: Bar) -> None:
        if bar.interval is Interval.M1:
            self._known(bar.instrument).minutes[bar.opened_at] = bar

    def _new(self, closed: Iterable[Bar]) -> list[Bar]:
        found = []
        for bar in closed:
            told = self._known(bar.instrument).told
            if bar.interval not in told or bar.closed_at > told[bar.interval]:
                told[bar.interval] = bar.closed_at
                found.append(bar)
        return found

    def _confirm(self, now: datetime, changed: Mapping[str, None]) -> dict[str, None]:
        """Prices that stand although nobody traded: we would have heard."""
        confirmed: dict[str, None] = {}
        for instrument, listed in self._listed.items():
            quote = listed.quote
            if quote is None or not listed.is_live or instrument in changed:
                continue
            since = listed.confirmed_at or quote.at
            if now - since >= CONFIRM and self._bounds(instrument, Interval.M1, now) is not None:
                listed.confirmed_at = now
                listed.quote = replace(quote, at=max(now, quote.at))
                confirmed[instrument] = None
        return confirmed

    def _since(self, instrument: str, listed: _Listed, until: datetime) -> datetime:
        """The first minute of today that we do not have for sure: after the last one kept, or the session's first."""
        day = self._bounds(instrument, Interval.D1, until - MINUTE)
        start = day[0] if day else until
        kept = [at + MINUTE for at in listed.minutes if start <= at < until]
        return max(start, *kept) if kept else start

    def _turn_the_day(self, now: datetime) -> None:
        """Yesterday's minutes are not needed again."""
        today = korean_day(now)
        if today != self._day:
            self._day = today
            for listed in self._listed.values():
                listed.minutes.clear()


def _is_over(asked_at: datetime | None, now: datetime) -> bool:
    return asked_at is None or now - asked_at >= ASK_AGAIN


def _whole_minute(at: datetime) -> datetime:
    """The first whole minute at or after `at`."""
    down = at.replace(second=0, microsecond=0)
    return down if down == at else down + MINUTE
