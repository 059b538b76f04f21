"""Accounts with a wire: what is in doubt is settled by the broker's list alone, and the list becomes our books (I2, I3, I6)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Role
from brokers.errors import ReadIncomplete
from brokers.protocol import CancelReply, OrderReport, ReportStatus
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from tests.fakes import WIRED_WITH_ID
from tests.trading.wired import make_wired
from trading import services
from trading.errors import NotAllowed
from trading.models import AccountReading, Alert, BrokerOrder, Halt, Journal, Lease, Order
from trading.reconcile import reconcile_once
from trading.services.ordering import sending
from trading.services.running import leases
from trading.services.settling import doubts, readings

pytestmark = pytest.mark.django_db
LONG = timedelta(minutes=3)


def test_the_first_reading_opens_the_books_with_what_the_broker_holds() -> None:
    """I21: a practice account uses the very ledger of a virtual one."""
    wired = make_wired(cash=5_000_000, units={"KRX:005930": 3})
    assert make.balances(wired.account) == {
        "available KRW": Decimal(5_000_000),
        "available KRX:005930": Decimal(3),
        "position:KRX:005930 KRW": Decimal(210_000),
        "external KRW": Decimal(-5_210_000),
        "external KRX:005930": Decimal(-3),
    }
    wired.read(3)
    assert Journal.objects.filter(broker_account=wired.account).count() == 1


def test_nothing_is_sent_on_an_account_that_was_not_read_under_this_lease() -> None:
    """I15: start is recovery."""
    wired = make_wired()
    order = wired.place()
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    newer = leases.acquire(sending.DISPATCH, "the process started instead")
    assert newer is not None
    wired.fence = newer
    assert (wired.dispatch(), wired.venue.sent, wired.state(order)) == (0, [], "pending")
    assert sending.claim(order.pk, newer, wired.venue.abilities) is None, "the claim itself looks, too"
    wired.venue.reading = ReadIncomplete("no list")
    wired.read()
    assert (wired.dispatch(), wired.venue.sent) == (0, [])
    wired.venue.reading = None
    wired.read()
    assert (wired.dispatch(), wired.state(order)) == (1, "accepted")


def test_an_acceptance_without_a_key_is_doubt_until_the_list_names_it() -> None:
    """reliability 3.6: accepted only with a key."""
    wired = make_wired()
    order = wired.place()
    claimed = sending.claim(order.pk, wired.fence, wired.venue.abilities)
    assert claimed is not None
    wired.venue.arrive(claimed.request)
    sending.record(claimed, OrderReport(ReportStatus.ACCEPTED))
    assert facts(wired.state(order), make.fresh(order).reason) == ("unknown", "no_order_key")
    wired.read()
    assert (wired.state(order), make.fresh(order).broker_order_key) == ("accepted", next(iter(wired.venue.rows)))


@pytest.mark.parametrize("with_id", [False, True], ids=["by_shape", "by_id"])
def test_an_order_whose_reply_was_lost_is_found_with_its_fills(with_id: bool) -> None:
    """I2: presence needs one look."""
    wired = make_wired("lost", **{"abilities": WIRED_WITH_ID} if with_id else {})
    order = wired.send()
    assert wired.state(order) == "unknown"
    (key,) = wired.venue.rows
    wired.venue.fill(key, 4, 69_900)
    wired.read()
    order = make.fresh(order)
    assert facts(order.state, order.broker_order_key, order.filled_quantity, order.filled_amount) == (
        "partially_filled",
        key,
        4,
        279_600,
    )
    assert order.attempts.get().outcome == "landed"
    assert BrokerOrder.objects.get(key=key).order == order
    wired.books_are_sound()


def test_a_row_that_another_order_has_got_meanwhile_is_not_taken_twice() -> None:
    """What was read is some seconds old: under the lock it is looked at again."""
    wired = make_wired("accepted", "lost")
    owner, order = wired.send(), wired.send()
    assert not doubts.adopt(order.pk, wired.venue.rows[owner.broker_order_key], doubts.UNSETTLED)
    assert facts(wired.state(order), make.fresh(order).broker_order_key) == ("unknown", "")


def test_an_order_found_only_by_its_id_is_found() -> None:
    wired = make_wired("lost", abilities=WIRED_WITH_ID)
    order = wired.send()
    listed = dict(wired.venue.rows)
    wired.venue.lists_nothing = True
    wired.read()
    assert (wired.state(order), make.fresh(order).broker_order_key) == ("accepted", next(iter(listed)))


def test_only_three_readings_that_prove_something_end_an_order_that_never_arrived() -> None:
    """I3: each at least twenty seconds from the last, and all of them two minutes after sending."""
    wired = make_wired("vanished")
    order = wired.send()
    wired.read(2)
    assert facts(wired.state(order), make.fresh(order).clean_reads) == ("unknown", 0)
    wired.wait(LONG)
    wired.read()
    wired.read()  # at once: one proof, not two
    assert make.fresh(order).clean_reads == 1
    wired.read(2)
    assert facts(wired.state(order), make.fresh(order).clean_reads) == ("unknown", 2)
    wired.wait(LONG)
    wired.read()
    order = make.fresh(order)
    assert facts(order.state, order.reason, order.reserved) == ("not_placed", "never_arrived", 0)
    assert make.balances(wired.account)["available KRW"] == 10_000_000
    wired.books_are_sound()


def fails(wired: Any) -> None:
    wired.venue.reading = ReadIncomplete("page 2")


def cash_moves(wired: Any) -> None:
    wired.venue.cash -= 1


def units_move(wired: Any) -> None:
    wired.venue.units["KRX:005930"] = Decimal(10)


@pytest.mark.parametrize("fault", [fails, cash_moves, units_move])
def test_without_proof_an_order_stays_in_doubt_and_its_lane_shut(fault: Callable[[Any], None]) -> None:
    """I3: a failed query, or an empty list without a positive control, is no evidence however often it comes."""
    wired = make_wired("vanished", "accepted")
    order, waiting = wired.send(), wired.place()
    fault(wired)
    wired.wait(LONG)
    wired.read(10)
    wired.dispatch()
    assert (wired.state(order), wired.state(waiting), len(wired.venue.sent)) == ("unknown", "pending", 1)


def test_a_list_that_leaves_out_a_known_order_proves_nothing() -> None:
    """I3: an order that filled is hidden, and so may be the one in doubt."""
    wired = make_wired("accepted", "lost")
    known = wired.send(limit_price=Decimal(69_000))
    wired.read()
    order = wired.send()
    wired.venue.hides = lambda _row: True
    wired.wait(LONG)
    wired.read(5)
    assert wired.state(order) == "unknown"
    wired.venue.hides = lambda row: row.key != known.broker_order_key
    wired.read(3)
    assert make.fresh(order).clean_reads == 3, "the known one is shown again: the list can be trusted"


def test_two_orders_of_the_same_shape_are_for_a_person_to_tell_apart() -> None:
    """I2: a guess would link the wrong one."""
    wired = make_wired("lost")
    order = wired.send()
    assert order.sent_at is not None
    stranger = wired.venue.list_order("KRX:005930", Side.BUY, 10, 70_000, order.sent_at)
    wired.read(3)
    assert wired.state(order) == "ambiguous"
    assert Alert.objects.get(cause="order_ambiguous").subject == f"order:{order.pk}"
    assert not BrokerOrder.objects.filter(is_external=True).exists()
    mine = next(key for key in wired.venue.rows if key != stranger.key)
    settled = doubts.settle_by_person(order.user, order.pk, mine)
    assert facts(settled.state, settled.broker_order_key) == ("accepted", mine)
    assert order.events.get(origin="person").raw == {"by": str(order.user_id), "broker_order_key": mine}
    wired.venue.fill(mine, 10, 70_000)
    wired.read()
    assert wired.state(order) == "filled"
    assert BrokerOrder.objects.get(is_external=True).key == stranger.key
    wired.books_are_sound()


def test_a_person_may_say_that_an_order_never_arrived() -> None:
    wired = make_wired("vanished")
    order = wired.send()
    wired.venue.reading = ReadIncomplete("down all day")
    wired.read()
    settled = doubts.settle_by_person(order.user, order.pk, None)
    assert facts(settled.state, settled.reserved) == ("not_placed", 0)
    wired.books_are_sound()


def test_nobody_settles_what_is_not_theirs_or_not_in_doubt() -> None:
    wired = make_wired("lost")
    order = wired.send()
    with pytest.raises(Order.DoesNotExist):
        doubts.settle_by_person(make.make_user(), order.pk, None)
    with pytest.raises(NotAllowed):
        doubts.settle_by_person(make.make_user(role=Role.VIEWER), order.pk, None)
    with pytest.raises(doubts.NotThisOrder):
        doubts.settle_by_person(order.user, order.pk, "no such key")
    wired.read()
    with pytest.raises(doubts.NotInDoubt):
        doubts.settle_by_person(order.user, order.pk, None)


def test_a_stranger_of_another_shape_cannot_be_named_as_ours() -> None:
    wired = make_wired("vanished")
    order = wired.send()
    assert order.sent_at is not None
    stranger = wired.venue.list_order("KRX:005930", Side.BUY, 11, 70_000, order.sent_at)
    wired.read()
    with pytest.raises(doubts.NotThisOrder):
        doubts.settle_by_person(order.user, order.pk, stranger.key)


def test_orders_that_are_not_ours_are_shown_as_external_and_touch_nothing() -> None:
    """I2: never attached to a plan."""
    wired = make_wired()
    before = make.balances(wired.account)
    row = wired.venue.list_order("KRX:000660", Side.BUY, 3, 100_000, timezone.now())
    wired.read()
    kept = BrokerOrder.objects.get()
    assert facts(kept.key, kept.is_external, kept.order, make.balances(wired.account)) == (row.key, True, None, before)


def proven_absent() -> Any:
    wired = make_wired("vanished", "accepted")
    order = wired.send()
    wired.wait(LONG)
    wired.read(3)
    assert wired.state(order) == "not_placed"
    return wired, order


@pytest.mark.parametrize("fills", [0, 4, 10])
def test_an_order_taken_for_absent_that_turns_up_late_is_ours_again(fills: int) -> None:
    """I5: adopted, its cash set aside again, and a person told."""
    wired, order = proven_absent()
    row = wired.venue.arrive(make.fresh(order).as_request(), late=timedelta(seconds=90))
    if fills:
        wired.venue.fill(row.key, fills, 70_000)
    wired.read()
    order = make.fresh(order)
    assert order.state == ("accepted" if not fills else "filled" if fills == 10 else "partially_filled")
    assert facts(order.filled_quantity, order.broker_order_key) == (fills, row.key)
    assert Alert.objects.get(cause="late_accept").subject == f"order:{order.pk}"
    assert (order.reserved > 0) == (fills < 10)
    wired.books_are_sound()
    wired.venue.end(row.key, ReportStatus.EXPIRED)
    wired.read()
    assert facts(make.fresh(order).reserved, make.balances(wired.account).get("reserved KRW")) == (0, None)
    wired.books_are_sound()


def test_a_late_order_of_a_plan_leaves_the_plan_to_reduce_only() -> None:
    wired = make_wired("vanished")
    plan = make.make_plan(wired.account, wired.instrument)
    order = wired.send(plan=plan, step=1)
    wired.wait(LONG)
    wired.read(3)
    again = wired.place(plan=plan, step=1)
    row = wired.venue.arrive(make.fresh(order).as_request())
    wired.read()
    latch = Halt.objects.get(scope="plan", target=str(plan.pk))
    assert facts(latch.mode, latch.reason) == ("reduce_only", "late_accept")
    order = make.fresh(order)
    assert facts(order.state, order.broker_order_key, order.step) == ("accepted", row.key, None)
    assert make.fresh(again).step == 1, "the step is the one's that was placed for it since"


def test_late_news_never_doubles_a_reservation_that_another_order_has_spent() -> None:
    wired, order = proven_absent()
    wired.venue.reply = ["accepted"]
    other = wired.send(quantity=Decimal(142), limit_price=Decimal(70_000))  # nearly all the cash there is
    assert other.state == "accepted"
    wired.venue.arrive(make.fresh(order).as_request(), late=timedelta(seconds=90))
    wired.read()
    order = make.fresh(order)
    assert order.state == "accepted"
    assert 0 < order.reserved < 700_105
    wired.books_are_sound()


def test_totals_become_fills_and_the_same_list_again_nothing() -> None:
    """I6: the key is the order's with the running total; nothing is written for a row that has not changed."""
    wired = make_wired()
    order = wired.send()
    wired.venue.fill(order.broker_order_key, 3, 70_000)
    wired.venue.fill(order.broker_order_key, 3, 69_800)
    wired.read()
    fill = order.fills.get()
    assert facts(fill.key, fill.quantity, fill.amount, fill.price, fill.synthetic) == (
        f"{order.broker_order_key}:6",
        6,
        419_400,
        69_900,
        True,
    )
    written = order.events.count(), make.fresh(order).version
    wired.read(5)
    assert (order.events.count(), make.fresh(order).version) == written
    wired.books_are_sound()


