"""What comes from the stream put in order: prices, books and bars, and no bar of which a trade was missed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.kis import quotes
from brokers.kis.live.mailbox import ANYBODY, Line, Mail, Mailbox
from brokers.kis.live.market import ASK_AGAIN, CONFIRM, TOLD_AFTER, Gap, LiveMarket, Mended
from brokers.kis.quotes import Trade
from markets.calendars import Calendar, load_default
from markets.types import Bar, Interval, Level, OrderBook, Quote, Source, Tick
from tests.brokers.test_kis_frames import data, recorded

KEY = "KRX:005930"
NINE = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)  # a Friday, nine o'clock in Seoul
HALF_PAST_TEN = NINE + timedelta(minutes=90)
ONE_MINUTE = timedelta(minutes=1)
NOTHING = Mail()


@cache
def krx() -> Calendar:
    return load_default()["krx"]


def bounds(_instrument: str, interval: Interval, at: datetime) -> tuple[datetime, datetime] | None:
    return krx().bar_bounds(interval, at)


def trade(at: datetime, price: int = 71_200, volume: int = 1_000, quantity: int = 10) -> Trade:
    """`volume`: of the day, this trade with it."""
    last = Decimal(price)
    quote = Quote(KEY, at, Source.KIS, last, last - 100, last, Decimal(70_500), Decimal(volume))
    top = OrderBook(KEY, at, (Level(last - 100, Decimal(5)),), (Level(last, Decimal(7)),))
    return Trade(Tick(KEY, at, last, Decimal(quantity)), quote, top, is_halted=False, session="20")


def minute(at: datetime, price: int = 71_000, volume: int = 40) -> Bar:
    p = Decimal(price)
    return Bar(KEY, Interval.M1, at, at + ONE_MINUTE, p, p + 200, p - 100, p + 100, Decimal(volume))


def on_line(at: datetime) -> Mail:
    return Mail(lines=[Line(KEY, is_on=True, at=at)])


def trades(*told: Trade) -> Mail:
    return Mail(trades=list(told))


class Scene:
    """A market that is looked at when told, and what came of it."""

    def __init__(self, now: datetime = NINE) -> None:
        self.market = LiveMarket(bounds, [Interval.M1, Interval.M5, Interval.H1, Interval.D1], now)
        self.bars: list[Bar] = []
        self.quotes: list[Quote] = []

    def look(self, now: datetime, mail: Mail = NOTHING, *, is_heard: bool = True) -> Sequence[OrderBook]:
        batch, closed = self.market.take(mail, now, is_heard=is_heard)
        self.bars += closed
        self.quotes += batch.quotes
        return batch.books

    def mend(self, now: datetime, *minutes: Bar) -> None:
        for gap in self.market.gaps(now):
            self.bars += self.market.mend(Mended(gap, minutes, None), now)

    def closed(self, interval: Interval) -> list[Bar]:
        return [bar for bar in self.bars if bar.interval is interval]


def whole_from_nine() -> Scene:
    """Registered before the session: nothing is missing."""
    scene = Scene(NINE - 2 * ONE_MINUTE)
    scene.look(NINE - 2 * ONE_MINUTE, on_line(NINE - 2 * ONE_MINUTE))
    scene.mend(NINE - ONE_MINUTE)
    return scene


def test_a_trade_is_a_price_a_book_and_in_its_time_a_bar() -> None:
    scene = whole_from_nine()
    books = scene.look(NINE + timedelta(seconds=1), trades(trade(NINE)))
    assert [quote.price for quote in scene.quotes] == [Decimal(71_200)]
    assert books[0].asks == (Level(Decimal(71_200), Decimal(7)),)
    scene.look(NINE + timedelta(seconds=61))
    assert scene.closed(Interval.M1) == []  # a trade of 09:00:59 may still come
    scene.look(NINE + timedelta(seconds=62))
    (bar,) = scene.closed(Interval.M1)
    assert (bar.opened_at, bar.close, bar.volume) == (NINE, Decimal(71_200), Decimal(10))


def test_the_recorded_frame_becomes_a_price_with_the_best_level_of_either_side() -> None:
    (record,) = data(recorded("### 5.7")).records
    told = quotes.trade(record, Source.KIS)
    assert told.top.bids == (Level(Decimal(71_100), Decimal(48_802)),)
    assert told.top.asks == (Level(Decimal(71_200), Decimal(51_230)),)
    scene = whole_from_nine()
    scene.look(told.tick.at, trades(told))
    assert scene.quotes == [told.quote]


def test_a_frame_that_comes_twice_counts_once() -> None:
    scene = whole_from_nine()
    first, second = trade(NINE, volume=10), trade(NINE, 71_300, volume=20)
    scene.look(NINE, trades(first, second, first, second))
    scene.look(NINE + timedelta(seconds=62), trades(first))
    (bar,) = scene.closed(Interval.M1)
    assert (bar.volume, bar.high) == (Decimal(20), Decimal(71_300))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 19), max_size=60), st.integers(0, 19))
def test_repeated_and_late_frames_never_change_the_volume_of_a_bar(repeats: list[int], cut: int) -> None:
    """Whatever comes again among twenty trades, each is in its bar once."""
    told = [trade(NINE + timedelta(seconds=n), 71_000 + 100 * n, volume=10 * (n + 1)) for n in range(20)]
    scene = whole_from_nine()
    scene.look(NINE, trades(*told[:cut]))
    scene.look(NINE, trades(*[told[n] for n in repeats if n < cut], *told[cut:]))
    scene.look(NINE + timedelta(seconds=62), trades(*[told[n] for n in repeats]))
    (bar,) = scene.closed(Interval.M1)
    assert (bar.volume, bar.close) == (Decimal(200), Decimal(72_900))


def test_in_the_middle_of_the_day_no_bar_closes_before_the_morning_is_known() -> None:
    scene = Scene(HALF_PAST_TEN)
    at = HALF_PAST_TEN + timedelta(seconds=20)
    scene.look(at, on_line(at))
    scene.look(at + ONE_MINUTE, trades(trade(at + timedelta(seconds=5))))
    scene.look(at + 2 * ONE_MINUTE)
    assert scene.quotes
    assert scene.bars == []


def test_the_minutes_kis_tells_make_the_bars_of_the_morning_whole() -> None:
    scene = Scene(HALF_PAST_TEN)
    at = HALF_PAST_TEN + timedelta(seconds=20)
    until = HALF_PAST_TEN + ONE_MINUTE
    scene.look(at, on_line(at))
    assert [gap.needs_minutes for gap in scene.market.gaps(at)] == [False]  # the minute is still open: the price alone
    scene.look(at + ONE_MINUTE, trades(trade(at, volume=10), trade(until + timedelta(seconds=5), 71_900, volume=20)))
    asked = scene.market.gaps(until + TOLD_AFTER)
    assert asked == [Gap(KEY, NINE, until, needs_quote=False)]
    morning = tuple(minute(NINE + n * ONE_MINUTE) for n in range(91))
    scene.bars += scene.market.mend(Mended(asked[0], morning, None), until + TOLD_AFTER)
    assert [bar.opened_at for bar in scene.closed(Interval.M1)] == [bar.opened_at for bar in morning]
    assert scene.closed(Interval.M1)[-1] == morning[-1]
    assert [bar.volume for bar in scene.closed(Interval.H1)] == [Decimal(40 * 60)]
    scene.look(NINE + timedelta(hours=2, seconds=3))
    (hour,) = [bar for bar in scene.closed(Interval.H1) if bar.opened_at == NINE + timedelta(hours=1)]
    assert (hour.volume, hour.close) == (Decimal(40 * 31 + 10), Decimal(71_900))  # the trade after the last told minute
    assert scene.market.gaps(NINE + timedelta(hours=2)) == []


def test_after_a_gap_its_minutes_alone_are_asked_for_and_nothing_is_counted_twice() -> None:
    scene = whole_from_nine()
    scene.look(NINE + timedelta(seconds=30), trades(trade(NINE + timedelta(seconds=30), volume=10)))
    scene.look(NINE + timedelta(seconds=63))
    scene.look(NINE + timedelta(seconds=70), trades(trade(NINE + timedelta(seconds=70), volume=20)))
    off, on = NINE + timedelta(seconds=80), NINE + timedelta(seconds=150)
    scene.look(off, Mail(lines=[Line(KEY, is_on=False, at=off)]))
    scene.look(on, on_line(on))
    late = NINE + timedelta(seconds=170)
    scene.look(late, trades(trade(late, volume=200)))
    scene.look(NINE + timedelta(seconds=185))
    assert [bar.opened_at for bar in scene.closed(Interval.M1)] == [NINE]
    (gap,) = scene.market.gaps(NINE + 3 * ONE_MINUTE + TOLD_AFTER)
    assert (gap.since, gap.until) == (NINE + ONE_MINUTE, NINE + 3 * ONE_MINUTE)
    told = (minute(NINE + ONE_MINUTE, volume=50), minute(NINE + 2 * ONE_MINUTE, volume=60))
    scene.bars += scene.market.mend(Mended(gap, told, None), NINE + 3 * ONE_MINUTE + TOLD_AFTER)
    scene.look(NINE + timedelta(minutes=5, seconds=3))
    assert [bar.volume for bar in scene.closed(Interval.M1)] == [Decimal(10), Decimal(50), Decimal(60)]
    assert [bar.volume for bar in scene.closed(Interval.M5)] == [Decimal(120)]


def test_an_answer_to_a_gap_that_has_grown_since_is_left() -> None:
    scene = Scene(HALF_PAST_TEN)
    scene.look(HALF_PAST_TEN, on_line(HALF_PAST_TEN + timedelta(seconds=1)))
    now = HALF_PAST_TEN + ONE_MINUTE + TOLD_AFTER
    (gap,) = scene.market.gaps(now)
    scene.look(now, on_line(now))
    assert scene.market.mend(Mended(gap, (minute(NINE),), None), now) == []
    assert scene.bars == []


def test_what_is_not_answered_is_asked_again_after_a_while() -> None:
    scene = Scene(HALF_PAST_TEN)
    scene.look(HALF_PAST_TEN, on_line(HALF_PAST_TEN))
    now = HALF_PAST_TEN + TOLD_AFTER
    assert len(scene.market.gaps(now)) == 1
    assert scene.market.gaps(now + ASK_AGAIN / 2) == []
    assert len(scene.market.gaps(now + ASK_AGAIN)) == 1


def test_minutes_kept_from_before_are_not_asked_for_again() -> None:
    scene = Scene(HALF_PAST_TEN)
    scene.market.remember(KEY, [minute(NINE + n * ONE_MINUTE) for n in range(60)])
    scene.look(HALF_PAST_TEN, on_line(HALF_PAST_TEN))
    (gap,) = scene.market.gaps(HALF_PAST_TEN + TOLD_AFTER)
    assert gap.since == NINE + timedelta(hours=1)


def test_the_closing_auction_belongs_to_the_session_it_ends() -> None:
    """Its trade is told at half past three or a little later; the day's close is its price."""
    close = NINE + timedelta(hours=6, minutes=30)
    scene = Scene(close - 5 * ONE_MINUTE)
    scene.market.remember(KEY, [minute(NINE + n * ONE_MINUTE) for n in range(385)])
    scene.look(close - 5 * ONE_MINUTE, on_line(close - 5 * ONE_MINUTE))
    scene.mend(close - 4 * ONE_MINUTE)
    scene.look(close + timedelta(seconds=5))
    assert scene.closed(Interval.D1) == []
    scene.look(close + timedelta(seconds=29), trades(trade(close + timedelta(seconds=28), 72_000, volume=99_000)))
    scene.look(close + timedelta(seconds=64))
    (day,) = scene.closed(Interval.D1)
    assert (day.close, day.closed_at) == (Decimal(72_000), close)


