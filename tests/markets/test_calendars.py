"""G12: sessions and holidays as reviewed, dated rows. C19: the hourly clock follows the instrument's session."""

from csv import DictReader
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.calendars import KRX_CALENDAR, Calendar, NoSessionAhead, TradingDayRow, load_default
from markets.dated import read_json
from markets.types import Interval

KST = timezone(timedelta(hours=9))
KRX = load_default()["krx"]
ALWAYS = load_default()["always"]
PRICES = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "krx-daily"

MONDAY = date(2026, 11, 16)
EXAM_DAY = date(2026, 11, 19)


def kst(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


def hours(calendar: Calendar, day: str) -> str:
    """A day's session as "HH:MM-HH:MM" in Korea, or "closed"."""
    session = calendar.session(date.fromisoformat(day))
    if session is None:
        return "closed"
    return "-".join(f"{at.astimezone(KST):%H:%M}" for at in (session.opened_at, session.closed_at))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-11-16", "09:00-15:30"),
        ("2026-11-14", "closed"),  # Saturday
        ("2026-11-19", "10:00-16:30"),  # university entrance exam
        ("2026-01-02", "10:00-15:30"),  # first trading day of the year
        ("2026-06-03", "closed"),  # local elections
        ("2026-07-17", "closed"),  # Constitution Day, a holiday again
        ("2026-05-01", "closed"),
        ("2026-12-31", "closed"),
        ("2025-01-27", "closed"),  # declared in January
        ("2017-11-16", "10:00-16:30"),  # the exam was put off the evening before, the hours were not
        ("2017-11-23", "10:00-16:30"),
        ("2016-07-29", "09:00-15:00"),
        ("2016-08-01", "09:00-15:30"),
        ("2015-11-12", "10:00-16:00"),
        ("2016-01-04", "10:00-15:00"),
        ("2002-07-01", "closed"),  # after the World Cup
        ("1997-03-03", "09:30-15:00"),
    ],
)
def test_the_exchange_keeps_the_hours_of_the_day(day: str, expected: str) -> None:
    assert hours(KRX, day) == expected


def test_every_special_day_names_itself_and_a_known_source_once() -> None:
    data = read_json(KRX_CALENDAR)
    days = [row["day"] for row in data["days"]]
    assert days == sorted(set(days))
    assert all(row["name"] for row in data["days"])
    assert {row["source"] for row in (*data["days"], *data["hours"])} <= set(data["sources"])
    assert all(date.fromisoformat(day).weekday() < 5 for day in days)
    assert KRX.name(date(2026, 7, 17)) == "제헌절"
    assert KRX.name(MONDAY) == ""


def test_the_calendar_says_how_far_it_knows() -> None:
    assert KRX.covers(date(2000, 1, 1))
    assert KRX.covers(date(2026, 12, 31))
    assert not KRX.covers(date(1999, 12, 31))
    assert not KRX.covers(date(2027, 1, 5))
    assert hours(KRX, "2027-01-05") == "09:00-15:30"  # an ordinary weekday for all we know
    assert hours(KRX, "2027-09-15") == "closed"  # Chuseok, expected by law before the exchange announces it
    assert ALWAYS.covers(date(1970, 1, 1))


@pytest.mark.filterwarnings("ignore:Series.values returning:Warning")  # the library's, not ours
def test_known_differences_from_exchange_calendars_are_all_there_are() -> None:
    library = pytest.importorskip("exchange_calendars")
    # Its last year must be whole: cut off at 2026-12-31 it takes 2026-12-30 for a first trading day.
    schedule = library.get_calendar("XKRX", start="2000-01-01", end="2027-06-30").schedule.loc[:"2026-12-31"]
    theirs = {
        opened.date().isoformat(): f"{row.open.astimezone(KST):%H:%M}-{row.close.astimezone(KST):%H:%M}"
        for opened, row in schedule.iterrows()
    }
    days = (date(2000, 1, 1) + timedelta(days=n) for n in range(9862))
    ours = {day.isoformat(): text for day in days if (text := hours(KRX, day.isoformat())) != "closed"}
    differences = {
        day: (theirs.get(day, "closed"), ours.get(day, "closed"))
        for day in sorted(theirs.keys() | ours.keys())
        if theirs.get(day) != ours.get(day)
    }
    late = ("09:00-15:30", "10:00-16:30")
    assert differences == {
        "2000-01-04": ("09:00-15:00", "10:00-15:00"),  # first trading day after the closure for the year 2000
        **dict.fromkeys(("2021-11-18", "2022-11-17", "2023-11-16", "2024-11-14", "2025-11-13", "2026-11-19"), late),
        "2026-06-03": ("09:00-15:30", "closed"),  # local elections
        "2026-07-17": ("09:00-15:30", "closed"),  # Constitution Day
    }