def test_a_fill_there_is_no_money_for_is_told_once_however_often_it_is_listed() -> None:
    """It is tried again at every reading, for a deposit may come; the event is kept once."""
    wired = make_wired(cash=700_105)
    order = wired.send()
    wired.venue.fill(order.broker_order_key, 10, 90_000)
    wired.read(4)
    assert facts(make.fresh(order).filled_quantity, order.events.filter(reason="fill_not_booked").count()) == (0, 1)


def test_the_claim_of_a_dead_sender_is_doubt_and_only_then() -> None:
    wired = make_wired()
    order = wired.place()
    claimed = sending.claim(order.pk, wired.fence, wired.venue.abilities)
    assert claimed is not None
    wired.venue.arrive(claimed.request)
    wired.read()
    assert wired.state(order) == "submitted", "its sender may still be at it"
    assert not BrokerOrder.objects.filter(is_external=True).exists()
    wired.wait(timedelta(seconds=16))
    wired.read()
    assert wired.state(order) == "accepted"
    fence = make.fresh(order).fence
    assert not sending.record(claimed, OrderReport(ReportStatus.REJECTED, reason="no_cash"))
    assert facts(wired.state(order), make.fresh(order).fence, claimed.fence) == ("accepted", fence, fence - 1)


@pytest.mark.parametrize("reply", [CancelReply.TAKEN, CancelReply.CONFIRMED])
def test_a_cancel_ends_with_what_the_list_says_had_filled(reply: CancelReply) -> None:
    """The last fill and the cancel crossed: the list is read before anything is given back."""
    wired = make_wired(canceled=reply)
    order = wired.send()
    wired.venue.fill(order.broker_order_key, 4, 70_000)
    services.cancel_order(order.user, order.pk)
    wired.dispatch()
    order = make.fresh(order)
    assert facts(order.state, order.filled_quantity, order.reserved) == ("canceled", 4, 0)
    wired.books_are_sound()


