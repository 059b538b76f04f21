"""What closes a latch by itself (§3.11): each cause, at its boundary, told once, and opened again by a person alone."""

from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from brokers.models import BrokerAccount
from brokers.wire.clock import CLOCKS
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from trading import ledger, services
from trading.models import Alert, Balance, BooksCheck, Halt, Order, PositionDifference, RiskLimit, SignalStep
from trading.services.ledger import books
from trading.services.safeguards import halts, triggers, watches
from trading.services.safeguards.watches import Trip, Watched

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument() -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 10_000, age=timedelta(seconds=-60))  # stays fresh however slow the machine is
    return instrument


@pytest.fixture
def paper(instrument: Instrument, settings: Settings) -> BrokerAccount:
    """A paper account with ten million won on it."""
    settings.BROKER_ADAPTERS = settings.BROKER_ADAPTERS | {"practice": "brokers.virtual.adapter.open_account"}
    account = BrokerAccount.objects.create(user=make.make_user(), name="연습", broker="practice", environment="paper")
    books.book(account, "adjustment", "test:cash", make.NOW, ledger.deposit("KRW", Decimal(10_000_000)), {})
    return account


def sweep(**later: int) -> int:
    return triggers.sweep(timezone.now() + timedelta(**later))


def latched() -> set[tuple[str, str, str]]:
    rows = Halt.objects.exclude(mode="active")
    return set(rows.values_list("scope", "mode", "reason"))


def make_order(account: BrokerAccount, instrument: Instrument, state: str, **fields: Any) -> Order:
    """An order as it stands in its row; nothing is reserved for it."""
    number = Order.objects.count()
    row: dict[str, Any] = {
        "user": account.user, "broker_account": account, "instrument": instrument, "side": Side.BUY,
        "quantity": Decimal(1), "order_type": "market", "time_in_force": "day", "state": state,
        "client_key": f"row {number}", "request_hash": "", "client_id": f"row {number}", "market_at": make.NOW,
    }  # fmt: skip
    return Order.objects.create(**row | fields)


def set_row(scope: str, target: object, name: str, value: int | str) -> None:
    RiskLimit.objects.create(scope=scope, target=str(target), name=name, value=Decimal(value), since=timezone.now())


def hold_units(account: BrokerAccount, instrument: Instrument, units: int, paid: int) -> None:
    lines = [*ledger.deposit(instrument.key, Decimal(units)), *ledger.withdrawal("KRW", Decimal(paid))]
    books.book(account, "adjustment", "test:units", make.NOW, lines, books.held(account))


