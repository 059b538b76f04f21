"""Longer bars from shorter ones are the bars the live market would have made of the same trades."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from markets.calendars import load_default
from markets.folding import BarFolder
from markets.merging import merged
from markets.types import Bar, Interval, Tick

KRX = load_default()["krx"]
DAY = date(2026, 11, 18)
OPENS, CLOSES = KRX.session(DAY).opened_at, KRX.session(DAY).closed_at  # type: ignore[union-attr]


def bounds(_instrument: str, interval: Interval, at: datetime) -> tuple[datetime, datetime] | None:
    return KRX.bar_bounds(interval, at)


@given(
    st.lists(st.tuples(st.integers(0, 6 * 3600 + 1799), st.integers(1, 500), st.integers(1, 9)), max_size=60),
    st.sampled_from([Interval.M5, Interval.M15, Interval.H1, Interval.H4]),
)
def test_minutes_make_the_longer_bars_that_trades_make(trades: list[tuple[int, int, int]], interval: Interval) -> None:
    folder = BarFolder(bounds, [Interval.M1, interval])
    closed: list[Bar] = []
    for second, price, quantity in sorted(trades):
        tick = Tick("KRX:005930", OPENS + timedelta(seconds=second), Decimal(price), Decimal(quantity))
        closed += folder.add(tick)
    closed += folder.close_until(CLOSES)
    minutes = [bar for bar in closed if bar.interval is Interval.M1]
    assert merged(minutes, interval, bounds) == [bar for bar in closed if bar.interval is interval]


def test_what_lies_outside_the_session_makes_no_bar() -> None:
    late = CLOSES + timedelta(minutes=3)
    bar = Bar("KRX:005930", Interval.M1, late, late + timedelta(minutes=1), *[Decimal(1)] * 5)
    assert merged([bar], Interval.H1, bounds) == []


def test_the_last_bar_of_a_session_ends_with_it() -> None:
    at = datetime(2026, 11, 18, 6, 29, tzinfo=UTC)
    bar = Bar("KRX:005930", Interval.M1, at, at + timedelta(minutes=1), *[Decimal(1)] * 5)
    (hour,) = merged([bar], Interval.H1, bounds)
    assert (hour.opened_at, hour.closed_at) == (datetime(2026, 11, 18, 6, 0, tzinfo=UTC), CLOSES)
