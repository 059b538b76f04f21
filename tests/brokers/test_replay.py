"""Real bars played as if live: G13 (honest paper fills), D04 (bars from ticks)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.simulator.events import Batch, PriceSource
from brokers.simulator.replay import NothingToReplay, Replay, bar_ticks, stored_bars
from brokers.simulator.universe import UNIVERSE
from markets.bar_csv import BarFile
from markets.calendars import load_default
from markets.folding import BarFolder
from markets.rules import on_tick, tick_size
from markets.types import Bar, Interval, Source, Tick

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
SAMSUNG = next(instrument.rules for instrument in UNIVERSE if instrument.symbol == "005930")
BITCOIN = next(instrument.rules for instrument in UNIVERSE if instrument.symbol == "BTC/KRW")
FRIDAY = date(2026, 10, 16)


def krx_bar(day: date, prices: str = "100000 103000 99000 102000", volume: str = "1000") -> Bar:
    bounds = load_default()["krx"].daily_bar_bounds(day)
    opened, high, low, close = map(Decimal, prices.split())
    return Bar(SAMSUNG.key, Interval.D1, *bounds, opened, high, low, close, Decimal(volume))


def two_days() -> list[Bar]:
    return [krx_bar(FRIDAY), krx_bar(FRIDAY + timedelta(days=3), "102000 102000 97000 98000", "800")]


def every_bar(source: Replay) -> Iterator[Batch]:
    while batch := source.next_bar():
        yield batch


def test_the_replay_is_a_price_source_like_any_other() -> None:
    source: PriceSource = Replay(SAMSUNG, two_days())
    assert (source.name, source.finest_interval, source.ended) == (Source.REPLAY, Interval.D1, False)


def test_the_low_is_played_before_the_high_whichever_way_the_bar_went() -> None:
    for bar in two_days():
        assert [tick.price for tick in bar_ticks(bar, SAMSUNG.lot)] == [bar.open, bar.low, bar.high, bar.close]


exact = st.decimals("0.00000001", "999999999", places=8)


@given(st.tuples(exact, exact, exact, exact), st.decimals("0", "999999999999", places=8), st.sampled_from(Interval))
def test_folding_the_ticks_of_a_bar_gives_the_bar_back(
    prices: tuple[Decimal, Decimal, Decimal, Decimal], volume: Decimal, interval: Interval
) -> None:
    opened_at = datetime(2026, 10, 16, tzinfo=UTC)
    low, opened, close, high = min(prices), prices[0], prices[1], max(prices)
    bar = Bar(BITCOIN.key, interval, opened_at, opened_at + interval.duration, opened, high, low, close, volume)
    source = Replay(BITCOIN, [bar])
    bounds = Replay(BITCOIN, [bar]).bar_bounds
    batch = source.next_bar()
    assert batch is not None
    folder = BarFolder(bounds, [interval])
    for tick in batch.ticks:
        assert bar.opened_at <= tick.at < bar.closed_at
        folder.add(tick)
    assert folder.close_until(bar.closed_at) == [bar] == list(batch.closed_bars)


def test_the_next_bar_comes_whole_and_after_the_last_there_is_none() -> None:
    source, bars = Replay(SAMSUNG, two_days()), two_days()
    batches = list(every_bar(source))
    assert [batch.closed_bars for batch in batches] == [(bars[0],), (bars[1],)]
    assert [len(batch.ticks) for batch in batches] == [len(batch.books) for batch in batches] == [4, 4]
    assert [batch.at for batch in batches] == [bar.closed_at for bar in bars]
    assert source.ended
    assert source.next_bar() is None


def test_a_quote_measures_its_change_from_the_day_before_and_counts_the_day() -> None:
    first, second = (batch.quotes[0] for batch in every_bar(Replay(SAMSUNG, two_days())))
    assert (first.price, first.base_price, first.day_volume) == (Decimal(102000), Decimal(100000), Decimal(1000))
    assert (second.price, second.base_price, second.day_volume) == (Decimal(98000), Decimal(102000), Decimal(800))
    assert first.source is Source.REPLAY


def test_the_base_price_stays_for_all_bars_of_one_day() -> None:
    opened_at = datetime(2026, 10, 16, 22, tzinfo=UTC)
    opened = int(opened_at.timestamp())
    prices = (100.0, 101.0, 102.0, 103.0)
    rows = [(opened + n * 3600, opened + (n + 1) * 3600, p, p, p, p, 1.0) for n, p in enumerate(prices)]
    hours = stored_bars(BITCOIN.key, Interval.H1, rows)
    quotes = [batch.quotes[0] for batch in every_bar(Replay(BITCOIN, hours))]
    assert [quote.base_price for quote in quotes] == [100, 100, 101, 101]
    assert [quote.day_volume for quote in quotes] == [1, 2, 1, 2]


def test_elapsed_time_runs_inside_bars_and_jumps_over_the_weekend() -> None:
    bars = two_days()
    source, session = Replay(SAMSUNG, bars), timedelta(hours=6, minutes=30)
    assert source.due(timedelta(0)) == bars[0].opened_at
    assert source.due(session - timedelta(seconds=1)) == bars[0].closed_at - timedelta(seconds=1)
    assert source.due(session) == bars[1].opened_at
    assert source.due(session + timedelta(hours=1)) == bars[1].opened_at + timedelta(hours=1)
    assert source.due(timedelta(days=999)) == bars[1].closed_at


def test_elapsed_time_means_the_same_before_and_after_bars_have_closed() -> None:
    source, untouched = Replay(SAMSUNG, two_days()), Replay(SAMSUNG, two_days())
    source.next_bar()
    for hours in (7, 9, 13, 100):
        assert source.due(timedelta(hours=hours)) == untouched.due(timedelta(hours=hours))


def test_advancing_plays_each_tick_once_when_its_time_has_come() -> None:
    source, bar = Replay(SAMSUNG, two_days()), two_days()[0]
    half = bar.opened_at + timedelta(hours=3)
    assert [tick.price for tick in source.advance(half).ticks] == [bar.open, bar.low]
    assert source.clock == half
    assert source.advance(half).ticks == ()
    rest = source.advance(bar.closed_at)
    assert [tick.price for tick in rest.ticks] == [bar.high, bar.close]
    assert rest.closed_bars == (bar,)


def test_one_step_never_crosses_the_end_of_a_bar() -> None:
    """A decision on a bar's close is made before anything of the next bar is seen."""
    source, far = Replay(SAMSUNG, two_days()), datetime(2027, 1, 1, tzinfo=UTC)
    first = source.advance(far)
    assert (len(first.ticks), first.closed_bars, source.clock) == (4, (two_days()[0],), two_days()[0].closed_at)
    assert source.advance(far).closed_bars == (two_days()[1],)
    assert source.advance(far) == Batch(source.clock)


