"""T+2: what a sale brings buys again at once, and leaves the account two trading days later (G12, P09)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Side, Source
from tests import factories as make
from tests.factories import facts
from trading import services
from trading.errors import OrderRefused
from trading.services.ledger.settlement_dates import Receivable

pytestmark = pytest.mark.django_db
NET = Decimal(700_000 - 105 - 1_400)  # 10 × 70,000 less fee and tax
WEDNESDAY, THURSDAY, FRIDAY = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)


@pytest.fixture
def account(instrument: Instrument) -> BrokerAccount:
    """Ten shares and nothing else: the cash they cost was all there was."""
    account = make.make_account(make.make_user(), 700_105)
    make.hold(account, instrument, 10, 70_000)
    return account


def sell(account: BrokerAccount, instrument: Instrument, quantity: int, price: int, at: datetime = make.NOW) -> None:
    make.put_price(instrument, price, at)
    asked = {"side": Side.SELL, "quantity": Decimal(quantity), "limit_price": Decimal(price)}
    order = make.accept(make.place(account, instrument, **asked))
    services.match_virtual(instrument, make.make_book(instrument, price, at=at + timedelta(seconds=1)))
    assert make.fresh(order).state == "filled"


def test_a_sale_is_receivable_and_buys_at_once(account: BrokerAccount, instrument: Instrument) -> None:
    sell(account, instrument, 10, 70_000)
    portfolio = services.portfolio(account)
    assert portfolio.receivables == (Receivable(FRIDAY, "KRW", NET),)
    assert facts(portfolio.cash_available, portfolio.receivable, portfolio.withdrawable) == (NET, NET, 0)
    assert make.place(account, instrument, quantity=Decimal(9), limit_price=Decimal(70_000)).state == "pending"


@pytest.mark.parametrize(
    ("at", "free"),
    [
        (datetime(2026, 3, 5, 14, 59, 59, tzinfo=UTC), 0),  # 23:59:59 on Thursday in Seoul
        (datetime(2026, 3, 5, 15, 0, tzinfo=UTC), NET),
    ],
)
def test_it_may_be_withdrawn_from_the_day_it_settles(
    account: BrokerAccount, instrument: Instrument, at: datetime, free: Decimal
) -> None:
    sell(account, instrument, 10, 70_000)
    make.set_clock(at)
    assert services.portfolio(account).withdrawable == free


def test_a_withdrawal_is_refused_with_the_day_on_which_it_will_be_possible(
    account: BrokerAccount, instrument: Instrument
) -> None:
    """Six sold on Wednesday, four on Thursday: the day is that of the amount asked for, not of the last sale."""
    sell(account, instrument, 6, 70_000)
    sell(account, instrument, 4, 70_000, make.NOW + timedelta(days=1))
    first, second = services.portfolio(account).receivables
    assert (first.settles_on, second.settles_on) == (FRIDAY, date(2026, 3, 9))
    for amount, day in ((Decimal(1), "2026-03-06"), (first.amount, "2026-03-06"), (first.amount + 1, "2026-03-09")):
        with pytest.raises(OrderRefused, match="not_settled_yet") as refused:
            services.withdraw(account, amount, "w", make.NOW)
        owed = first.amount + second.amount
        assert refused.value.facts == {"needed": amount, "available": 0, "receivable": owed, "settles_on": day}
    with pytest.raises(OrderRefused, match="insufficient_cash"):
        services.withdraw(account, first.amount + second.amount + 1, "w", make.NOW)
    assert make.balances(account)["available KRW"] == first.amount + second.amount
    make.set_clock(datetime(2026, 3, 6, 2, 0, tzinfo=UTC))
    assert services.withdraw(account, first.amount, "w", make.NOW) is not None


def test_money_that_came_otherwise_stays_free(account: BrokerAccount, instrument: Instrument) -> None:
    services.deposit(account, Decimal(5_000), "d", make.NOW)
    sell(account, instrument, 10, 70_000)
    assert services.portfolio(account).withdrawable == 5_000
    assert services.withdraw(account, Decimal(5_000), "w", make.NOW) is not None


def test_a_coin_settles_as_it_trades() -> None:
    coin = make.make_btc_pair()
    make.put_price(coin, "0.04")
    account = make.make_account(make.make_user(), "1", "BTC")
    make.hold(account, coin, "2", Decimal("0.04"))
    asked = {"side": Side.SELL, "quantity": Decimal(2), "limit_price": Decimal("0.04")}
    make.accept(make.place(account, coin, **asked))
    services.match_virtual(coin, make.make_book(coin, "0.04"))
    portfolio = services.portfolio(account)
    assert portfolio.receivables == ()
    assert portfolio.withdrawable == portfolio.cash_available


def test_a_replay_settles_in_its_own_time(account: BrokerAccount, instrument: Instrument) -> None:
    sell(account, instrument, 10, 70_000)
    make.set_clock(datetime(2026, 3, 9, 2, 0, tzinfo=UTC), source=Source.REPLAY)
    Instrument.objects.update(source=Source.REPLAY)
    assert services.portfolio(account).withdrawable == NET
    make.set_clock(datetime(2026, 3, 5, 2, 0, tzinfo=UTC), source=Source.REPLAY)
    assert services.portfolio(account).withdrawable == 0
    make.set_clock(datetime(1998, 3, 5, 2, 0, tzinfo=UTC), source=Source.REPLAY)
    assert services.portfolio(account).withdrawable == NET, "a sale from an earlier run of the market"


def test_somebody_elses_sale_is_nobody_elses_money(account: BrokerAccount, instrument: Instrument) -> None:
    other = make.make_account(account.user)
    sell(account, instrument, 10, 70_000)
    mine, others = services.portfolios(account.user)
    assert facts(mine.receivable, others.receivable) == (NET, 0)
    assert others.account == other


def test_what_was_sold_before_a_reset_is_history(account: BrokerAccount, instrument: Instrument) -> None:
    sell(account, instrument, 6, 70_000)
    services.reset_account(account.user, account, Decimal(1_000_000), "again")
    assert services.portfolio(account).receivables == ()
    make.hold(account, instrument, 2, 70_000)
    sell(account, instrument, 2, 70_000)
    (owed,) = services.portfolio(account).receivables
    assert owed.amount == 140_000 - 21 - 280
    assert owed.settles_on == FRIDAY
