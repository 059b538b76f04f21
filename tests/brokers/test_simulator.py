"""The simulated market: G02 (no network, fixed seed), D03 (price, trades, ten-level book), D04 (bars from ticks)."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.simulator.depth import Depth
from brokers.simulator.events import Pace, PriceSource
from brokers.simulator.market import SimulatedMarket, WrongSeed
from brokers.simulator.path import PricePath
from brokers.simulator.universe import UNIVERSE, SimulatedInstrument, Volatility
from markets.bars import Bars
from markets.calendars import Calendar, load_default
from markets.folding import BarFolder
from markets.rules import on_tick
from markets.types import Bar, Interval, OrderBook, Source, Tick

MONDAY = datetime(2026, 10, 12, tzinfo=UTC)  # 09:00 in Seoul, a trading day
SAMSUNG, BITCOIN, DOGE = (
    next(i for i in UNIVERSE if i.key == key) for key in ("KRX:005930", "UPBIT:BTC/KRW", "UPBIT:DOGE/KRW")
)
FEW = (SAMSUNG, BITCOIN, DOGE)
KRX_ONLY = [instrument for instrument in UNIVERSE if instrument.venue == "KRX"]


def market(
    instruments: tuple[SimulatedInstrument, ...] = FEW,
    *,
    seed: int = 7,
    start: datetime = MONDAY,
    calendars: dict[str, Calendar] | None = None,
) -> SimulatedMarket:
    return SimulatedMarket(seed, instruments, start, calendars=calendars)


def played(source: SimulatedMarket, steps: list[int]) -> Iterator[Tick]:
    for step in steps:
        yield from source.advance(source.clock + timedelta(seconds=step)).ticks


def folded(source: SimulatedMarket, steps: list[int], *intervals: Interval) -> list[Bar]:
    folder = BarFolder(source.bar_bounds, intervals)
    bars = [bar for tick in played(source, steps) for bar in folder.add(tick)]
    bars += folder.close_until(source.clock)
    assert not folder.refused
    return sorted(bars, key=lambda bar: (bar.instrument, bar.interval.duration, bar.opened_at))


def rows(bars: Bars) -> list[tuple[float, ...]]:
    return list(zip(*(getattr(bars, name).tolist() for name in Bars.__slots__), strict=True))


def row(bar: Bar) -> tuple[float, ...]:
    times = (int(bar.opened_at.timestamp()), int(bar.closed_at.timestamp()))
    return (*times, *map(float, (bar.open, bar.high, bar.low, bar.close, bar.volume)))


def test_the_market_is_a_price_source_like_any_other() -> None:
    source: PriceSource = market()
    assert (source.name, source.finest_interval, source.ended) == (Source.SIMULATOR, Interval.M1, False)


def test_the_same_seed_gives_the_same_market_in_another_process() -> None:
    """Python's own hash is salted per process; ours is not."""
    program = (
        "from tests.brokers.test_simulator import market, timedelta; m = market();"
        "print([m.advance(m.clock + timedelta(hours=1)) for _ in range(2)])"
    )
    runs = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    here = market()
    assert runs == {f"{[here.advance(here.clock + timedelta(hours=1)) for _ in range(2)]}\n"}


def test_another_seed_gives_another_market() -> None:
    prices = {tuple(tick.price for tick in played(market(seed=seed), [600])) for seed in (1, 2, 3)}
    assert len(prices) == 3


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=25), st.sampled_from(FEW))
def test_speed_and_step_never_change_the_bars(steps: list[int], instrument: SimulatedInstrument) -> None:
    total = sum(steps)
    stepwise = folded(market((instrument,)), steps, Interval.M1, Interval.M15)
    at_once = folded(market((instrument,)), [total], Interval.M1, Interval.M15)
    assert stepwise == at_once


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40_000), st.integers(1, 4_000))
def test_a_restarted_market_goes_on_as_if_it_had_never_stopped(before: int, after: int) -> None:
    whole = market()
    whole.advance(whole.clock + timedelta(seconds=before))
    saved = json.loads(json.dumps(whole.export_state()))
    restarted = SimulatedMarket(7, FEW, start=datetime(2000, 1, 1, tzinfo=UTC), state=saved)
    assert restarted.clock == whole.clock
    to = whole.clock + timedelta(seconds=after)
    assert restarted.advance(to) == whole.advance(to)


def test_a_state_of_another_seed_is_refused() -> None:
    with pytest.raises(WrongSeed):
        SimulatedMarket(8, FEW, MONDAY, state=market(seed=7).export_state())


def test_the_market_cannot_go_back() -> None:
    source = market()
    source.advance(MONDAY + timedelta(seconds=5))
    with pytest.raises(ValueError, match="cannot go back"):
        source.advance(MONDAY)