def test_where_all_is_well_nothing_closes_and_little_is_asked(
    account: BrokerAccount,
    paper: BrokerAccount,
    instrument: Instrument,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make.make_plan(account, instrument)
    make.make_plan(paper, instrument)
    make.hold(account, instrument, 10, 10_000)
    sweep()  # this one recomputes the books
    with django_assert_max_num_queries(30):
        assert sweep() == 0
    assert (latched(), Alert.objects.count()) == (set(), 0)


def test_an_order_unknown_for_five_minutes_closes_its_account_to_new_positions(
    account: BrokerAccount, instrument: Instrument
) -> None:
    order = make_order(account, instrument, "unknown", sent_at=timezone.now())
    assert sweep(seconds=295) == 0
    assert sweep(seconds=305) == 1
    assert latched() == {("account", "reduce_only", "unknown_too_long")}
    assert (sweep(seconds=310), Halt.objects.get(scope="account").version) == (0, 1)
    alert = Alert.objects.get()
    assert (alert.cause, alert.subject, alert.user, alert.times) == (
        "unknown_too_long", f"account:{account.pk}", account.user, 1,
    )  # fmt: skip
    assert alert.facts == {"order": str(order.pk)}


def test_a_standing_cause_closes_again_what_a_person_opened(account: BrokerAccount, instrument: Instrument) -> None:
    order = make_order(account, instrument, "ambiguous", sent_at=timezone.now())
    assert sweep() == 1
    halts.release(account.user, "account", str(account.pk))
    assert sweep() == 1
    halts.release(account.user, "account", str(account.pk))
    Order.objects.filter(pk=order.pk).update(state="filled")
    assert sweep() == 0


@pytest.mark.parametrize(
    ("answers", "closes"),
    [
        (["rejected"] * 3, True),
        (["rejected"] * 2, False),
        (["filled", "rejected", "rejected", "rejected"], True),
        (["rejected", "rejected", "filled", "rejected"], False),
        (["rejected", "denied", "rejected", "withdrawn", "rejected"], True),
    ],
)
def test_three_refusals_in_a_row_close_a_virtual_account_too(
    account: BrokerAccount, instrument: Instrument, answers: list[str], closes: bool
) -> None:
    for state in answers:
        make_order(account, instrument, state)
    assert sweep() == closes
    assert latched() == ({("account", "reduce_only", "rejects_in_row")} if closes else set())


def test_after_a_person_has_opened_the_latch_refusals_count_anew(
    account: BrokerAccount, instrument: Instrument
) -> None:
    for _ in range(3):
        make_order(account, instrument, "rejected")
    assert sweep() == 1
    halts.release(account.user, "account", str(account.pk))
    for _ in range(2):
        make_order(account, instrument, "rejected")
        assert sweep() == 0
    make_order(account, instrument, "rejected")
    assert sweep() == 1


def test_other_peoples_refusals_close_nothing(account: BrokerAccount, instrument: Instrument) -> None:
    other = make.make_account(make.make_user())
    for each in (account, other, account, other):
        make_order(each, instrument, "rejected")
    assert sweep() == 0


def test_how_many_refusals_is_a_limit_like_any_other(account: BrokerAccount, instrument: Instrument) -> None:
    set_row("account", account.pk, "rejects_in_row", 5)
    for _ in range(4):
        make_order(account, instrument, "rejected")
    assert sweep() == 0
    make_order(account, instrument, "rejected")
    assert sweep() == 1


def test_a_difference_closes_the_account_until_it_is_settled(paper: BrokerAccount) -> None:
    row = PositionDifference.objects.create(
        broker_account=paper, instrument="KRX:005930", ours=1, theirs=2, opened_at=timezone.now()
    )
    assert sweep() == 1
    assert latched() == {("account", "reduce_only", "position_mismatch")}
    row.closed_at = timezone.now()
    row.save()
    halts.release(paper.user, "account", str(paper.pk))
    assert sweep() == 0


def test_a_feed_silent_for_a_minute_closes_real_accounts_that_lean_on_it(
    account: BrokerAccount, paper: BrokerAccount, instrument: Instrument
) -> None:
    for each in (account, paper):
        make.make_plan(each, instrument)
    make.put_price(instrument, 10_000)
    assert sweep(seconds=55) == 0
    assert sweep(seconds=65) == 1
    assert Halt.objects.exclude(mode="active").get().target == str(paper.pk)
    assert latched() == {("account", "reduce_only", "stale_feed")}


def test_a_feed_may_be_silent_while_its_market_is_closed(paper: BrokerAccount, instrument: Instrument) -> None:
    make.make_plan(paper, instrument)
    make.put_price(instrument, 10_000, at=make.NOW.replace(hour=12), keeps_sessions=True)  # 21:00 in Seoul
    assert sweep(hours=1) == 0


def test_a_paused_plan_leans_on_no_feed(paper: BrokerAccount, instrument: Instrument) -> None:
    make.make_plan(paper, instrument, mode="shadow")
    assert sweep(hours=1) == 0


@pytest.mark.parametrize(("price", "closes"), [(9_401, False), (9_400, False), (9_399, True)])
def test_a_days_loss_beyond_three_percent_closes_a_real_account(
    paper: BrokerAccount, instrument: Instrument, price: int, closes: bool
) -> None:
    """500 shares held since before today, base price 10,000: 3 % of ten million are 600 won a share."""
    hold_units(paper, instrument, 500, 5_000_000)
    make.put_price(instrument, price, base=10_000)
    assert sweep() == closes
    assert latched() == ({("account", "reduce_only", "daily_loss_account")} if closes else set())


def test_what_was_lost_before_today_is_not_todays_loss(paper: BrokerAccount, instrument: Instrument) -> None:
    hold_units(paper, instrument, 500, 5_000_000)
    make.put_price(instrument, 6_000, base=6_000)
    assert sweep() == 0


def test_a_price_from_yesterday_has_lost_nothing_today(paper: BrokerAccount, instrument: Instrument) -> None:
    hold_units(paper, instrument, 500, 5_000_000)
    quote = make.put_price(instrument, 9_000, base=10_000)
    make.set_clock(make.NOW + timedelta(days=1))
    assert sweep() == 0
    quote.at = make.NOW + timedelta(days=1)
    quote.save()
    assert sweep() == 1


def test_losses_already_taken_today_count_with_fees_and_taxes(account: BrokerAccount, instrument: Instrument) -> None:
    """A virtual account has this limit where somebody has set it: bought at 10,000, sold at 9,000, and nothing is held."""
    set_row("account", account.pk, "daily_loss_account", "0.009")
    make.hold(account, instrument, 100, 10_000)
    assert sweep() == 0
    make.put_price(instrument, 9_000, base=10_000)
    sale = make.accept(
        make.place(account, instrument, side=Side.SELL, quantity=Decimal(100), limit_price=Decimal(9_000))
    )
    services.match_virtual(instrument, make.make_book(instrument, 9_000, at=make.NOW + timedelta(seconds=5)))
    assert make.fresh(sale).state == "filled"
    make.put_price(instrument, 20_000, base=10_000)  # what came after the sale is no matter
    assert sweep() == 1
    percent = Halt.objects.get(scope="account").facts["percent"]
    assert Decimal("1") < Decimal(percent) < Decimal("1.1")


def test_a_plans_own_loss_closes_the_plan_alone(account: BrokerAccount, instrument: Instrument) -> None:
    plan = make.make_plan(account, instrument)
    set_row("plan", plan.pk, "daily_loss_plan", "0.015")
    make.place(account, instrument)  # something else goes on, too
    order = make.accept(
        make.place(account, instrument, quantity=Decimal(300), limit_price=Decimal(10_000), plan=plan, step=1)
    )
    services.match_virtual(instrument, make.make_book(instrument, 10_000))
    assert make.fresh(order).state == "filled"
    make.put_price(instrument, 9_600, base=10_000)
    assert sweep() == 0
    make.put_price(instrument, 9_400, base=10_000)
    assert sweep() == 1
    assert latched() == {("plan", "reduce_only", "daily_loss_plan")}


@pytest.mark.parametrize(("results", "closes"), [([-1] * 5, True), ([-1] * 4, False), ([1, *[-1] * 5], True),
                                                 ([*[-1] * 4, 1, -1], False)])  # fmt: skip
def test_five_cycles_in_a_row_that_lost_close_a_real_plan(
    paper: BrokerAccount, instrument: Instrument, results: list[int], closes: bool
) -> None:
    plan = make.make_plan(paper, instrument)
    for cycle, gained in enumerate(results, 1):
        row = {"plan": plan, "cycle": cycle, "filled_quantity": Decimal(1)}
        make_order(paper, instrument, "filled", filled_amount=Decimal(1000), fee=Decimal(1), **row)
        sale = make_order(
            paper, instrument, "filled", side=Side.SELL, filled_amount=Decimal(1002 + gained), tax=Decimal(1), **row
        )
        SignalStep.objects.create(plan=plan, cycle=cycle, from_signal=1, to_signal=3, order=sale, at=make.NOW)
    Order.objects.update(created_at=timezone.now() + timedelta(seconds=1) - timedelta(minutes=5))
    type(plan).objects.update(created_at=timezone.now() - timedelta(days=1))
    assert triggers.sweep(timezone.now(), [watches.losses_in_row]) == closes
    assert latched() == ({("plan", "reduce_only", "losses_in_row")} if closes else set())


def test_an_account_that_runs_away_is_halted_whatever_was_denied(paper: BrokerAccount, instrument: Instrument) -> None:
    for number in range(10):
        make_order(paper, instrument, "denied" if number % 2 else "filled")
    assert sweep() == 0
    make_order(paper, instrument, "denied")
    assert sweep() == 1
    assert latched() == {("account", "halted", "too_many_orders")}


def test_a_plan_that_runs_away_is_halted(paper: BrokerAccount, instrument: Instrument) -> None:
    plan = make.make_plan(paper, instrument)
    for _ in range(3):
        make_order(paper, instrument, "denied", plan=plan)
    assert sweep() == 1
    assert latched() == {("plan", "halted", "too_many_orders")}


def test_a_virtual_account_may_be_as_busy_as_it_likes(account: BrokerAccount, instrument: Instrument) -> None:
    for _ in range(30):
        make_order(account, instrument, "filled", filled_quantity=Decimal(0))
    assert sweep() == 0


def test_a_venue_whose_clock_is_two_seconds_off_closes_real_accounts(
    account: BrokerAccount, paper: BrokerAccount
) -> None:
    """I28: what the Date of its replies says; within a second it says nothing."""
    now = timezone.now()
    try:
        CLOCKS.note("venue", format_datetime(now + timedelta(seconds=1), usegmt=True), now, now)
        assert sweep() == 0
        CLOCKS.note("venue", format_datetime(now + timedelta(seconds=4), usegmt=True), now, now)
        assert sweep() == 1
    finally:
        CLOCKS.note("venue", format_datetime(now, usegmt=True), now, now)
    assert Halt.objects.exclude(mode="active").get().target == str(paper.pk)
    assert latched() == {("account", "reduce_only", "clock")}


def test_books_that_differ_halt_their_account_and_the_others_are_looked_at_all_the_same(
    account: BrokerAccount, instrument: Instrument
) -> None:
    """I17: checked every five minutes."""
    other = make.make_account(make.make_user())
    assert sweep() == 0
    assert BooksCheck.objects.count() == 2
    Balance.objects.filter(broker_account=account, bucket="available").update(amount=Decimal(1))
    assert sweep(minutes=4) == 0
    assert sweep(minutes=6) == 1
    assert Halt.objects.exclude(mode="active").get().target == str(account.pk)
    assert latched() == {("account", "halted", "books_differ")}
    assert set(BooksCheck.objects.values_list("broker_account", "differences")) == {(account.pk, 2), (other.pk, 0)}


def test_a_halt_by_itself_asks_the_orders_back(account: BrokerAccount, instrument: Instrument) -> None:
    resting = make.accept(make.place(account, instrument, limit_price=Decimal(9_900)))
    Balance.objects.filter(broker_account=account, bucket="available").update(amount=Decimal(1))
    assert sweep() == 1
    assert make.fresh(resting).cancel_requested


def test_one_check_that_fails_is_told_and_stops_no_other(account: BrokerAccount, instrument: Instrument) -> None:
    def failing(_watched: Watched) -> list[Trip]:
        raise ZeroDivisionError

    make_order(account, instrument, "ambiguous", sent_at=timezone.now())
    assert triggers.sweep(timezone.now(), [failing, *triggers.CHECKS]) == 1
    assert latched() == {("account", "reduce_only", "ambiguous")}
    alert = Alert.objects.get(cause="check_failed")
    assert (alert.subject, alert.user, alert.facts) == ("failing", None, {"why": "ZeroDivisionError"})
