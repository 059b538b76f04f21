"""`check_books`: sound books are called sound, and no row can be tampered with unseen (I16, I17, I18)."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, ReportStatus
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.backends.unguarded import unguarded
from tests.trading.wired import make_wired
from trading import services
from trading.models import Fill, Journal, Order, OrderAttempt, SwingPlan
from trading.services.ledger.audit import check_books

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(instrument: Instrument) -> BrokerAccount:
    """An account that has bought, sold in part, for a plan too, and has orders waiting on both sides."""
    account = make.make_account(make.make_user())
    make.hold(account, instrument, 10, 70_000)
    plan = make.make_plan(account, instrument)
    bought = make.accept(make.place(account, instrument, quantity=Decimal(4), plan=plan, step=1))
    fill = make.make_fill(bought, "plan", 4, 70_500, 42)
    services.apply_report(bought.pk, OrderReport(ReportStatus.ACCEPTED, fills=(fill,)), make.NOW)
    sale = make.accept(make.place(account, instrument, side=Side.SELL, quantity=Decimal(3)))
    services.match_virtual(instrument, make.make_book(instrument, 71_000))
    assert make.fresh(sale).state == "filled"
    make.place(account, instrument, quantity=Decimal(5), limit_price=Decimal(60_000))
    make.place(account, instrument, side=Side.SELL, quantity=Decimal(2), limit_price=Decimal(80_000))
    withdrawn = make.place(account, instrument)
    services.cancel_order(account.user, withdrawn.pk)
    return account


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("check_books", *arguments, stdout=out)
    except SystemExit as e:
        return int(str(e.code)), out.getvalue()
    return 0, out.getvalue()


def report() -> Any:
    code, out = run("--json")
    answer = json.loads(out)
    assert code == (0 if answer["ok"] else 1)
    return answer


def tamper(statement: str, *values: int) -> None:
    """A change that went past every service, model, lock and guard."""
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount >= 1


def test_sound_books_are_called_sound(account: BrokerAccount) -> None:
    code, out = run()
    assert (code, out) == (
        0,
        f"The books are sound: 1 accounts, {check_books().postings} postings, 6 orders, 3 fills, 1 plans.\n",
    )
    assert report() == {
        "ok": True,
        "accounts": 1,
        "postings": check_books().postings,
        "orders": 6,
        "fills": 3,
        "plans": 1,
        "differences": [],
    }


def test_no_books_are_sound_books() -> None:
    assert run()[0] == 0


@pytest.mark.parametrize(
    ("statement", "checks"),
    [
        (
            "UPDATE trading_balance SET amount = '1' WHERE bucket = 'available' AND asset = 'KRW'",
            {"balance_is_sum_of_postings", "owned_equals_paid_in"},
        ),
        ("DELETE FROM trading_balance WHERE bucket = 'fees'", {"balance_is_sum_of_postings", "owned_equals_paid_in"}),
        (
            "UPDATE trading_posting SET amount = '1' WHERE bucket = 'fees'",
            {"journal_sums_to_zero", "postings_sum_to_zero", "balance_is_sum_of_postings", "fill_is_booked"},
        ),
        (
            "UPDATE trading_posting SET bucket = 'tax' WHERE bucket = 'fees'",
            {"balance_is_sum_of_postings", "fill_is_booked"},
        ),
        ("UPDATE trading_order SET reserved = '1' WHERE state = 'pending'",
         {"reserved_is_open_orders", "order_reserved_is_its_postings"}),
        ("UPDATE trading_order SET reserved = '1' WHERE state = 'filled'",
         {"finished_order_holds_nothing", "order_reserved_is_its_postings"}),
        ("UPDATE trading_order SET state = 'canceled' WHERE state = 'pending'",
         {"reserved_is_open_orders", "finished_order_holds_nothing"}),
        ("UPDATE trading_order SET filled_quantity = '1' WHERE state = 'filled'", {"order_quantity_is_its_fills"}),
        ("UPDATE trading_order SET fee = '1', tax = '1', filled_amount = '1' WHERE state = 'filled'",
         {"order_fee_is_its_fills", "order_tax_is_its_fills", "order_amount_is_its_fills"}),
        ("UPDATE trading_fill SET quantity = '1'",
         {"order_quantity_is_its_fills", "fill_is_booked", "units_are_fills", "cost_is_fills", "realised_is_fills",
          "plan_holds_its_fills"}),
        ("UPDATE trading_swingplan SET held_quantity = '5'", {"plan_holds_its_fills"}),
        ("UPDATE trading_swingplan SET held_cost = '5'", {"plan_cost_is_its_fills"}),
        ("UPDATE trading_swingplan SET realised = '5', cycle_spent = '5'",
         {"plan_profit_is_its_fills", "plan_spent_is_its_fills"}),
    ],
)  # fmt: skip
def test_a_tampered_row_is_found(account: BrokerAccount, statement: str, checks: set[str]) -> None:
    tamper(statement)
    answer = report()
    assert not answer["ok"]
    assert {difference["check"] for difference in answer["differences"]} == checks
    assert {difference["account"] for difference in answer["differences"]} == {str(account.pk)}


def test_a_reservation_of_another_order_does_not_make_up_for_one(account: BrokerAccount) -> None:
    """I7: the sums agree, the orders do not."""
    first = Order.objects.filter(state="pending", side="sell").first()
    second = make.place(account, Instrument.objects.get(), side=Side.SELL, limit_price=Decimal(81_000))
    assert first is not None
    Order.objects.filter(pk=first.pk).update(reserved=1)
    Order.objects.filter(pk=second.pk).update(reserved=2)
    found = check_books().differences
    assert {each.check for each in found} == {"order_reserved_is_its_postings"}
    assert {each.subject for each in found} == {f"order {first.pk}", f"order {second.pk}"}


def test_a_second_attempt_that_may_have_landed_is_found(account: BrokerAccount) -> None:
    """I1: the index forbids it; an installation that lost the index is told."""
    order = Order.objects.filter(state="filled").first()
    assert order is not None
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX order_attempt_one_may_have_landed")
    OrderAttempt.objects.create(order=order, number=2, fence=1)
    found = check_books().differences
    assert [(each.check, each.expected, each.found) for each in found] == [
        ("at_most_one_attempt_may_have_landed", "1", "2")
    ]


def test_a_difference_says_what_should_be_there(account: BrokerAccount) -> None:
    tamper("UPDATE trading_swingplan SET held_quantity = '5'")
    plan = SwingPlan.objects.get()
    code, out = run()
    assert code == 1
    assert out.splitlines()[0] == (f"plan_holds_its_fills: plan {plan.pk} of account {account.pk} should be 4, is 5")


def test_a_lost_journal_is_found(account: BrokerAccount) -> None:
    journal = Journal.objects.filter(kind="fill").latest("id")
    tamper("DELETE FROM trading_posting WHERE journal_id = %s", journal.pk)
    tamper("DELETE FROM trading_journal WHERE id = %s", journal.pk)
    assert {"fill_is_booked", "balance_is_sum_of_postings"} <= {each["check"] for each in report()["differences"]}


def test_a_lost_fill_is_found(account: BrokerAccount) -> None:
    fill = Fill.objects.latest("id")
    tamper("DELETE FROM trading_fill WHERE id = %s", fill.pk)
    assert "fill_journal_has_its_fill" in {each["check"] for each in report()["differences"]}


def test_one_account_can_be_looked_at_alone(account: BrokerAccount) -> None:
    other = make.make_account(make.make_user())
    tamper("UPDATE trading_balance SET amount = '1' WHERE asset = 'KRW' AND bucket = 'external'")
    assert {each.account for each in check_books(other.pk).differences} == {other.pk}
    assert check_books(other.pk).accounts == 1


def test_books_stay_sound_through_late_and_contradicting_news(instrument: Instrument) -> None:
    account = make.make_account(make.make_user())
    order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    later = make.NOW + timedelta(minutes=1)
    for fill, status in (
        (make.make_fill(order, "a", 4, 70_000, 42), ReportStatus.CANCELED),
        (make.make_fill(order, "b", 4, 99_000, 42), ReportStatus.ACCEPTED),
        (make.make_fill(order, "c", 4, 70_000, 42), ReportStatus.EXPIRED),
    ):
        services.apply_report(order.pk, OrderReport(status, fills=(fill,)), later)
    assert Order.objects.get(pk=order.pk).filled_quantity == 8
    assert check_books().differences == ()


def test_what_a_real_account_held_before_is_part_of_its_position() -> None:
    """Books that were opened with units at a cost are sound after a sale of some of them, and tampering still shows."""
    wired = make_wired(cash=5_000_000, units={"KRX:005930": 3})
    order = wired.place(side=Side.SELL, quantity=Decimal(2), limit_price=Decimal(70_000))
    wired.dispatch()
    fill = make.make_fill(order, "sale", 2, 70_000)
    services.apply_report(order.pk, OrderReport(ReportStatus.ACCEPTED, fills=(fill,)), make.NOW)
    assert check_books().differences == ()
    tamper("UPDATE trading_posting SET amount = amount + 1 WHERE bucket = 'external' AND asset = 'KRX:005930'")
    assert {each.check for each in check_books().differences} >= {"units_are_fills"}