def test_between_two_bars_nothing_happens_and_the_venue_is_closed() -> None:
    source, (first, second) = Replay(SAMSUNG, two_days()), two_days()
    assert source.bar_bounds(SAMSUNG.key, Interval.D1, first.opened_at) == (first.opened_at, first.closed_at)
    source.next_bar()
    assert source.advance(second.opened_at - timedelta(seconds=1)) == Batch(first.closed_at)
    assert source.bar_bounds(SAMSUNG.key, Interval.D1, first.closed_at + timedelta(hours=1)) is None


@given(st.lists(st.integers(1, 9 * 3600), min_size=1, max_size=40))
def test_however_it_is_stepped_the_same_ticks_come_in_the_same_order(steps: list[int]) -> None:
    source, elapsed = Replay(SAMSUNG, two_days()), timedelta(0)
    ticks: list[Tick] = []
    for step in [*steps, 99 * 3600]:
        elapsed += timedelta(seconds=step)
        while source.clock < (due := source.due(elapsed)):
            ticks += source.advance(due).ticks
    assert source.ended
    assert ticks == [tick for batch in every_bar(Replay(SAMSUNG, two_days())) for tick in batch.ticks]


def test_the_book_lies_a_tick_either_side_with_a_share_of_the_volume() -> None:
    batch = Replay(SAMSUNG, [krx_bar(FRIDAY)], participation=Decimal("0.1")).next_bar()
    assert batch is not None
    book = batch.books[0]
    assert (book.bids[0].price, book.asks[0].price) == (Decimal(99900), Decimal(100100))
    assert book.bids[0].quantity == book.asks[0].quantity == Decimal(25)
    assert sum(each.asks[0].quantity for each in batch.books) == Decimal(100)