def test_the_exchange_was_open_exactly_on_the_days_with_prices() -> None:
    if not PRICES.is_dir():
        pytest.skip(f"no price history at {PRICES}")
    traded = set()
    for path in sorted(PRICES.glob("*.csv")):
        with path.open(newline="") as file:
            traded |= {date.fromisoformat(row["date"]) for row in DictReader(file)}
    first, last = KRX.coverage.first, max(traded)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    assert {day for day in days if KRX.session(day)} == {day for day in traded if day >= first}


def test_a_session_starts_on_its_opening_and_is_over_on_its_close() -> None:
    assert not KRX.is_open(kst("2026-11-16 08:59:59.999999"))
    assert KRX.is_open(kst("2026-11-16 09:00"))
    assert KRX.is_open(kst("2026-11-16 15:29:59.999999"))
    assert not KRX.is_open(kst("2026-11-16 15:30"))
    assert not KRX.is_open(kst("2026-11-19 09:30"))
    assert ALWAYS.is_open(kst("2026-11-14 03:00"))


def test_the_next_opening_skips_nights_weekends_and_holidays() -> None:
    assert KRX.next_open(kst("2026-11-16 08:00")) == kst("2026-11-16 09:00")
    assert KRX.next_open(kst("2026-11-16 09:00")) == kst("2026-11-16 09:00")
    assert KRX.next_open(kst("2026-11-16 09:01")) == kst("2026-11-17 09:00")
    assert KRX.next_open(kst("2026-11-18 16:00")) == kst("2026-11-19 10:00")
    assert KRX.next_open(kst("2026-09-23 16:00")) == kst("2026-09-28 09:00")  # Chuseok and a weekend
    assert KRX.next_open(kst("2026-11-16 00:30")).tzinfo is UTC


def test_a_calendar_that_never_opens_says_so() -> None:
    year = [TradingDayRow(MONDAY + timedelta(days=n), False, None, None, "x") for n in range(400)]
    with pytest.raises(NoSessionAhead):
        KRX.with_days(year).next_open(kst("2026-11-16 00:30"))


def test_the_trading_day_is_the_local_day_or_the_next_one_that_trades() -> None:
    assert KRX.trading_day(kst("2026-11-16 00:05")) == MONDAY  # still Sunday in UTC
    assert KRX.trading_day(kst("2026-11-16 15:30:10")) == MONDAY
    assert KRX.trading_day(kst("2026-11-14 12:00")) == MONDAY
    assert ALWAYS.trading_day(kst("2026-11-16 08:59")) == date(2026, 11, 15)
    assert ALWAYS.trading_day(kst("2026-11-16 09:00")) == MONDAY


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        KRX.is_open(datetime(2026, 11, 16, 10, 0))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize(
    ("interval", "at", "opened", "closed"),
    [
        ("1m", "2026-11-16 09:00:59", "09:00", "09:01"),
        ("5m", "2026-11-16 15:29:59", "15:25", "15:30"),
        ("1h", "2026-11-16 09:00", "09:00", "10:00"),
        ("1h", "2026-11-16 14:59:59.999999", "14:00", "15:00"),
        ("1h", "2026-11-16 15:00", "15:00", "15:30"),
        ("1h", "2026-11-19 10:30", "10:00", "11:00"),
        ("1h", "2026-11-19 16:10", "16:00", "16:30"),
        ("4h", "2026-11-16 13:00", "13:00", "15:30"),
        ("1d", "2026-11-16 11:00", "09:00", "15:30"),
        ("1d", "2026-11-19 11:00", "10:00", "16:30"),
    ],
)
def test_a_bar_counts_from_the_opening_and_ends_with_the_session(
    interval: str, at: str, opened: str, closed: str
) -> None:
    bounds = KRX.bar_bounds(Interval(interval), kst(at))
    assert bounds == (kst(f"{at[:10]} {opened}"), kst(f"{at[:10]} {closed}"))


def test_there_is_no_bar_outside_a_session() -> None:
    for at in ("2026-11-16 08:59", "2026-11-16 15:30", "2026-11-14 11:00", "2026-11-19 09:30"):
        assert KRX.bar_bounds(Interval.H1, kst(at)) is None


def test_bars_of_a_venue_that_never_closes_are_aligned_to_utc() -> None:
    at = datetime(2026, 11, 14, 7, 13, 20, tzinfo=UTC)
    assert ALWAYS.bar_bounds(Interval.H4, at) == (
        at.replace(hour=4, minute=0, second=0),
        at.replace(hour=8, minute=0, second=0),
    )
    assert ALWAYS.bar_bounds(Interval.D1, at) == (kst("2026-11-14 09:00"), kst("2026-11-15 09:00"))