def test_a_price_that_stands_is_confirmed_while_the_line_is_heard_and_the_market_open() -> None:
    """Else nobody would trade on a stock that is quiet, or somebody would on one we have lost sight of."""
    scene = whole_from_nine()
    scene.look(NINE, trades(trade(NINE)))
    scene.look(NINE + CONFIRM)
    assert [quote.at for quote in scene.quotes] == [NINE, NINE + CONFIRM]
    scene.look(NINE + 2 * CONFIRM, is_heard=False)
    off = NINE + 3 * CONFIRM
    scene.look(off, Mail(lines=[Line(KEY, is_on=False, at=off)]))
    scene.look(NINE + 4 * CONFIRM)
    scene.look(NINE + timedelta(hours=9))
    assert len(scene.quotes) == 2


def test_a_book_in_depth_takes_the_place_of_the_best_level() -> None:
    scene = whole_from_nine()
    deep = OrderBook(KEY, NINE, tuple(Level(Decimal(71_000 - n), Decimal(1)) for n in range(10)), ())
    depth = Line(KEY, is_on=True, at=NINE, is_depth=True)
    scene.look(NINE, Mail(lines=[depth], books={KEY: deep}))
    assert scene.look(NINE, trades(trade(NINE))) == (deep,)
    scene.look(NINE, Mail(lines=[replace(depth, is_on=False)]))
    assert len(scene.look(NINE, trades(trade(NINE, volume=2_000)))[0].bids) == 1