def test_the_tick_below_a_band_is_the_smaller_one() -> None:
    batch = Replay(SAMSUNG, [krx_bar(FRIDAY, "200000 200000 200000 200000")]).next_bar()
    assert batch is not None
    assert (batch.books[0].bids[0].price, batch.books[0].asks[0].price) == (Decimal(199900), Decimal(200500))


def test_adjusted_prices_stay_in_ticks_and_are_rounded_against_the_trader_in_books() -> None:
    bar = krx_bar(FRIDAY, "53037.5 53037.5 53037.5 53037.5")
    batch = Replay(SAMSUNG, [bar], spread_ticks=0).next_bar()
    assert batch is not None
    assert {tick.price for tick in batch.ticks} == {Decimal("53037.5")}
    assert (batch.books[0].bids[0].price, batch.books[0].asks[0].price) == (Decimal(53000), Decimal(53100))


@pytest.mark.parametrize("volume", ["0", "39"], ids=["no volume", "no share as large as a lot"])
def test_where_nothing_could_be_had_the_book_is_empty(volume: str) -> None:
    batch = Replay(SAMSUNG, [krx_bar(FRIDAY, volume=volume)], participation=Decimal("0.1")).next_bar()
    assert batch is not None
    assert all(book.bids == book.asks == () for book in batch.books[:3])
    assert sum(tick.quantity for tick in batch.ticks) == Decimal(volume)


def test_below_the_lowest_price_there_is_no_bid() -> None:
    batch = Replay(SAMSUNG, [krx_bar(FRIDAY, "1 1 1 1")]).next_bar()
    assert batch is not None
    assert (batch.books[0].bids, batch.books[0].asks[0].price) == ((), Decimal(2))


@given(exact, st.integers(0, 3))
def test_a_book_is_never_crossed_and_always_on_the_tick(price: Decimal, spread_ticks: int) -> None:
    bar = krx_bar(FRIDAY, " ".join([str(price)] * 4))
    batch = Replay(SAMSUNG, [bar], spread_ticks=spread_ticks).next_bar()
    assert batch is not None
    for book in batch.books:
        levels = [*book.bids, *book.asks]
        assert all(on_tick(SAMSUNG.tick_table, level.price, FRIDAY) for level in levels)
        assert book.asks[0].price >= price + spread_ticks * tick_size(SAMSUNG.tick_table, price, FRIDAY)
        assert all(level.price <= price for level in book.bids)


def test_without_a_bar_or_with_bars_out_of_order_there_is_no_replay() -> None:
    with pytest.raises(NothingToReplay):
        Replay(SAMSUNG, [])
    backwards = Replay(SAMSUNG, reversed(two_days()))
    with pytest.raises(ValueError, match="does not follow"):
        backwards.next_bar()


@pytest.mark.parametrize(("participation", "spread_ticks"), [("0", 1), ("1.1", 1), ("0.1", -1)])
def test_a_share_or_spread_that_makes_no_sense_is_refused(participation: str, spread_ticks: int) -> None:
    with pytest.raises(ValueError, match="participation"):
        Replay(SAMSUNG, two_days(), participation=Decimal(participation), spread_ticks=spread_ticks)


def test_bars_are_taken_from_their_source_one_at_a_time() -> None:
    taken = []

    def endless() -> Iterator[Bar]:
        day = FRIDAY
        while True:
            taken.append(day)
            yield krx_bar(day)
            day += timedelta(days=1)

    source = Replay(SAMSUNG, endless())
    for _ in islice(every_bar(source), 10):
        pass
    assert len(taken) <= 11


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared price data is not beside this repository")
def test_decades_of_real_days_come_back_bar_for_bar() -> None:
    krx = load_default()["krx"]
    with (SHARED / "krx-daily/005930.csv").open("rb") as stream:
        rows = list(BarFile(stream, Interval.D1, day_bounds=krx.daily_bar_bounds))
    bars = list(stored_bars(SAMSUNG.key, Interval.D1, rows))
    source = Replay(SAMSUNG, bars)
    assert [float(bar.close) for bar in bars] == [row[5] for row in rows]
    assert [bar for batch in every_bar(source) for bar in batch.closed_bars] == bars
    assert source.clock == bars[-1].closed_at
