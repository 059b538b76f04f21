"""Ticks folded into bars: D04."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from markets.folding import BarFolder, Refusal, Span
from markets.types import Bar, Interval, Tick

OPEN = datetime(2026, 9, 1, 0, 0, tzinfo=UTC)
CLOSE = OPEN + timedelta(hours=6, minutes=30)
KEY = "KRX:005930"


def session_bounds(instrument: str, interval: Interval, at: datetime) -> Span | None:
    """One session a day, 00:00 to 06:30 UTC; its last hour is half an hour long."""
    opened_at = at.replace(hour=0, minute=0, second=0, microsecond=0)
    closes_at = opened_at + timedelta(hours=6, minutes=30)
    if not opened_at <= at < closes_at:
        return None
    start = opened_at + (at - opened_at) // interval.duration * interval.duration
    return start, min(start + interval.duration, closes_at)


def tick(seconds: float, price: str = "100", quantity: str = "1", instrument: str = KEY) -> Tick:
    return Tick(instrument, OPEN + timedelta(seconds=seconds), Decimal(price), Decimal(quantity))


def folded(ticks: list[Tick], *intervals: Interval) -> list[Bar]:
    folder = BarFolder(session_bounds, intervals)
    closed = [bar for each in ticks for bar in folder.add(each)]
    return closed + folder.close_until(CLOSE + timedelta(days=30))


def test_a_bar_is_its_first_highest_lowest_and_last_trade_with_the_sum_of_quantities() -> None:
    bars = folded([tick(0, "100", "0.1"), tick(10, "105", "0.2"), tick(20, "99.5"), tick(59.999, "101")], Interval.M1)
    assert bars == [
        Bar(
            KEY, Interval.M1, OPEN, OPEN + timedelta(minutes=1),
            Decimal(100), Decimal(105), Decimal("99.5"), Decimal(101), Decimal("2.3"),
        )
    ]  # fmt: skip


def test_a_trade_at_the_very_end_belongs_to_the_next_bar() -> None:
    folder = BarFolder(session_bounds, [Interval.M1])
    folder.add(tick(0, "100"))
    (closed,) = folder.add(tick(60, "200"))
    forming = folder.open_bar(KEY, Interval.M1)
    assert (closed.high, closed.closed_at) == (Decimal(100), OPEN + timedelta(minutes=1))
    assert forming is not None
    assert (forming.open, forming.opened_at) == (Decimal(200), OPEN + timedelta(minutes=1))


def test_an_interval_without_a_trade_has_no_bar() -> None:
    bars = folded([tick(0), tick(600)], Interval.M1)
    assert [bar.opened_at for bar in bars] == [OPEN, OPEN + timedelta(minutes=10)]


def test_the_session_end_cuts_the_last_bar_short() -> None:
    (bar,) = folded([tick(6 * 3600 + 60)], Interval.H1)
    assert (bar.opened_at, bar.closed_at) == (OPEN + timedelta(hours=6), CLOSE)


def test_time_alone_closes_a_bar_and_only_once() -> None:
    folder = BarFolder(session_bounds, [Interval.M1, Interval.M5])
    folder.add(tick(0))
    assert folder.close_until(OPEN + timedelta(seconds=59.9)) == []
    assert [bar.interval for bar in folder.close_until(OPEN + timedelta(seconds=60))] == [Interval.M1]
    assert folder.close_until(OPEN + timedelta(seconds=120)) == []
    assert folder.open_bar(KEY, Interval.M1) is None
    assert folder.open_bar(KEY, Interval.M5) is not None


def test_bars_closed_together_come_earliest_end_first() -> None:
    folder = BarFolder(session_bounds, [Interval.M5, Interval.M1])
    folder.add(tick(230, instrument="KRX:B"))
    folder.add(tick(0, instrument="KRX:A"))
    closed = folder.close_until(OPEN + timedelta(minutes=10))
    assert [(bar.instrument, bar.interval) for bar in closed] == [
        ("KRX:A", Interval.M1),
        ("KRX:B", Interval.M1),
        ("KRX:A", Interval.M5),
        ("KRX:B", Interval.M5),
    ]


def test_a_tick_for_a_closed_bar_is_refused_for_every_interval() -> None:
    folder = BarFolder(session_bounds, [Interval.M1, Interval.H1])
    folder.add(tick(30, "100"))
    folder.close_until(OPEN + timedelta(seconds=60))
    assert folder.add(tick(59, "999")) == []
    hour = folder.open_bar(KEY, Interval.H1)
    assert folder.refused == {Refusal.LATE: 1}
    assert hour is not None
    assert hour.high == Decimal(100)


def test_a_tick_older_than_the_last_one_is_refused_and_counted_but_an_equal_time_is_not() -> None:
    folder = BarFolder(session_bounds, [Interval.M1])
    for each in (tick(10, "100"), tick(9, "1"), tick(10, "101")):
        folder.add(each)
    forming = folder.open_bar(KEY, Interval.M1)
    assert forming is not None
    assert (forming.low, forming.close, forming.volume) == (Decimal(100), Decimal(101), Decimal(2))
    assert folder.refused == {Refusal.LATE: 1}


def test_a_tick_outside_the_session_is_refused_and_leaves_the_forming_bar_alone() -> None:
    folder = BarFolder(session_bounds, [Interval.M1, Interval.D1])
    folder.add(tick(6.4 * 3600))
    assert folder.add(tick(7 * 3600)) == []
    assert folder.refused == {Refusal.OUTSIDE: 1}
    assert folder.open_bar(KEY, Interval.D1) is not None


def test_instruments_do_not_hold_each_other_back() -> None:
    folder = BarFolder(session_bounds, [Interval.M1])
    folder.add(tick(300, instrument="KRX:A"))
    folder.add(tick(10, instrument="KRX:B"))
    assert folder.open_bar("KRX:B", Interval.M1) is not None
    assert not folder.refused


Moments = list[tuple[int, Decimal, Decimal]]
moments = st.lists(
    st.tuples(
        st.integers(0, 3 * 86400 * 10),
        st.decimals("0.00000001", "99999999", places=8),
        st.decimals("0", "99999999", places=8),
    ),
    min_size=1,
    max_size=60,
)


@given(moments, st.sampled_from([Interval.M5, Interval.M15, Interval.H1, Interval.H4, Interval.D1]))
def test_every_longer_bar_is_the_fold_of_its_minutes(rows: Moments, longer: Interval) -> None:
    ticks = [Tick(KEY, OPEN + timedelta(seconds=at / 10), price, size) for at, price, size in sorted(rows)]
    bars = folded(ticks, Interval.M1, longer)
    minutes: dict[datetime, list[Bar]] = defaultdict(list)
    for bar in bars:
        if bar.interval is Interval.M1:
            span = session_bounds(KEY, longer, bar.opened_at)
            assert span is not None
            minutes[span[0]].append(bar)
    told = [
        (at, parts[0].open, max(p.high for p in parts), min(p.low for p in parts), parts[-1].close,
         sum(p.volume for p in parts))
        for at, parts in minutes.items()
    ]  # fmt: skip
    seen = [(b.opened_at, b.open, b.high, b.low, b.close, b.volume) for b in bars if b.interval is longer]
    assert seen == told


@given(moments)
def test_no_trade_is_lost_or_counted_twice(rows: Moments) -> None:
    """Every tick in some order is either in exactly one bar or counted as refused."""
    folder = BarFolder(session_bounds, [Interval.M1])
    ticks = [Tick(KEY, OPEN + timedelta(seconds=at / 10), price, Decimal(1)) for at, price, _ in rows]
    bars = [bar for each in ticks for bar in folder.add(each)] + folder.close_until(CLOSE + timedelta(days=30))
    assert sum(bar.volume for bar in bars) + folder.refused.total() == len(ticks)
    assert len({bar.opened_at for bar in bars}) == len(bars)
