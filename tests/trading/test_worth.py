"""What accounts were worth day by day (P07, P11): money paid in is no result, a missing price leaves the day out."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from brokers.models import BrokerAccount
from markets.models import Instrument, StoredBar
from markets.types import market_day
from tests import factories as make
from trading import worth
from trading.services.ledger import transfers
from trading.services.valuation.worth import worth_by_day
from trading.worth import Movements

D = Decimal
MONDAY = date(2026, 11, 16)


def days(*numbers: int) -> list[date]:
    return [MONDAY + timedelta(days=number) for number in numbers]


def test_a_day_counts_cash_and_units_at_the_last_close_known() -> None:
    moved = [Movements(MONDAY, cash=D(1000), paid_in=D(1000)), Movements(days(1)[0], cash=D(-500), units={"A": D(10)})]
    closes = {"A": {days(1)[0]: D(50), days(3)[0]: D(60)}}
    found = worth.worth_by_day(moved, closes, MONDAY, days(4)[0])
    assert [(day.on, day.value) for day in found] == list(
        zip(days(0, 1, 2, 3, 4), [D(1000), D(1000), D(1000), D(1100), D(1100)], strict=True)
    )
    assert [day.profit for day in found] == [0, 0, 0, 100, 100]


def test_what_is_paid_in_or_out_is_no_result() -> None:
    moved = [
        Movements(MONDAY, cash=D(1000), paid_in=D(1000)),
        Movements(days(1)[0], cash=D(1000), paid_in=D(1000)),
        Movements(days(2)[0], cash=D(-1900), paid_in=D(-1500)),  # 400 lost that day
    ]
    found = worth.worth_by_day(moved, {}, MONDAY, days(2)[0])
    assert worth.returns(found) == [(days(1)[0], D(0)), (days(2)[0], D(100) / D(500) - 1)]


def test_a_day_without_a_price_is_left_out_and_its_flow_is_not_forgotten() -> None:
    moved = [
        Movements(MONDAY, cash=D(100), paid_in=D(100)),
        Movements(days(1)[0], cash=D(50), paid_in=D(100), units={"A": D(1)}),
    ]
    found = worth.worth_by_day(moved, {"A": {days(2)[0]: D(60)}}, MONDAY, days(2)[0])
    assert [(day.on, day.value, day.flow) for day in found] == [(MONDAY, D(100), D(100)), (days(2)[0], D(210), D(100))]
    assert worth.returns(found) == [(days(2)[0], D(210) / D(200) - 1)]


def test_statistics_tell_the_best_and_the_worst_day_and_the_deepest_fall() -> None:
    daily = list(zip(days(0, 1, 2, 3), [D("0.10"), D("-0.20"), D("0"), D("0.05")], strict=True))
    told = worth.statistics(daily)
    assert told is not None
    assert (told.best, told.worst) == (daily[0], daily[1])
    assert (told.up, told.down) == (2, 1)
    assert told.deepest == D("-0.2")
    assert worth.statistics([]) is None


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=20))
def test_no_fall_is_deeper_than_from_the_highest_height_to_the_lowest_after_it(per_mille: list[int]) -> None:
    rates = [D(rate) / 1000 for rate in per_mille]
    told = worth.statistics([(MONDAY + timedelta(days=n), rate) for n, rate in enumerate(rates)])
    assert told is not None
    heights = [Fraction(1)]
    for rate in rates:
        heights.append(heights[-1] * (1 + Fraction(rate)))
    falls = [later / earlier - 1 for n, earlier in enumerate(heights) for later in heights[n:]]
    assert abs(Fraction(told.deepest) - min(falls)) < Fraction(1, 10**20)


def test_what_happened_before_the_first_day_shown_is_in_its_value() -> None:
    moved = [Movements(MONDAY, cash=D(100), paid_in=D(100)), Movements(days(2)[0], cash=D(5))]
    found = worth.worth_by_day(moved, {}, days(3)[0], days(4)[0])
    assert [(day.value, day.paid_in) for day in found] == [(D(105), D(100)), (D(105), D(100))]
    assert worth.returns(found) == [(days(4)[0], D(0))]


def test_months_are_days_one_upon_the_other() -> None:
    daily = [(date(2026, 10, 30), D("0.1")), (date(2026, 11, 2), D("0.5")), (date(2026, 11, 3), D("-0.5"))]
    assert worth.by_month(daily) == {(2026, 10): D("0.1"), (2026, 11): D("-0.25")}
    assert worth.total(daily) == D("1.1") * D("0.75") - 1


amounts = st.integers(-(10**12), 10**12).map(Decimal)


@given(moves=st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=10), price=st.integers(1, 10**6))
def test_the_last_evening_is_the_sum_of_everything(moves: list[tuple[Decimal, ...]], price: int) -> None:
    moved = [
        Movements(MONDAY + timedelta(days=number), cash, paid, {"A": units})
        for number, (cash, paid, units) in enumerate(moves)
    ]
    found = worth.worth_by_day(moved, {"A": {MONDAY: D(price)}}, MONDAY, moved[-1].on)
    cash, paid, units = (sum(map(Fraction, column)) for column in zip(*moves, strict=True))
    assert (Fraction(found[-1].value), Fraction(found[-1].paid_in)) == (cash + units * price, paid)
    assert sum(Fraction(day.flow) for day in found) == paid


# From the books


@pytest.fixture
def instrument(db: None) -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    return instrument


def close_at(instrument: Instrument, at: datetime, close: float) -> None:
    seconds = int(at.timestamp())
    StoredBar.objects.create(
        instrument=instrument, interval="1d", source=instrument.source, opened_at=seconds - 3600, closed_at=seconds,
        open=close, high=close, low=close, close=close, volume=1,
    )  # fmt: skip


def test_the_books_and_daily_bars_tell_each_evening(instrument: Instrument) -> None:
    account: BrokerAccount = make.make_account(make.make_user(), 1_000_000)
    make.hold(account, instrument, 10, 70_000)
    close_at(instrument, make.NOW, 71_000)
    (found,) = worth_by_day([account], 30)
    assert [(day.on, day.paid_in) for day in found.days] == [(market_day(make.NOW), D(1_000_000))]
    make.put_price(instrument, 72_000, make.NOW + timedelta(days=2))
    transfers.deposit(account, Decimal(5_000), "more", make.NOW + timedelta(days=2))
    (found,) = worth_by_day([account], 30)
    costs = 1_000_000 - 700_000 - make.balances(account)["available KRW"] + 5_000
    assert [day.value for day in found.days] == [
        1_010_000 - costs, 1_010_000 - costs, 1_025_000 - costs
    ]  # fmt: skip
    assert found.today == 10_000


def test_currencies_stand_side_by_side_and_an_empty_account_is_left_out(instrument: Instrument) -> None:
    user = make.make_user()
    accounts = [make.make_account(user, "0.5", currency="BTC", name="코인"), make.make_account(user, 7, name="원")]
    assert [each.currency for each in worth_by_day(accounts, 30)] == ["KRW", "BTC"]
    assert worth_by_day([], 30) == []


def test_as_many_queries_for_ten_accounts_as_for_one(
    instrument: Instrument, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    user = make.make_user()
    accounts = [make.make_account(user, 1_000_000, name=f"계좌 {number}") for number in range(10)]
    for account in accounts:
        make.hold(account, instrument, 1, 70_000)
    with django_assert_max_num_queries(7):
        worth_by_day(accounts, 30)