def test_within_one_second_nothing_happens_twice() -> None:
    source = market()
    source.advance(MONDAY + timedelta(seconds=5))
    again = source.advance(MONDAY + timedelta(seconds=5, milliseconds=900))
    assert (again.ticks, again.books, again.at) == ((), (), MONDAY + timedelta(seconds=5))


def test_a_long_step_tells_each_minute_in_four_ticks_at_most() -> None:
    batch = market().advance(MONDAY + timedelta(hours=2))
    per_minute: dict[tuple[str, datetime], int] = {}
    for tick in batch.ticks:
        minute = (tick.instrument, tick.at.replace(second=0))
        per_minute[minute] = per_minute.get(minute, 0) + 1
    assert max(per_minute.values()) == 4
    assert [tick.at for tick in batch.ticks] == sorted(tick.at for tick in batch.ticks)


@pytest.mark.parametrize("keeps_sessions", [False, True])
@pytest.mark.parametrize("interval", [Interval.M1, Interval.M5, Interval.H1, Interval.H4, Interval.D1])
def test_history_is_what_living_through_it_would_have_folded(interval: Interval, keeps_sessions: bool) -> None:
    calendars = dict(load_default()) if keeps_sessions else None
    start, end = MONDAY - timedelta(hours=27), MONDAY + timedelta(hours=25, seconds=17)
    source = market(start=start - timedelta(seconds=1), calendars=calendars)
    live = folded(source, [600] * int((end - start).total_seconds() // 600) + [18], interval)
    for instrument in FEW:
        bars = market(calendars=calendars).history(instrument.key, start, end, interval)
        seen = [row(bar) for bar in live if bar.instrument == instrument.key and bar.opened_at >= start]
        assert rows(bars) == seen
        assert len(bars) > 0


def test_history_of_a_time_without_a_whole_bar_is_empty() -> None:
    assert len(market().history(SAMSUNG.key, MONDAY, MONDAY + timedelta(minutes=59), Interval.H1)) == 0


def test_with_sessions_nothing_trades_while_the_venue_is_closed() -> None:
    source = market(calendars=dict(load_default()))
    closed_at = MONDAY + timedelta(hours=6, minutes=30)
    day = source.advance(closed_at + timedelta(hours=1))
    samsung = [tick.at for tick in day.ticks if tick.instrument == SAMSUNG.key]
    assert MONDAY < min(samsung) < max(samsung) < closed_at
    assert next(book.at for book in day.books if book.instrument == SAMSUNG.key) < closed_at
    night = source.advance(MONDAY + timedelta(hours=23))
    assert {tick.instrument for tick in night.ticks} == {BITCOIN.key, DOGE.key}
    assert {quote.instrument for quote in night.quotes} == {book.instrument for book in night.books}
    assert SAMSUNG.key not in {quote.instrument for quote in night.quotes}


def test_on_a_holiday_the_exchange_is_silent_and_crypto_is_not() -> None:
    saturday = MONDAY - timedelta(days=2)
    batch = market(start=saturday, calendars=dict(load_default())).advance(saturday + timedelta(hours=6))
    assert {tick.instrument for tick in batch.ticks} == {BITCOIN.key, DOGE.key}


@pytest.fixture(scope="module")
def books() -> list[tuple[SimulatedInstrument, OrderBook, Decimal]]:
    source, found = market(UNIVERSE), []
    by_key = {instrument.key: instrument for instrument in UNIVERSE}
    for _ in range(40):
        batch = source.advance(source.clock + timedelta(minutes=47))
        last = {tick.instrument: tick for tick in batch.ticks}
        found += [(by_key[book.instrument], book, last[book.instrument].price) for book in batch.books]
    return found


def test_a_book_has_ten_levels_each_side_on_the_tick_in_order_and_never_crossed(
    books: list[tuple[SimulatedInstrument, OrderBook, Decimal]],
) -> None:
    """D03."""
    assert len({book.instrument for _, book, _ in books}) == len(UNIVERSE)
    for instrument, book, _ in books:
        bids, asks = ([level.price for level in side] for side in (book.bids, book.asks))
        assert (len(bids), len(asks)) == (10, 10)
        ladder = [*reversed(bids), *asks]
        assert all(low < high for low, high in pairwise(ladder))
        assert all(on_tick(instrument.rules.tick_table, price, book.at.date()) for price in ladder)
        assert all(level.quantity > 0 for level in (*book.bids, *book.asks))
        assert all(level.quantity % instrument.rules.lot == 0 for level in (*book.bids, *book.asks))


def test_the_last_price_was_traded_near_the_quoted_spread(
    books: list[tuple[SimulatedInstrument, OrderBook, Decimal]],
) -> None:
    for _, book, last in books:
        assert abs(last / book.asks[0].price - 1) < Decimal("0.01")


def test_a_quote_agrees_with_its_book_and_counts_the_day() -> None:
    source = market(start=MONDAY - timedelta(seconds=1))
    volume = Decimal(0)
    for _ in range(6):
        batch = source.advance(source.clock + timedelta(minutes=10))
        volume += sum(tick.quantity for tick in batch.ticks if tick.instrument == SAMSUNG.key)
        quote, book = batch.quotes[0], batch.books[0]
        assert (quote.bid, quote.ask, quote.at) == (book.bids[0].price, book.asks[0].price, book.at)
        assert (quote.source, quote.day_volume) == (Source.SIMULATOR, volume)
    before = market().history(SAMSUNG.key, MONDAY - timedelta(days=1), MONDAY, Interval.D1)
    assert float(quote.base_price) == before.close[-1]


def test_a_book_leaves_out_what_lies_beyond_the_daily_limit() -> None:
    depth, second = Depth(SAMSUNG, PricePath(7, SAMSUNG)), int(MONDAY.timestamp())
    whole = depth.book(second, None)
    cut = depth.book(second, (whole.bids[2].price, whole.asks[3].price))
    assert (cut.bids, cut.asks) == (whole.bids[:3], whole.asks[:4])


@pytest.mark.parametrize("volatility", [Volatility.CALM, Volatility.STEADY, Volatility.LIVELY])
def test_no_korean_stock_can_cross_its_daily_limit(volatility: Volatility) -> None:
    """The widest move over a closure of twelve days, plus two ticks of a quarter percent, is within 30 %."""
    assert {instrument.volatility for instrument in KRX_ONLY} <= {Volatility.CALM, Volatility.STEADY, Volatility.LIVELY}
    widest = 2 * volatility.swing + 2 * volatility.drift * 12 / 96
    steepest = 1 / (1 - ((volatility.swing + volatility.drift) / 2) ** 2)  # of the fraction that stands in for e^x
    assert widest * steepest + 2 * 0.0025 < math.log(1.3)


def test_a_year_of_prices_stays_plausible() -> None:
    calendars = dict(load_default())
    source = market(tuple(KRX_ONLY[:3]), calendars=calendars)
    for instrument in KRX_ONLY[:3]:
        bars = source.history(instrument.key, MONDAY - timedelta(days=365), MONDAY, Interval.D1)
        base, moves = float(instrument.base_price), np.abs(np.diff(bars.close) / bars.close[:-1])
        assert len(bars) > 235
        assert base / 2 < bars.low.min() < bars.high.max() < base * 2
        assert 0.003 < moves.mean() < 0.03
        assert np.all(bars.high[1:] < bars.close[:-1] * 1.3)
        assert np.all(bars.low[1:] > bars.close[:-1] * 0.7)
        assert np.all(bars.volume > 0)


def test_six_weeks_of_hours_show_trends_a_swing_plan_can_trade() -> None:
    """Upward EMA5 x EMA20 crosses with ADX14 above 20: at least four per instrument on average, none without any."""
    source, counts = market(UNIVERSE), []
    for instrument in UNIVERSE:
        bars = source.history(instrument.key, MONDAY - timedelta(weeks=6), MONDAY, Interval.H1)
        fast, slow = talib.EMA(bars.close, 5), talib.EMA(bars.close, 20)
        up = (fast[1:] > slow[1:]) & (fast[:-1] <= slow[:-1])
        counts.append(int((up & (talib.ADX(bars.high, bars.low, bars.close, 14)[1:] > 20)).sum()))
    assert len(bars) == 6 * 7 * 24
    assert sum(counts) / len(counts) >= 4
    assert min(counts) >= 1


def test_every_instrument_has_both_names_a_price_on_its_tick_and_a_key_of_its_own() -> None:
    assert len({instrument.key for instrument in UNIVERSE}) == len(UNIVERSE) == 17
    for instrument in UNIVERSE:
        assert instrument.name_ko
        assert instrument.name_en
        assert on_tick(instrument.rules.tick_table, instrument.base_price, MONDAY.date())
        assert instrument.trade_step % instrument.rules.lot == 0


def test_pace_keeps_market_time_when_the_speed_changes_and_never_runs_back() -> None:
    wall = datetime(2026, 11, 1, tzinfo=UTC)
    pace = Pace(60, wall)
    faster = pace.at_speed(3600, wall + timedelta(seconds=10))
    assert pace.elapsed(wall + timedelta(seconds=10)) == timedelta(minutes=10)
    assert faster.elapsed(wall + timedelta(seconds=11)) == timedelta(minutes=70)
    assert faster.elapsed(wall) == timedelta(minutes=10)
    source = market()
    assert source.due(faster.elapsed(wall + timedelta(seconds=11))) == MONDAY + timedelta(minutes=70)


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_speed_that_is_no_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Pace(speed, MONDAY)
