"""The pre-trade limits (§3.12): each at its boundary, and what the account, its plan and the day bring to them."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets import services as markets
from markets.models import Instrument
from markets.types import InstrumentKind, Side
from tests import factories as make
from trading import ledger, limits
from trading.limits import TABLE, Facts
from trading.models import Order, PositionDifference, RiskLimit
from trading.risk import Denial
from trading.services.ledger import books
from trading.services.safeguards.limits import denial_at_claim

START = limits.start_values(Environment.LIVE)
NAMES = st.sampled_from(sorted(TABLE))
VALUES = st.decimals(0, 1000, places=2)


def first(values: limits.Limits, **facts: Any) -> Denial | None:
    """What denies a buy of 100,000 for an account of ten million in which nothing else goes on, but for `facts`."""
    quiet: dict[str, Any] = {
        "side": Side.BUY,
        "kind": InstrumentKind.STOCK,
        "reference": Decimal(70_000),
        "limit_price": Decimal(70_000),
        "amount": Decimal(100_000),
        "quote_age": Decimal(1),
        "account_value": Decimal(10_000_000),
        "held": Decimal(0),
        "gross": Decimal(0),
        "clean_orders": 20,
        "open_in_lane": 0,
        "open_in_account": 0,
        "minute_plan": 0,
        "minute_account": 0,
        "minute_site": 0,
        "is_duplicate": False,
        "crosses": False,
        "loss_account": Decimal(0),
        "loss_plan": Decimal(0),
        "of_plan": True,
    }
    return limits.first_denial(values, Facts(**quiet | facts))


def code(values: limits.Limits, **facts: Any) -> str | None:
    denial = first(values, **facts)
    return denial.code if denial else None


@pytest.mark.parametrize(
    ("allowed", "denied", "says"),
    [
        ({"quote_age": Decimal(5)}, {"quote_age": Decimal("5.1")}, "quote_too_old"),
        ({"limit_price": Decimal(72_100)}, {"limit_price": Decimal(72_101)}, "price_outside_collar"),
        ({"limit_price": Decimal(67_900)}, {"limit_price": Decimal(67_899)}, "price_outside_collar"),
        ({"limit_price": None}, {"limit_price": Decimal(1)}, "price_outside_collar"),
        ({"amount": Decimal(500_000)}, {"amount": Decimal(500_001)}, "order_share_limit"),
        ({"held": Decimal(1_900_000)}, {"held": Decimal(1_900_001)}, "instrument_share_limit"),
        ({"gross": Decimal(9_900_000)}, {"gross": Decimal(9_900_001)}, "account_share_limit"),
        ({"open_in_lane": 0}, {"open_in_lane": 1}, "open_orders_lane_limit"),
        ({"open_in_account": 19}, {"open_in_account": 20}, "open_orders_account_limit"),
        ({"minute_plan": 1}, {"minute_plan": 2}, "orders_per_minute_plan"),
        ({"minute_plan": 2, "of_plan": False}, {"minute_plan": 2}, "orders_per_minute_plan"),
        ({"minute_account": 9}, {"minute_account": 10}, "orders_per_minute_account"),
        ({"minute_site": 59}, {"minute_site": 60}, "orders_per_minute_site"),
        ({"is_duplicate": False}, {"is_duplicate": True}, "duplicate_order"),
        ({"crosses": False}, {"crosses": True}, "self_cross"),
        ({"loss_account": Decimal("0.03")}, {"loss_account": Decimal("0.0301")}, "daily_loss_account"),
        ({"loss_plan": Decimal("0.015")}, {"loss_plan": Decimal("0.0151")}, "daily_loss_plan"),
        ({"loss_plan": Decimal(1), "of_plan": False}, {"loss_plan": Decimal(1)}, "daily_loss_plan"),
    ],
)
def test_each_limit_holds_exactly_at_its_start_value(
    allowed: dict[str, Any], denied: dict[str, Any], says: str
) -> None:
    """G04, §3.12."""
    assert code(START, **allowed) is None
    assert code(START, **denied) == says


def test_a_coins_collar_is_narrower() -> None:
    coin = {"kind": InstrumentKind.CRYPTO, "reference": Decimal(100)}
    assert code(START, **coin, limit_price=Decimal(102)) is None
    assert code(START, **coin, limit_price=Decimal("102.01")) == "price_outside_collar"


@pytest.mark.parametrize(
    ("done", "amount", "says"),
    [(19, 1_000_000, None), (19, 1_000_001, "first_orders_amount"), (20, 1_000_001, None), (0, 1, None)],
)
def test_the_first_orders_are_small_until_twenty_have_gone_well(done: int, amount: int, says: str | None) -> None:
    facts = {"clean_orders": done, "amount": Decimal(amount), "account_value": Decimal(10**9)}
    assert code(START, **facts) == says


def test_in_another_currency_no_first_order_goes_out_until_a_person_has_said_how_much() -> None:
    values = limits.start_values(Environment.LIVE, "USDT")
    assert code(values, clean_orders=0, amount=Decimal(1)) == "first_orders_amount"


def test_no_limit_but_price_double_and_self_cross_keeps_anybody_from_getting_out() -> None:
    much = {
        "amount": Decimal(10**9), "held": Decimal(10**9), "gross": Decimal(10**9), "open_in_lane": 9,
        "open_in_account": 99, "minute_plan": 99, "minute_account": 99, "minute_site": 99,
        "loss_account": Decimal(1), "loss_plan": Decimal(1), "clean_orders": 0,
    }  # fmt: skip
    assert code(START, side=Side.SELL, **much) is None
    assert code(START, side=Side.SELL, is_duplicate=True) is None
    assert code(START, side=Side.SELL, is_duplicate=True, of_plan=False) == "duplicate_order"
    assert code(START, side=Side.SELL, crosses=True) == "self_cross"
    assert code(START, side=Side.SELL, limit_price=Decimal(1)) == "price_outside_collar"


@pytest.mark.parametrize(
    "fact",
    [
        *("quote_age", "account_value", "held", "gross", "open_in_lane", "open_in_account", "minute_plan"),
        *("minute_account", "minute_site", "is_duplicate", "crosses", "loss_account", "loss_plan"),
    ],
)
def test_what_cannot_be_read_denies(fact: str) -> None:
    """Fail closed (§3.1)."""
    assert code(START, **{fact: None}) == "limit_unreadable"


def test_an_unreadable_record_of_orders_denies_a_big_first_one() -> None:
    facts = {"clean_orders": None, "amount": Decimal(1_000_001), "account_value": Decimal(10**9)}
    assert code(START, **facts) == "limit_unreadable"


def test_a_count_is_told_as_a_whole_number() -> None:
    """A reader sees "1 order", not "1.000000"."""
    denial = first(START, open_in_lane=1)
    assert denial is not None
    assert denial.facts == {"value": "1", "limit": "1"}


def test_a_denial_carries_its_numbers() -> None:
    facts = Facts(
        Side.BUY, InstrumentKind.STOCK, Decimal(100), Decimal(110), Decimal(110), quote_age=Decimal(0), crosses=False,
        is_duplicate=False,
    )  # fmt: skip
    denial = limits.first_denial(START, facts)
    assert denial is not None
    assert denial.facts == {"price": "110", "low": "97", "high": "103", "reference": "100"}


def test_a_virtual_account_starts_with_nothing_before_its_orders() -> None:
    start = limits.start_values(Environment.VIRTUAL)
    assert not limits.guards_orders(start)
    assert start == {"rejects_in_row": Decimal(3)}
    assert limits.start_values(Environment.PAPER) == START


@given(NAMES, VALUES, st.lists(st.tuples(st.sampled_from(["site", "user", "account", "plan"]), VALUES), max_size=6))
def test_only_the_accounts_own_value_can_be_looser_than_the_start(
    name: str, start: Decimal, rows: list[tuple[str, Decimal]]
) -> None:
    got = limits.effective({name: start}, [(scope, name, value) for scope, value in rows])[name]
    own = [value for scope, value in rows if scope == "account"]
    base = own[-1] if own else start
    assert limits.stricter(name, got, base) == got
    for _scope, value in rows:
        if _scope != "account":
            assert limits.stricter(name, got, value) == got


@given(NAMES, VALUES, VALUES)
def test_going_there_and_back_loosens_exactly_once(name: str, one: Decimal, other: Decimal) -> None:
    assert limits.loosens(name, one, other) + limits.loosens(name, other, one) == (one != other)
    assert limits.loosens(name, one, None)
    assert not limits.loosens(name, None, one)
    assert not limits.loosens(name, None, None)


@pytest.mark.parametrize(
    ("side", "price", "resting", "meets"),
    [
        (Side.BUY, 100, 100, True),
        (Side.BUY, 99, 100, False),
        (Side.SELL, 100, 100, True),
        (Side.SELL, 101, 100, False),
        (Side.BUY, None, 100, True),
        (Side.SELL, 101, None, True),
    ],
)
def test_orders_that_could_meet(side: Side, price: int | None, resting: int | None, meets: bool) -> None:
    one, other = (None if each is None else Decimal(each) for each in (price, resting))
    assert limits.crosses(side, one, other) is meets


# with rows


@pytest.fixture
def instrument(db: None) -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 10_000, age=timedelta(seconds=-60))  # stays fresh however slow the machine is
    return instrument


@pytest.fixture
def paper(instrument: Instrument, settings: Settings) -> Callable[..., BrokerAccount]:
    """A paper account with ten million won on it."""
    settings.BROKER_ADAPTERS = {"virtual": "brokers.virtual.adapter.open_account"} | {
        "practice": "brokers.virtual.adapter.open_account"
    }

    def make_one(user: Any = None, environment: str = "paper") -> BrokerAccount:
        number = BrokerAccount.objects.count()
        account = BrokerAccount.objects.create(
            user=user or make.make_user(), name=f"연습 {number}", broker="practice", environment=environment
        )
        lines = ledger.deposit("KRW", Decimal(10_000_000))
        books.book(account, "adjustment", f"test:{account.pk}", make.NOW, lines, {})
        return account

    return make_one


def reason(account: BrokerAccount, instrument: Instrument, **asked: Any) -> str:
    order = make.place(account, instrument, **{"limit_price": Decimal(10_000)} | asked)
    return order.reason


def set_row(scope: str, target: object, name: str, value: int | str) -> None:
    RiskLimit.objects.create(scope=scope, target=str(target), name=name, value=Decimal(value), since=timezone.now())


def test_a_virtual_account_without_limits_costs_one_query(
    instrument: Instrument, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    order = make.fresh(make.place(make.make_account(make.make_user()), instrument))
    present = markets.moment(instrument.source)
    with django_assert_max_num_queries(1):
        assert denial_at_claim(order, present) is None


def test_a_paper_order_within_every_limit_goes_through(
    paper: Callable[..., BrokerAccount],
    instrument: Instrument,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    account = paper()
    assert reason(account, instrument, quantity=Decimal(40)) == ""
    order = make.fresh(Order.objects.get())
    with django_assert_max_num_queries(16):
        assert denial_at_claim(order, markets.moment(instrument.source)) is None


def test_what_is_denied_is_stored_with_its_numbers(paper: Callable[..., BrokerAccount], instrument: Instrument) -> None:
    account = paper()
    assert reason(account, instrument, quantity=Decimal(50)) == ""
    order = make.place(make.make_account(account.user), instrument)  # another world: no matter
    assert order.state == "pending"
    assert reason(paper(), instrument, quantity=Decimal(51)) == "order_share_limit"
    denied = Order.objects.get(state="denied")
    assert denied.facts == {"value": "510000", "limit": "500000", "percent": "5"}
    assert denied.reserved == 0


def test_a_second_order_of_the_lane_and_its_double_are_denied(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    account = paper()
    assert reason(account, instrument) == ""
    assert reason(account, instrument) == "duplicate_order"
    assert reason(account, instrument, quantity=Decimal(2)) == "open_orders_lane_limit"


def test_a_double_is_only_what_came_to_something_lately(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    account = paper()
    assert reason(account, instrument) == ""
    Order.objects.update(state="filled")
    assert reason(account, instrument) == "duplicate_order"
    Order.objects.filter(state="filled").update(state="canceled")
    assert reason(account, instrument) == ""
    Order.objects.filter(state="pending").update(state="filled", created_at=timezone.now() - timedelta(seconds=601))
    assert reason(account, instrument) == ""


def test_the_third_order_of_a_plan_within_a_minute_is_denied(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    account = paper()
    plan = make.make_plan(account, instrument)
    for number in (1, 2, 3):
        asked = {"quantity": Decimal(number), "plan": plan, "step": 1}
        assert reason(account, instrument, **asked) == ("orders_per_minute_plan" if number == 3 else "")
        Order.objects.filter(state="pending").update(state="canceled")


def test_what_is_held_and_ordered_counts_to_the_exposure(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    account = paper()
    set_row("account", account.pk, "open_orders_lane", 9)
    lines = [
        *ledger.deposit(instrument.key, Decimal(100)),
    ]
    books.book(account, "adjustment", "test:units", make.NOW, lines, books.held(account))
    # worth 11,000,000: at most 2,200,000 in one instrument, of which 1,000,000 is held
    assert [reason(account, instrument, quantity=Decimal(n)) for n in (50, 49)] == ["", ""]
    assert reason(account, instrument, quantity=Decimal(30)) == "instrument_share_limit"
    assert reason(account, instrument, quantity=Decimal(10)) == ""


def test_an_own_order_on_the_other_side_is_not_met(paper: Callable[..., BrokerAccount], instrument: Instrument) -> None:
    """가장매매: of any account of the same person, in the same world, at prices that could meet."""
    account = paper()
    for other in (account, paper(account.user)):
        books.book(
            other, "adjustment", f"units:{other.pk}", make.NOW,
            ledger.deposit(instrument.key, Decimal(100)), books.held(other),
        )  # fmt: skip
    assert reason(account, instrument, side=Side.SELL, limit_price=Decimal(10_100)) == ""
    second = paper(account.user)
    assert reason(second, instrument, limit_price=Decimal(10_100), quantity=Decimal(2)) == "self_cross"
    assert reason(second, instrument, limit_price=None, quantity=Decimal(2)) == "self_cross"
    assert reason(second, instrument, limit_price=Decimal(10_090), quantity=Decimal(3)) == ""
    assert reason(paper(), instrument, limit_price=Decimal(10_100)) == ""
    assert reason(make.make_account(account.user), instrument, limit_price=Decimal(10_100)) == ""


def test_a_price_of_some_seconds_ago_is_too_old_for_a_real_account_alone(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    make.put_price(instrument, 10_000, age=timedelta(seconds=8))
    assert reason(paper(), instrument) == "quote_too_old"
    assert reason(make.make_account(make.make_user()), instrument) == ""


def test_a_live_account_needs_the_servers_word_at_the_claim_too(
    paper: Callable[..., BrokerAccount], instrument: Instrument, settings: Settings
) -> None:
    settings.LIVE_TRADING = True
    account = paper(environment="live")
    assert reason(account, instrument) == ""
    order, present = make.fresh(Order.objects.get()), markets.moment(instrument.source)
    assert denial_at_claim(order, present) is None
    settings.LIVE_TRADING = False
    denial = denial_at_claim(order, present)
    assert denial is not None
    assert denial.code == "live_trading_off"


def test_at_the_claim_an_order_is_in_nobodys_way_but_its_elders(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    account = paper()
    set_row("account", account.pk, "open_orders_lane", 2)
    first, second = (make.place(account, instrument, limit_price=Decimal(10_000), quantity=Decimal(n)) for n in (1, 2))
    set_row("account", account.pk, "open_orders_lane", 1)
    present = markets.moment(instrument.source)
    assert denial_at_claim(make.fresh(first), present) is None
    denial = denial_at_claim(make.fresh(second), present)
    assert denial is not None
    assert denial.code == "open_orders_lane_limit"


def test_at_the_claim_the_price_may_have_run_away(paper: Callable[..., BrokerAccount], instrument: Instrument) -> None:
    order = make.place(paper(), instrument, limit_price=Decimal(10_000))
    make.put_price(instrument, 9_000, age=timedelta(seconds=-60))
    denial = denial_at_claim(make.fresh(order), markets.moment(instrument.source))
    assert denial is not None
    assert denial.code == "price_outside_collar"


def test_the_strictest_of_all_scopes_holds_a_virtual_account_too(instrument: Instrument) -> None:
    account = make.make_account(make.make_user())
    plan = make.make_plan(account, instrument)
    set_row("user", account.user_id, "order_amount", 50_000)
    set_row("plan", plan.pk, "order_amount", 20_000)
    assert reason(account, instrument, quantity=Decimal(5)) == ""
    assert reason(account, instrument, quantity=Decimal(6)) == "order_amount_limit"
    assert reason(account, instrument, quantity=Decimal(3), plan=plan, step=1) == "order_amount_limit"


def test_a_limit_set_for_later_does_not_count_yet(instrument: Instrument) -> None:
    account = make.make_account(make.make_user())
    RiskLimit.objects.create(
        scope="account", target=str(account.pk), name="order_amount", value=1, since=timezone.now() + timedelta(hours=1)
    )
    assert reason(account, instrument) == ""


def test_the_days_loss_keeps_new_positions_from_being_opened(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    """Ten million, of which half is in shares that fell 7 % today: 350,000 of 10,000,000."""
    account = paper()
    held = ledger.deposit(instrument.key, Decimal(500))
    paid = ledger.withdrawal("KRW", Decimal(5_000_000))
    books.book(account, "adjustment", "test:units", make.NOW, [*held, *paid], books.held(account))
    set_row("account", account.pk, "instrument_share", 1)
    make.put_price(instrument, 9_300, base=10_000, age=timedelta(seconds=-60))
    order = make.place(account, instrument, limit_price=Decimal(9_300))
    assert (order.reason, order.facts) == ("daily_loss_account", {"percent": "3.5", "most": "3"})
    assert make.place(account, instrument, limit_price=Decimal(9_300), side=Side.SELL).reason == ""


def test_units_that_differ_keep_new_ones_from_being_bought(
    paper: Callable[..., BrokerAccount], instrument: Instrument
) -> None:
    """I22: on that account and of that instrument; what is held may be sold."""
    account = paper()
    held = ledger.deposit(instrument.key, Decimal(10))
    books.book(account, "adjustment", "test:units", make.NOW, held, books.held(account))
    PositionDifference.objects.create(
        broker_account=account, instrument=instrument.key, ours=10, theirs=9, opened_at=timezone.now()
    )
    assert reason(account, instrument) == "position_difference"
    assert reason(account, instrument, side=Side.SELL) == ""
    assert reason(paper(), instrument) == ""