instants = st.datetimes(datetime(1999, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(days=-30), timedelta(days=30))
sessions_near = st.integers(0, 9000).map(lambda n: KRX.next_open(kst("2000-01-03 00:00") + timedelta(days=n)))


@given(opened=sessions_near, interval=st.sampled_from(list(Interval)))
def test_the_bars_of_a_session_follow_one_another_without_gap_or_overlap(opened: datetime, interval: Interval) -> None:
    session = KRX.session_at(opened)
    assert session is not None
    bars, at = [], opened
    while at < session.closed_at:
        bounds = KRX.bar_bounds(interval, at)
        assert bounds is not None
        assert bounds[0] == at
        assert KRX.bar_bounds(interval, bounds[1] - timedelta(microseconds=1)) == bounds
        bars.append(bounds)
        at = bounds[1]
    assert at == session.closed_at
    assert all(earlier[1] == later[0] for earlier, later in pairwise(bars))


def test_imported_daily_bars_have_bounds_on_any_day() -> None:
    assert KRX.daily_bar_bounds(EXAM_DAY) == (kst("2026-11-19 10:00"), kst("2026-11-19 16:30"))
    assert KRX.daily_bar_bounds(date(1997, 3, 8)) == (kst("1997-03-08 09:30"), kst("1997-03-08 15:00"))  # a Saturday
    assert KRX.daily_bar_bounds(date(2026, 7, 17)) == (kst("2026-07-17 09:00"), kst("2026-07-17 15:30"))
    assert ALWAYS.daily_bar_bounds(MONDAY) == (kst("2026-11-16 09:00"), kst("2026-11-17 09:00"))


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-11-16 09:00", "2026-11-16 09:00", 0),
        ("2026-11-16 15:00", "2026-11-16 20:00", 1800),
        ("2026-11-16 15:00", "2026-11-17 09:10", 2400),
        ("2026-11-13 15:29:59.5", "2026-11-16 09:00:00.25", 0.75),
        ("2026-11-19 09:00", "2026-11-19 17:00", 6.5 * 3600),
        ("2026-09-24 00:00", "2026-09-28 09:00", 0),
        ("2026-11-16 09:10", "2026-11-16 09:00", -600),
    ],
)
def test_lateness_counts_session_time_alone(start: str, end: str, seconds: float) -> None:
    assert KRX.open_seconds(kst(start), kst(end)) == seconds


@given(start=instants, first=spans, second=spans)
def test_session_time_adds_up(start: datetime, first: timedelta, second: timedelta) -> None:
    middle, end = start + first, start + first + second
    whole = KRX.open_seconds(start, end)
    assert KRX.open_seconds(start, middle) + KRX.open_seconds(middle, end) == pytest.approx(whole, abs=1e-6)
    assert ALWAYS.open_seconds(start, middle) == first.total_seconds()


def test_an_edited_row_replaces_the_shipped_day_and_leaves_the_calendar_as_it_was() -> None:
    edited = KRX.with_days(
        [
            TradingDayRow(MONDAY, False, None, None, "임시공휴일"),
            TradingDayRow(date(2026, 7, 17), True, None, None, "개장"),
            TradingDayRow(date(2026, 11, 14), True, "10:30", "12:00", "토요일 개장"),
            TradingDayRow(date(2027, 1, 4), True, "10:00", None, "새해 첫 거래일"),
        ]
    )
    days = ("2026-11-16", "2026-07-17", "2026-11-14", "2027-01-04", "2026-11-19")
    assert [hours(edited, day) for day in days] == [
        "closed",
        "09:00-15:30",
        "10:30-12:00",
        "10:00-15:30",
        "10:00-16:30",
    ]
    assert hours(KRX, "2026-11-16") == "09:00-15:30"
    assert edited.name(MONDAY) == "임시공휴일"
    assert edited.covers(date(2027, 1, 4))
    assert not edited.covers(date(2027, 1, 5))
    assert edited.with_days([], covered_to=date(2027, 12, 31)).covers(date(2027, 1, 5))


@pytest.mark.parametrize(("opens", "closes"), [("15:30", "09:00"), ("16:00", None), ("10:00", "24:01"), ("ten", None)])
def test_a_row_with_impossible_hours_is_refused_when_it_arrives(opens: str, closes: str | None) -> None:
    with pytest.raises(ValueError, match=r"opens at|invalid|unpack"):
        KRX.with_days([TradingDayRow(MONDAY, True, opens, closes, "x")])