def test_a_refused_cancel_is_a_question_and_it_had_filled() -> None:
    """I12."""
    wired = make_wired(canceled=CancelReply.REFUSED)
    order = wired.send()
    wired.venue.fill(order.broker_order_key, 10, 70_000)
    services.cancel_order(order.user, order.pk)
    wired.dispatch()
    assert (wired.state(order), len(wired.venue.cancels)) == ("filled", 1)


def test_a_confirmed_cancel_whose_fills_cannot_be_read_waits_for_the_list() -> None:
    """To give its cash back first could leave a fill that nobody can pay."""
    wired = make_wired(canceled=CancelReply.CONFIRMED)
    order = wired.send()
    services.cancel_order(order.user, order.pk)
    wired.venue.reading = ReadIncomplete("no list")
    wired.dispatch()
    assert wired.state(order) == "accepted"
    wired.venue.reading = None
    wired.read()
    assert wired.state(order) == "canceled"


def test_a_failed_reading_is_written_down_and_what_was_known_stands() -> None:
    wired = make_wired()
    known = readings.latest(wired.account.pk)
    assert known is not None
    wired.venue.reading = ReadIncomplete("page 2")
    assert reconcile_once(wired.fence, wired.venue.opened) == 0
    after = AccountReading.objects.get()
    assert facts(after.asked_at, after.cash, after.failure) == (
        known.asked_at,
        {"KRW": "10000000"},
        "broker_read_incomplete",
    )
    assert after.failed_since is not None
    wired.venue.reading = None
    wired.read()
    assert AccountReading.objects.get().failed_since is None