def test_a_mailbox_keeps_the_newest_and_says_of_what_it_lost_some() -> None:
    """I32: whoever reads too slowly finds less, never more and more."""
    box = Mailbox(most_trades=3)
    box.put_trades([trade(NINE, volume=n) for n in range(10)])
    for n in range(100):
        box.put_book(OrderBook(KEY, NINE + timedelta(seconds=n), (), ()))
        box.put_line(Line(KEY, is_on=bool(n % 2), at=NINE))
        box.put_bell(ANYBODY)
    mail = box.take(0)
    assert [each.quote.day_volume for each in mail.trades] == [7, 8, 9]
    assert (len(mail.books), len(mail.lines), mail.bells, mail.lost) == (1, 1, {ANYBODY}, {KEY})
    assert not box.take(0)


def test_trades_that_did_not_fit_make_a_gap() -> None:
    scene = whole_from_nine()
    scene.look(NINE, trades(trade(NINE, volume=10)))
    scene.look(NINE + timedelta(seconds=30), Mail(lost={KEY}))
    scene.look(NINE + timedelta(seconds=90))
    assert scene.bars == []
    (gap,) = scene.market.gaps(NINE + ONE_MINUTE + TOLD_AFTER)
    assert (gap.since, gap.until) == (NINE, NINE + ONE_MINUTE)
