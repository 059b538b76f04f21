"""Play money in and out, and what an account is worth (P01, P09)."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Role
from brokers.models import BrokerAccount
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from trading import services
from trading.errors import NotAllowed, OrderRefused
from trading.models import Balance, Journal

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> BrokerAccount:
    return make.make_account(make.make_user())


def test_an_account_opens_with_its_money_booked() -> None:
    account = make.make_account(make.make_user(), 5_000_000)
    assert make.balances(account) == {"external KRW": Decimal(-5_000_000), "available KRW": Decimal(5_000_000)}
    portfolio = services.portfolio(account)
    assert facts(portfolio.total_value, portfolio.deposited, portfolio.profit, portfolio.profit_rate) == (
        5_000_000,
        5_000_000,
        0,
        0,
    )


def test_a_viewer_opens_none() -> None:
    with pytest.raises(NotAllowed):
        make.make_account(make.make_user(role=Role.VIEWER))
    assert not BrokerAccount.objects.exists()


def test_a_second_account_of_the_same_name_is_refused(account: BrokerAccount) -> None:
    with pytest.raises(OrderRefused, match="name_taken"):
        make.make_account(account.user, name=account.name)
    assert make.make_account(make.make_user(), name=account.name).name == account.name


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"cash": "NaN"}, "bad_amount"),
        ({"cash": "Infinity"}, "bad_amount"),
        ({"cash": "0"}, "bad_amount"),
        ({"cash": "-1"}, "bad_amount"),
        ({"cash": "1e400"}, "bad_amount"),
        ({"cash": "1e20"}, "bad_amount"),
        ({"cash": "0.5"}, "bad_amount"),
        ({"cash": "1e-9", "currency": "BTC"}, "bad_amount"),
        ({"cash": "1", "currency": "XXX"}, "unknown_currency"),
        ({"cash": "1", "currency": "X" * 20}, "unknown_currency"),
        ({"name": " "}, "name_missing"),
        ({"name": "n" * 65}, "name_missing"),
    ],
)
def test_what_cannot_be_an_account_leaves_nothing_behind(given: dict[str, Any], code: str) -> None:
    user = make.make_user()
    with pytest.raises(OrderRefused, match=code):
        make.make_account(user, **given)
    assert not BrokerAccount.objects.exists()
    assert not Journal.objects.exists()


def test_a_deposit_told_twice_is_one_deposit(account: BrokerAccount) -> None:
    assert services.deposit(account, Decimal(1000), "d1", make.NOW) is not None
    assert services.deposit(account, Decimal(1000), "d1", make.NOW) is None
    assert make.balances(account)["available KRW"] == make.CASH + 1000


def test_a_withdrawal_takes_what_is_free_and_no_more(account: BrokerAccount) -> None:
    services.withdraw(account, Decimal(4_000_000), "w1", make.NOW)
    with pytest.raises(OrderRefused, match="insufficient_cash") as refused:
        services.withdraw(account, Decimal(6_000_001), "w2", make.NOW)
    assert refused.value.facts == {"needed": 6_000_001, "available": 6_000_000}
    services.withdraw(account, Decimal(6_000_000), "w3", make.NOW)
    assert make.balances(account) == {}
    assert services.withdraw(account, Decimal(6_000_000), "w3", make.NOW) is None, "told twice"


def test_what_is_reserved_cannot_be_withdrawn(account: BrokerAccount) -> None:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    order = make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000))
    with pytest.raises(OrderRefused, match="insufficient_cash"):
        services.withdraw(account, make.CASH - order.reserved + 1, "w", make.NOW)


@pytest.mark.parametrize("move", [services.deposit, services.withdraw])
def test_a_real_accounts_money_is_the_brokers_business(move: Any) -> None:
    live = make.make_live_account(make.make_user())
    with pytest.raises(OrderRefused, match="not_a_virtual_account"):
        move(live, Decimal(1000), "x", make.NOW)
    assert not Balance.objects.exists()


def test_a_portfolio_counts_cash_holdings_and_profit(account: BrokerAccount) -> None:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    make.hold(account, instrument, 10, 70_000)
    make.place(account, instrument, side=Side.SELL, quantity=Decimal(4), limit_price=Decimal(80_000))
    make.place(account, instrument, quantity=Decimal(1), limit_price=Decimal(60_000))
    make.put_price(instrument, 71_000)
    portfolio = services.portfolio(account)
    (position,) = portfolio.positions
    assert facts(position.quantity, position.reserved, position.average_cost, position.unrealised) == (
        10,
        4,
        70_000,
        10_000,
    )
    assert facts(portfolio.cash_available, portfolio.cash_reserved) == (make.CASH - 700_105 - 60_009, 60_009)
    assert facts(portfolio.total_value, portfolio.profit) == (make.CASH - 105 + 10_000, 9_895)
    assert portfolio.realised == -105


def test_a_statement_shows_the_newest_first(account: BrokerAccount) -> None:
    services.deposit(account, Decimal(1000), "d1", make.NOW)
    kinds = [(journal.kind, len(journal.postings.all())) for journal in services.statement(account)]
    assert kinds == [("deposit", 2), ("deposit", 2)]
    assert services.statement(make.make_account(make.make_user())).count() == 1
