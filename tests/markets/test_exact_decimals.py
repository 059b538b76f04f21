"""Money is the same number coming out of the database as it was going in, and is compared as a number (I20, O05)."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Max, Min, Sum
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from brokers.models import BrokerAccount
from markets.models import ExactSum, Instrument
from markets.models.fields import exact
from tests import factories as make
from trading.models import Balance

pytestmark = pytest.mark.django_db
numbers = st.decimals(min_value=-(10**20) + 1, max_value=10**20 - 1, allow_nan=False, places=18) | st.decimals(
    min_value=-(10**12), max_value=10**12, places=8
)


@pytest.fixture
def account() -> BrokerAccount:
    return make.make_account(make.make_user())


def store(account: BrokerAccount, *amounts: Decimal | str) -> None:
    Balance.objects.all().delete()
    Balance.objects.bulk_create(
        Balance(broker_account=account, bucket="external", asset=f"X{n}", amount=Decimal(amount))
        for n, amount in enumerate(amounts)
    )


def stored() -> list[Decimal]:
    return list(Balance.objects.order_by("id").values_list("amount", flat=True))


def test_the_number_a_float_would_lose_comes_back(account: BrokerAccount) -> None:
    store(account, "123456789012.12345678")
    assert str(stored()[0]) == "123456789012.12345678"


@pytest.mark.parametrize(
    ("given_", "shown"),
    [("1E+5", "100000"), ("1.500", "1.5"), ("-0", "0"), ("0.000", "0"), ("1e-18", "1E-18"), ("7" + "0" * 19, "7" + "0" * 19),
     ("1." + "0" * 40, "1"), ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678")],
)  # fmt: skip
def test_a_number_has_one_spelling(account: BrokerAccount, given_: str, shown: str) -> None:
    store(account, given_)
    assert str(stored()[0]) == shown


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(numbers, min_size=100, max_size=100))
@example(
    values=[Decimal(10**20 - 1), Decimal("1e-18"), Decimal(0), Decimal("-99999999999999999999.999999999999999999")]
)
def test_ten_thousand_numbers_come_back_the_same(account: BrokerAccount, values: list[Decimal]) -> None:
    store(account, *values)
    assert stored() == values


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(numbers, min_size=2, max_size=20), bound=numbers)
def test_the_database_compares_and_orders_numbers_not_spelling(
    account: BrokerAccount, values: list[Decimal], bound: Decimal
) -> None:
    store(account, *values)
    rows = Balance.objects.all()
    assert list(rows.order_by("amount").values_list("amount", flat=True)) == sorted(values)
    assert rows.filter(amount__gt=bound).count() == sum(value > bound for value in values)
    assert rows.filter(amount__lte=bound).count() == sum(value <= bound for value in values)
    assert rows.filter(amount=values[0]).count() == values.count(values[0])


def test_nine_is_less_than_ten(account: BrokerAccount) -> None:
    store(account, "9", "10", "-9", "-10", "9.5")
    ordered = Balance.objects.order_by("amount").values_list("amount", flat=True)
    assert list(ordered) == [Decimal(each) for each in ("-10", "-9", "9", "9.5", "10")]


def test_a_check_counts(account: BrokerAccount) -> None:
    """On text, '-0.5' >= '0' and '10' < '9' would be questions of spelling."""
    for amount in ("0", "10", "0.00000001"):
        Balance.objects.filter(bucket="available").update(amount=Decimal(amount))
    for amount in ("-0.000000000000000001", "-10", "-9"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Balance.objects.filter(bucket="available").update(amount=Decimal(amount))


def test_a_check_compares_two_columns_as_numbers() -> None:
    """filled_quantity <= quantity: 9 of 10."""
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    order = make.place(make.make_account(make.make_user()), instrument, quantity=Decimal(10))
    type(order).objects.filter(pk=order.pk).update(filled_quantity=Decimal(9))
    with pytest.raises(IntegrityError), transaction.atomic():
        type(order).objects.filter(pk=order.pk).update(filled_quantity=Decimal("10.5"))


def test_the_lot_of_an_instrument_is_above_zero() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make.make_instrument(lot=Decimal(0))


@pytest.mark.parametrize(
    "value",
    [0.1, 1.0, float("nan"), True, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), "nan", "abc", "", [], "1e400",
     Decimal(10) ** 20, -(Decimal(10) ** 20), Decimal("1e-19"), Decimal("1e-999999"), Decimal("1e999999"),
     "1.0000000000000000001"],
)  # fmt: skip
def test_what_is_no_exact_number_is_refused(account: BrokerAccount, value: Any) -> None:
    balance = Balance.objects.get(bucket="available")
    balance.amount = value
    with pytest.raises(ValidationError), transaction.atomic():
        balance.save()
    with pytest.raises(ValidationError):
        exact(value)
    balance.refresh_from_db()
    assert balance.amount == make.CASH


@pytest.mark.parametrize("expression", [F("amount") + 1, F("amount") - Decimal(1), F("amount") * 2])
def test_arithmetic_in_sql_is_refused(account: BrokerAccount, expression: Any) -> None:
    """SQLite would do it in floats."""
    with pytest.raises(FieldError), transaction.atomic():
        Balance.objects.filter(bucket="available").update(amount=expression)
    with pytest.raises(FieldError):
        list(Balance.objects.annotate(more=expression))
    assert Balance.objects.get(bucket="available").amount == make.CASH


def test_a_column_may_be_copied_and_rows_updated_in_bulk(account: BrokerAccount) -> None:
    rows = list(Balance.objects.order_by("id"))
    for row in rows:
        row.amount = abs(row.amount) / 8
    Balance.objects.bulk_update(rows, ["amount"])
    assert stored() == [row.amount for row in rows]
    Balance.objects.update(amount=F("amount"))
    assert stored() == [row.amount for row in rows]


def test_a_sum_in_sql_is_exact_or_an_error(account: BrokerAccount) -> None:
    """SQLite sums in floats: loudly refused, never shown."""
    store(account, "9", "123456789012.12345678", "10")
    if connection.vendor == "sqlite":
        with pytest.raises(ValidationError):
            Balance.objects.aggregate(Sum("amount"))
    else:
        assert Balance.objects.aggregate(total=Sum("amount")) == {"total": Decimal("123456789031.12345678")}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(
        st.decimals(min_value=-(10**18), max_value=10**18, allow_nan=False, places=18), min_size=1, max_size=20
    )
)
def test_an_exact_sum_is_that_of_the_numbers(account: BrokerAccount, values: list[Decimal]) -> None:
    store(account, *values)
    total = Balance.objects.aggregate(total=ExactSum("amount"))["total"]
    assert Fraction(total) == sum(map(Fraction, values))  # Python's own sum would round to 28 digits
    by_asset = dict(Balance.objects.order_by().values_list("asset").annotate(ExactSum("amount")))
    assert by_asset == {f"X{n}": value for n, value in enumerate(values)}


def test_an_exact_sum_of_nothing_is_nothing_and_one_too_large_an_error(account: BrokerAccount) -> None:
    store(account, Decimal(10**20 - 1), Decimal(10**20 - 1))
    assert Balance.objects.filter(asset="none").aggregate(total=ExactSum("amount")) == {"total": None}
    with pytest.raises(ValidationError):
        Balance.objects.aggregate(total=ExactSum("amount"))


def test_the_largest_and_smallest_are_exact(account: BrokerAccount) -> None:
    store(account, "9", "123456789012.12345678", "10")
    seen = Balance.objects.aggregate(most=Max("amount"), least=Min("amount"))
    assert seen == {"most": Decimal("123456789012.12345678"), "least": Decimal(9)}


def test_null_stays_null() -> None:
    """An instrument without a price limit."""
    instrument = make.make_instrument(price_limit_rate=None)
    assert Instrument.objects.get(pk=instrument.pk).price_limit_rate is None
    assert Instrument.objects.filter(price_limit_rate__isnull=True).count() == 1


def test_the_column_is_exact_in_this_database(account: BrokerAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT amount FROM trading_balance WHERE bucket = 'available'")
        (raw,) = cursor.fetchone()
    assert raw == ("10000000" if connection.vendor == "sqlite" else Decimal(10_000_000))
