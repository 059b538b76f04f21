"""The portfolio (P07, P11): every evening, where the money lies, what each instrument brought, as a page and as a file."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.trading.test_worth import close_at
from trading import services
from trading.services.valuation.results import results_by_instrument

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(instrument: Instrument, client: Client) -> User:
    user = make.make_user()
    account = make.make_account(user, 10_000_000)
    make.hold(account, instrument, 10, 70_000)
    close_at(instrument, make.NOW, 70_000)
    make.put_price(instrument, 71_000, make.NOW + timedelta(days=1))
    client.force_login(user)
    return user


def test_what_an_instrument_brought_is_what_the_books_say(user: User, instrument: Instrument) -> None:
    account = user.broker_accounts.get()
    sale = make.accept(
        make.place(account, instrument, side=Side.SELL, quantity=Decimal(4), limit_price=Decimal(71_000))
    )
    services.match_virtual(instrument, make.make_book(instrument, 71_000, at=make.NOW + timedelta(days=1, seconds=1)))
    sale = make.fresh(sale)
    (result,) = results_by_instrument(user)
    assert (result.fills, result.bought, result.sold) == (2, Decimal(700_000), sale.filled_amount)
    costs = result.fees + result.taxes
    assert costs > 0
    assert result.realised == sale.filled_amount - 4 * 70_000 - costs
    assert result.realised == sum(each.realised for each in services.portfolios(user))


def test_the_page_shows_the_currency_its_days_and_where_it_lies(client: Client, user: User) -> None:
    page = client.get("/portfolio/?days=30").content.decode()
    for text in ("날마다의 평가 금액", "삼성전자", "현금", "종목마다 실현 손익", 'role="img"'):
        assert text in page
    assert client.get("/portfolio/?days=wrong").status_code == 200


def test_the_file_has_one_line_per_evening(client: Client, user: User) -> None:
    response = client.get("/portfolio/history.csv")
    assert "attachment" in response["Content-Disposition"]
    lines = response.getvalue().decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[1].split(",")[1:4:2] == ["KRW", "10000000"]


def test_others_see_nothing_of_it_and_a_newcomer_is_told_what_to_do(client: Client, user: User) -> None:
    client.force_login(make.make_user())
    page = client.get("/portfolio/").content.decode()
    assert "삼성전자" not in page
    assert "모의 계좌 열기" in page
    client.logout()
    assert client.get("/portfolio/").status_code == 302


def test_the_page_costs_few_queries(
    client: Client, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(30):
        client.get("/portfolio/")
