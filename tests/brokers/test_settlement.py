"""G12: a sale on KRX may be withdrawn two trading days later, by the dated calendar; a coin's at once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.virtual.settlement import delaying_calendars, first_unsettled, settles_on
from markets.calendars import Calendar, TradingDayRow, load_default
from markets.dated import NoRuleInForce, Period

KRX, ALWAYS = load_default()["krx"], load_default()["always"]
DAYS = st.dates(date(2000, 6, 1), date(2026, 12, 20))


@pytest.mark.parametrize(
    ("sold", "settles"),
    [
        ("2026-03-04", "2026-03-06"),  # Wednesday, Friday
        ("2026-03-05", "2026-03-09"),  # over a weekend
        ("2026-02-12", "2026-02-19"),  # over Lunar New Year: 16 to 18 are closed
        ("2026-03-07", "2026-03-10"),  # a simulated market may trade on a Saturday
    ],
)
def test_two_trading_days_pass(sold: str, settles: str) -> None:
    assert settles_on(KRX, date.fromisoformat(sold)) == date.fromisoformat(settles)


def test_a_day_closed_by_a_reviewed_row_moves_the_date() -> None:
    closed = KRX.with_days([TradingDayRow(date(2026, 3, 5), False, None, None, "임시 휴장")])
    assert settles_on(closed, date(2026, 3, 4)) == date(2026, 3, 9)


def test_a_coin_settles_as_it_trades() -> None:
    assert settles_on(ALWAYS, date(2026, 3, 4)) == date(2026, 3, 4)
    assert delaying_calendars() == ("krx",)


def test_a_venue_we_know_nothing_of_is_not_guessed() -> None:
    unknown = Calendar(
        "mars", utc_offset=timedelta(0), weekdays=frozenset(range(7)), hours=[], coverage=Period(date.min, date.max)
    )
    with pytest.raises(NoRuleInForce):
        settles_on(unknown, date(2026, 3, 4))


@given(today=DAYS, earlier=st.integers(0, 20))
def test_no_sale_before_the_first_unsettled_day_is_still_waiting(today: date, earlier: int) -> None:
    sold = today - timedelta(days=earlier)
    is_waiting = settles_on(KRX, sold) > today
    assert is_waiting == (sold >= first_unsettled(KRX, today))
