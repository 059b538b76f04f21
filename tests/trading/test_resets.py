"""P09: a virtual account begins anew: nothing open, nothing held, a fresh profit, and its whole history still there."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Role
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from trading import services
from trading.errors import NotAllowed, OrderRefused, SameKeyOtherRequest
from trading.models import Fill, Journal, Order, OrderChange, SwingPlan
from trading.services.ledger.audit import check_books

pytestmark = pytest.mark.django_db
FRESH = Decimal(3_000_000)


@pytest.fixture
def account(instrument: Instrument) -> BrokerAccount:
    """Ten shares bought, four of them on sale, a buy waiting to be sent, another resting."""
    account = make.make_account(make.make_user())
    make.hold(account, instrument, 10, 70_000)
    make.accept(make.place(account, instrument, side=Side.SELL, quantity=Decimal(4), limit_price=Decimal(80_000)))
    make.accept(make.place(account, instrument, quantity=Decimal(2), limit_price=Decimal(60_000)))
    make.place(account, instrument, quantity=Decimal(3), limit_price=Decimal(65_000))
    return account


def reset(account: BrokerAccount, cash: Decimal = FRESH, key: str = "begin anew") -> Journal:
    return services.reset_account(account.user, account, cash, key)


def test_an_account_begins_anew(account: BrokerAccount) -> None:
    """I16, I17, I18: cash and units leave as they came, and the profit counts from here."""
    journal = reset(account)
    assert make.balances(account) == {"external KRW": -FRESH, "available KRW": FRESH}
    portfolio = services.portfolio(account)
    assert facts(portfolio.deposited, portfolio.profit, portfolio.realised, portfolio.positions) == (FRESH, 0, 0, ())
    assert facts(journal.kind, journal.at) == ("reset", make.NOW)
    assert check_books().differences == ()


def test_every_open_order_ends_and_says_why(account: BrokerAccount) -> None:
    reset(account)
    ended = Order.objects.exclude(state="filled").order_by("created_at").values_list("state", "reason", "reserved")
    assert list(ended) == [
        ("canceled", "account_reset", Decimal(0)),
        ("canceled", "account_reset", Decimal(0)),
        ("withdrawn", "account_reset", Decimal(0)),
    ]


def test_history_stays(account: BrokerAccount) -> None:
    booked, fills = list(Journal.objects.values_list("pk", flat=True)), Fill.objects.count()
    reset(account)
    assert set(booked) < set(Journal.objects.values_list("pk", flat=True))
    assert Fill.objects.count() == fills == 1


def test_the_same_key_is_one_reset(account: BrokerAccount) -> None:
    """G06."""
    assert reset(account) == reset(account)
    assert Journal.objects.filter(kind="reset").count() == 1
    with pytest.raises(SameKeyOtherRequest):
        reset(account, FRESH + 1)
    assert services.portfolio(account).total_value == FRESH


def test_it_can_begin_anew_again(account: BrokerAccount, instrument: Instrument) -> None:
    reset(account)
    make.hold(account, instrument, 5, 70_000)
    assert services.portfolio(account).profit == -52
    assert check_books().differences == ()
    reset(account, Decimal(1), "once more")
    assert facts(services.portfolio(account).total_value, services.portfolio(account).profit) == (1, 0)
    assert check_books().differences == ()


def test_an_empty_account_can_begin_anew(instrument: Instrument) -> None:
    account = make.make_account(make.make_user(), 5)
    services.withdraw(account, Decimal(5), "w", make.NOW)
    reset(account)
    assert services.portfolio(account).deposited == FRESH


def test_only_this_account_begins_anew(account: BrokerAccount) -> None:
    other = make.make_account(account.user, 123)
    reset(account)
    assert services.portfolio(other).total_value == 123


def test_a_running_plan_keeps_its_account(account: BrokerAccount, instrument: Instrument) -> None:
    plan = make.make_plan(account, instrument, name="돌아가는 것")
    before = make.balances(account)
    for mode in ("on", "shadow"):
        SwingPlan.objects.update(mode=mode)
        with pytest.raises(OrderRefused, match="plan_running") as refused:
            reset(account)
        assert refused.value.facts == {"plan": plan.name}
    assert make.balances(account) == before
    assert Order.objects.open().count() == 3


@pytest.mark.parametrize("state", ["submitted", "unknown", "ambiguous"])
def test_nothing_moves_while_the_fate_of_an_order_is_not_known(account: BrokerAccount, state: str) -> None:
    pending = Order.objects.get(state="pending")
    Order.objects.filter(pk=pending.pk).update(state=state)
    before = make.balances(account)
    with pytest.raises(OrderRefused, match="order_unresolved") as refused:
        reset(account)
    assert refused.value.facts == {"orders": 1}
    assert make.balances(account) == before
    assert not Journal.objects.filter(kind="reset").exists()
    Order.objects.filter(pk=pending.pk).update(state="pending")
    assert reset(account), "a refusal does not use up the key"


def test_a_paused_plan_begins_its_next_cycle_with_nothing(account: BrokerAccount, instrument: Instrument) -> None:
    """G18: it must not sell what its account no longer holds."""
    plan = make.make_plan(account, instrument)
    order = make.accept(
        make.place(account, instrument, quantity=Decimal(2), limit_price=Decimal(70_000), plan=plan, step=1)
    )
    services.match_virtual(instrument, make.make_book(instrument, 70_000))
    assert make.fresh(order).state == "filled"
    plan.refresh_from_db()
    assert facts(plan.signal, plan.held_quantity, plan.cycle) == (1, 2, 1)
    SwingPlan.objects.update(mode="off")
    reset(account)
    plan.refresh_from_db()
    assert facts(plan.signal, plan.held_quantity, plan.held_cost, plan.cycle_spent, plan.realised, plan.cycle) == (
        0,
        0,
        0,
        0,
        0,
        2,
    )
    assert check_books().differences == ()


def test_a_change_that_waits_is_not_carried_out_afterwards(account: BrokerAccount) -> None:
    resting = Order.objects.filter(state="accepted", side="buy").get()
    change = OrderChange.objects.create(order=resting, quantity=Decimal(9), client_key="changed")
    reset(account)
    services.carry_out_changes()
    change.refresh_from_db()
    assert (change.outcome, change.reason) == ("refused", "account_reset")
    assert not Order.objects.open().exists()


@pytest.mark.parametrize(
    ("cash", "code"), [("0", "bad_amount"), ("-1", "bad_amount"), ("0.5", "bad_amount"), ("NaN", "bad_amount")]
)
def test_what_cannot_be_an_opening_balance_resets_nothing(account: BrokerAccount, cash: str, code: str) -> None:
    before = make.balances(account)
    with pytest.raises(OrderRefused, match=code):
        reset(account, Decimal(cash))
    assert make.balances(account) == before


def test_only_its_owner_resets_an_account_and_only_a_virtual_one(account: BrokerAccount) -> None:
    stranger, viewer = make.make_user(), make.make_user(role=Role.VIEWER)
    live = make.make_live_account(account.user)
    refused: list[tuple[Any, Any, type[Exception], str]] = [
        (stranger, account, OrderRefused, "unknown_account"),
        (viewer, account, NotAllowed, "not_allowed"),
        (account.user, live, OrderRefused, "not_a_virtual_account"),
    ]
    for who, what, error, code in refused:
        with pytest.raises(error, match=code):
            services.reset_account(who, what, FRESH, "key")