def test_an_older_reader_woken_late_undoes_nothing() -> None:
    wired = make_wired()
    now = AccountReading.objects.get()
    readings.complete(wired.account.pk, wired.fence, now.asked_at - LONG, wired.venue.holdings())
    readings.complete(wired.account.pk, wired.fence - 1, now.asked_at + LONG, wired.venue.holdings())
    after = AccountReading.objects.get()
    assert facts(after.asked_at, after.fence) == (now.asked_at, wired.fence)


def test_an_order_in_doubt_for_a_minute_is_told_once() -> None:
    """I52."""
    wired = make_wired("vanished")
    order = wired.send()
    wired.read()
    assert not Alert.objects.exists()
    wired.wait(timedelta(seconds=61))
    wired.read(3)
    alert = Alert.objects.get()
    assert facts(alert.cause, alert.subject, alert.user_id, alert.times) == (
        "order_unknown",
        f"order:{order.pk}",
        order.user_id,
        1,
    )


def due(wired: Any, **tried: Any) -> bool:
    return wired.account in readings.due(wired.fence, {wired.account.pk: tried["at"]} if tried else {})


def test_accounts_are_read_as_often_as_they_need() -> None:
    """Every two seconds in doubt, every five while something rests, every minute besides, and at once by a newcomer."""
    wired = make_wired("accepted", "lost")
    assert not due(wired)
    wired.wait(timedelta(seconds=59))
    assert not due(wired)
    wired.wait(timedelta(seconds=2))
    assert due(wired)
    wired.read()
    wired.send(limit_price=Decimal(69_000))
    wired.wait(timedelta(seconds=3))
    assert not due(wired)
    wired.wait(timedelta(seconds=3))
    assert due(wired)
    wired.read()
    wired.send()
    assert not due(wired)
    wired.wait(timedelta(seconds=2))
    assert due(wired)
    assert not due(wired, at=timezone.now()), "it was just tried, and failed"
    wired.fence += 1
    assert due(wired)


