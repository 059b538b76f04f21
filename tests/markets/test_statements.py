"""SQL kept from call to call: the same rows as Django's own queries, in either database."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from brokers.models import BrokerAccount
from markets.models import LatestQuote, Statements
from tests import factories as make
from trading.models import Journal, Order, OrderEvent, Posting

pytestmark = pytest.mark.django_db


def values(row: object) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def test_a_row_read_is_the_row_django_reads() -> None:
    account = make.make_account(make.make_user())
    quote = make.put_price(make.make_instrument(), Decimal("70000.5"), bid=Decimal("0.00000001"))
    read = Statements(BrokerAccount).first("id = %s AND user_id = %s", [account.pk, account.user_id])
    assert read is not None
    assert values(read) == values(BrokerAccount.objects.get(pk=account.pk))
    priced = Statements(LatestQuote).first("instrument_id = %s", [quote.instrument_id])
    assert priced is not None
    assert values(priced) == values(LatestQuote.objects.get(pk=quote.pk))


def test_a_time_is_compared_as_the_column_keeps_it() -> None:
    account = make.make_account(make.make_user())
    accounts = Statements(BrokerAccount)
    moment = account.created_at
    assert accounts.read("id = %s AND created_at <= %s", [account.pk, moment]) == [account]
    assert accounts.read("id = %s AND created_at >= %s", [account.pk, moment]) == [account]
    assert accounts.read("id = %s AND created_at < %s", [account.pk, moment]) == []


def test_what_is_not_there_is_none() -> None:
    assert Statements(BrokerAccount).first("id = %s", [uuid4()]) is None


def test_a_row_written_reads_back_as_it_was() -> None:
    account, instrument = make.make_account(make.make_user()), make.make_instrument()
    order = Order(
        id=uuid4(), client_id="c" * 32, user=account.user, broker_account=account, instrument=instrument, side="buy",
        quantity=Decimal("123456789012.12345678"), order_type="limit", limit_price=Decimal("1e-8"), time_in_force="day",
        state="pending", facts={"말": "값"}, client_key="key", request_hash="h", market_at=make.NOW,
    )  # fmt: skip
    assert Statements(Order).insert([order]) == 1
    kept = Order.objects.get(pk=order.pk)
    assert values(kept) == values(order)
    assert kept.created_at is not None  # what the field itself fills in


def test_several_rows_are_one_statement(django_assert_num_queries: object) -> None:
    account = make.make_account(make.make_user())
    journal = Statements(Journal).insert_numbered(
        Journal(broker_account=account, kind="deposit", source="a", at=make.NOW)
    )
    assert journal.pk == Journal.objects.get(source="a").pk
    lines = [Posting(journal=journal, bucket="x", asset="KRW", amount=Decimal(number)) for number in (5, -5)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert Statements(Posting).insert(lines) == 2
    assert list(journal.postings.values_list("amount", flat=True)) == [Decimal(5), Decimal(-5)]


def test_a_conflict_is_an_error_unless_the_statement_says_what_to_do() -> None:
    account = make.make_account(make.make_user())

    def again() -> Journal:
        return Journal(broker_account=account, kind="deposit", source="a", at=datetime(2026, 3, 4, tzinfo=UTC))

    journals = Statements(Journal)
    assert journals.insert([again()]) == 1
    assert journals.insert([again()], "ON CONFLICT DO NOTHING") == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        journals.insert([again()])


def test_a_row_written_is_no_longer_new() -> None:
    account = make.make_account(make.make_user())
    order = make.place(account, make.put_price(make.make_instrument(), 70_000).instrument)
    event = OrderEvent(order=order, state="pending", origin="place", market_at=make.NOW)
    Statements(OrderEvent).insert([event])
    order.version += 1
    order.save()  # an update, not a second row
    assert Order.objects.count() == 1