def test_what_is_asked_reaches_back_to_what_moves_and_to_one_known_order() -> None:
    wired = make_wired("accepted", "vanished")
    first = wired.send()
    wired.read()
    wired.venue.end(first.broker_order_key, ReportStatus.EXPIRED)
    wired.wait(timedelta(hours=1))
    wired.read()
    order = wired.send(limit_price=Decimal(69_000))
    question = readings.begin(wired.account.pk, wired.venue.abilities)
    known = BrokerOrder.objects.get()
    assert order.sent_at is not None
    assert question.since == known.ordered_at - timedelta(seconds=5) < order.sent_at


def test_somebody_elses_order_that_one_list_left_out_and_that_has_ended_since_is_still_shown() -> None:
    """I2: nothing of ours asks after it, so readings overlap."""
    wired = make_wired()
    wired.read()
    row = wired.venue.list_order("KRX:000660", Side.BUY, 7, 100_000, timezone.now())
    wired.venue.hides = lambda _row: True
    wired.wait(timedelta(minutes=2))
    wired.read()
    wired.venue.end(row.key, ReportStatus.EXPIRED)
    wired.venue.hides = lambda _row: False
    wired.wait(timedelta(minutes=2))
    wired.read()
    assert list(BrokerOrder.objects.filter(is_external=True).values_list("key", flat=True)) == [row.key]


def test_the_command_reads_now_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    wired = make_wired("lost")
    order = wired.send()
    call_command("reconcile", account=wired.account.pk)
    assert "1 of 1 accounts read" in capsys.readouterr().out
    assert wired.state(order) == "accepted"
    wired.venue.reading = ReadIncomplete("no list")
    with pytest.raises(CommandError, match="1 accounts could not be read"):
        call_command("reconcile")


def test_a_market_order_is_found_by_its_shape() -> None:
    wired = make_wired("lost")
    order = wired.send(limit_price=None)
    assert order.limit_price is None
    wired.read()
    assert wired.state(order) == "accepted"


@pytest.mark.parametrize("status", [ReportStatus.CANCELED, ReportStatus.EXPIRED, ReportStatus.REJECTED])
def test_an_order_found_at_its_end_is_ended(status: ReportStatus) -> None:
    wired = make_wired("lost")
    order = wired.send()
    (key,) = wired.venue.rows
    wired.venue.end(key, status)
    wired.read()
    order = make.fresh(order)
    assert facts(order.state, order.reserved) == (status.value, 0)
    wired.books_are_sound()


def test_two_lists_of_one_moment_taken_twice_make_one_of_everything() -> None:
    """A crash between the steps of a reading, and the same reading again."""
    wired = make_wired("lost")
    order = wired.send()
    (key,) = wired.venue.rows
    wired.venue.fill(key, 5, 70_000)
    row = wired.venue.rows[key]
    for _ in range(2):
        doubts.take_row(order.pk, row)
    doubts.take_row(order.pk, replace(row, filled_quantity=Decimal(2), filled_amount=Decimal(140_000)))
    assert facts(make.fresh(order).filled_quantity, order.fills.count()) == (5, 1)
    wired.read()
    assert facts(make.fresh(order).filled_quantity, order.fills.count()) == (5, 1)
    wired.books_are_sound()


def test_at_is_the_markets_time() -> None:
    wired = make_wired()
    order = wired.send()
    wired.venue.fill(order.broker_order_key, 1, 70_000)
    wired.read()
    assert order.fills.get().at == datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
