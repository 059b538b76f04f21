"""Sending: claim, call, record. No order goes out twice, whatever dies or falls silent (I1-I4, I15)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from brokers.errors import BrokerNotConfigured, NotSent
from brokers.models import BrokerAccount
from brokers.protocol import Broker, CancelReply, OrderReport, ReportStatus, TimeInForce
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from tests.fakes import ACCEPTED, REJECTED, Crash, FakeBroker
from trading import services
from trading.dispatch import deliver, dispatch_once
from trading.models import Alert, Lease, Order, OrderAttempt, System
from trading.reconcile import reconcile_once
from trading.services.ordering import cancel_requests, sending
from trading.services.running import leases, system
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db


@pytest.fixture
def fence() -> int:
    return hold_lease(make.HOLDER)


def hold_lease(holder: str) -> int:
    fence = leases.acquire(sending.DISPATCH, holder)
    assert fence is not None
    return fence


def let_lease_lapse() -> None:
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))


def let_claims_lapse() -> None:
    Order.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def state(order: Order) -> str:
    return make.fresh(order).state


def test_a_pending_order_is_sent_once(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    """I1."""
    broker, order = FakeBroker(), make.place(account, instrument)
    assert dispatch_once(fence, broker.opened) == 1
    assert dispatch_once(fence, broker.opened) == 0
    assert (state(order), broker.sent) == ("accepted", [order.pk])
    assert list(order.attempts.values_list("number", "fence", "outcome")) == [(1, fence, "landed")]


def test_an_order_is_claimed_once(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    order = make.place(account, instrument)
    assert sending.claim(order.pk, fence) is not None
    assert sending.claim(order.pk, fence) is None
    assert OrderAttempt.objects.count() == 1


def test_after_a_time_out_the_order_is_never_resent(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    """I3."""
    order, broker = make.place(account, instrument), FakeBroker(answer=None)  # None: times out
    for _ in range(3):
        dispatch_once(fence, broker.opened)
    assert (state(order), broker.sent) == ("unknown", [order.pk])
    assert order.attempts.get().outcome == "unknown"
    assert make.fresh(order).reserved == order.reserved > 0


@pytest.mark.parametrize("failure", [ValueError("half a body"), ConnectionError("reset"), KeyError("output")])
def test_any_broken_answer_leaves_the_order_unknown_and_the_others_go_on(
    account: BrokerAccount, instrument: Instrument, fence: int, failure: Exception
) -> None:
    """reliability 3.6: anything after the first byte that is not proof is doubt; one account never stops the rest."""
    broken = make.place(account, instrument)
    other = make.place(make.make_account(make.make_user()), instrument)
    broker = FakeBroker(answer=[failure, ACCEPTED])
    assert dispatch_once(fence, broker.opened) == 2
    assert (state(broken), state(other)) == ("unknown", "accepted")


def test_a_refusal_frees_what_was_reserved(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    order = make.place(account, instrument)
    dispatch_once(fence, FakeBroker(answer=REJECTED).opened)
    order = make.fresh(order)
    assert facts(order.state, order.reason, order.reserved) == ("rejected", "market_closed", 0)
    assert order.attempts.get().outcome == "refused"
    assert make.balances(account)["available KRW"] == make.CASH


def test_while_a_lane_is_in_doubt_it_is_shut_and_another_goes_on(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    """I4: the lane is account, instrument and side."""
    make.hold(account, instrument, 5, 70_000)
    lost = make.place(account, instrument)
    dispatch_once(fence, FakeBroker(answer=None).opened)
    same_lane = make.place(account, instrument)
    exit_ = make.place(account, instrument, side=Side.SELL, quantity=Decimal(5))
    elsewhere = make.place(make.make_account(make.make_user()), instrument)
    broker = FakeBroker()
    assert dispatch_once(fence, broker.opened) == 2
    assert set(broker.sent) == {exit_.pk, elsewhere.pk}
    assert (state(lost), state(same_lane)) == ("unknown", "pending")


@pytest.mark.parametrize("in_doubt", ["submitted", "unknown", "ambiguous"])
def test_the_database_itself_keeps_a_lane_shut(account: BrokerAccount, instrument: Instrument, in_doubt: str) -> None:
    """I4: the index holds for the shell, the admin and next year's code."""
    first, second = make.place(account, instrument), make.place(account, instrument)
    Order.objects.filter(pk=first.pk).update(state=in_doubt)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=second.pk).update(state="submitted")


def test_settled_doubt_opens_the_lane_again(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    """I2: found by asking, and only then the next one goes out."""
    lost, waiting = make.place(account, instrument), make.place(account, instrument)
    dispatch_once(fence, FakeBroker(answer=None).opened)
    found = OrderReport(ReportStatus.ACCEPTED, broker_order_key="B-7", fills=(make.make_fill(lost, "f", 1, 70_000),))
    assert reconcile_once(fence, FakeBroker(found=found).opened) == 1
    assert (state(lost), make.fresh(lost).broker_order_key) == ("filled", "B-7")
    dispatch_once(fence, FakeBroker().opened)
    assert state(waiting) == "accepted"


def test_an_answer_that_proves_nothing_settles_nothing(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    """I3."""
    lost = make.place(account, instrument)
    dispatch_once(fence, FakeBroker(answer=None).opened)
    broker = FakeBroker(found=None)
    for _ in range(3):
        reconcile_once(fence, broker.opened)
    assert (state(lost), len(broker.looked_for), broker.sent) == ("unknown", 3, [])


def test_a_broker_that_cannot_be_asked_stops_nobody_else(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    lost = make.place(account, instrument)
    other = make.place(make.make_account(make.make_user()), instrument)
    dispatch_once(fence, FakeBroker(answer=None).opened)
    broker = FakeBroker(found=[TimeoutError("no answer"), ACCEPTED])
    assert reconcile_once(fence, broker.opened) == 2
    assert sorted([state(lost), state(other)]) == ["accepted", "unknown"]


def test_an_old_fence_cannot_claim(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    """I49: the process that lost its lease finds out at its next claim."""
    order = make.place(account, instrument)
    let_lease_lapse()
    newer = hold_lease("another process")
    assert newer == fence + 1
    with pytest.raises(sending.LeaseLost):
        sending.claim(order.pk, fence)
    broker = FakeBroker()
    assert dispatch_once(fence, broker.opened) == 0
    assert (state(order), broker.sent) == ("pending", [])


def test_a_lapsed_lease_cannot_claim_though_nobody_took_it(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    order = make.place(account, instrument)
    let_lease_lapse()
    assert dispatch_once(fence, FakeBroker().opened) == 0
    assert state(order) == "pending"


def test_without_the_lease_no_cancel_goes_out_either(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    order = make.place(account, instrument)
    dispatch_once(fence, FakeBroker().opened)
    services.cancel_order(account.user, order.pk)
    let_lease_lapse()
    broker = FakeBroker()
    assert (dispatch_once(fence, broker.opened), broker.cancels) == (0, [])


def test_a_second_dispatcher_is_idle(fence: int) -> None:
    assert leases.acquire(sending.DISPATCH, "another process") is None
    assert leases.acquire(sending.DISPATCH, make.HOLDER) == fence


def test_a_lease_given_back_can_be_taken_at_once(fence: int) -> None:
    leases.give_back(sending.DISPATCH, "somebody else")
    assert leases.acquire(sending.DISPATCH, "another process") is None
    leases.give_back(sending.DISPATCH, make.HOLDER)
    assert leases.acquire(sending.DISPATCH, "another process") == fence + 1


@pytest.mark.parametrize("clock", ["monotonic", "wall"])
def test_an_overdue_claim_is_not_sent(account: BrokerAccount, instrument: Instrument, fence: int, clock: str) -> None:
    """I13: the process froze between the claim and the call, or the machine slept."""
    order, broker = make.place(account, instrument), FakeBroker()
    claimed = sending.claim(order.pk, fence)
    assert claimed is not None
    if clock == "monotonic":
        late = replace(claimed, begun=claimed.begun - 2.1)
    else:
        late = replace(claimed, deadline=claimed.deadline - timedelta(seconds=2.1))
    deliver(late, broker)
    assert (state(order), broker.sent) == ("unknown", [])
    assert make.fresh(order).reason == "not_sent_in_time"


def test_an_order_no_adapter_serves_is_withdrawn_not_left_hanging(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    """Nothing can leave: the cash is free and the next order goes on."""
    order = make.place(account, instrument)
    other = make.place(make.make_account(make.make_user()), instrument)

    def open_account(of: BrokerAccount) -> Broker:
        if of == account:
            raise BrokerNotConfigured("no adapter")
        return FakeBroker()

    dispatch_once(fence, open_account)
    assert (state(order), make.fresh(order).reason) == ("withdrawn", "broker_not_configured")
    assert make.balances(account)["available KRW"] == make.CASH
    assert state(other) == "accepted"


def test_an_order_that_expired_while_waiting_is_withdrawn_and_the_next_one_sent(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    old, new = make.place(account, instrument), make.place(account, instrument)
    Order.objects.filter(pk=old.pk).update(expires_at=make.NOW)
    broker = FakeBroker()
    dispatch_once(fence, broker.opened)
    assert facts(state(old), make.fresh(old).reason, make.fresh(old).reserved) == (
        "withdrawn",
        "expired_before_sending",
        0,
    )
    assert broker.sent == [new.pk]


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_crash_between_claim_and_record_nothing_is_sent_twice(
    account: BrokerAccount, instrument: Instrument, fence: int, arrived: bool
) -> None:
    """I1, I15: only the broker's word moves a claimed order, whoever comes next."""
    order = make.place(account, instrument)
    broker = FakeBroker(answer=Crash(), found=ACCEPTED if arrived else None)
    with pytest.raises(Crash):
        dispatch_once(fence, broker.opened)
    assert state(order) == "submitted"
    let_lease_lapse()
    newer = hold_lease("the process started instead")
    reconcile_once(newer, broker.opened)
    assert state(order) == "submitted", "its sender may still be at it"
    let_claims_lapse()
    reconcile_once(newer, broker.opened)
    assert dispatch_once(newer, broker.opened) == 0
    assert (state(order), broker.sent) == ("accepted" if arrived else "unknown", [order.pk])


def test_a_crash_before_the_claim_commits_leaves_the_order_waiting(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    order = make.place(account, instrument)

    @transaction.atomic
    def claim_and_die() -> None:
        sending.claim(order.pk, fence)
        raise Crash

    with pytest.raises(Crash):
        claim_and_die()
    assert (state(order), OrderAttempt.objects.count()) == ("pending", 0)


def test_a_sender_thought_dead_cannot_make_a_settled_order_unknown(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    order = make.place(account, instrument)
    claimed = sending.claim(order.pk, fence)
    assert claimed is not None
    let_claims_lapse()
    reconcile_once(fence, FakeBroker(found=ACCEPTED).opened)
    sending.mark_unknown(claimed, "outcome_unknown")
    assert state(order) == "accepted"


@pytest.mark.parametrize("found", [None, ACCEPTED])
def test_an_answer_after_its_claim_was_taken_for_lost_hits_nothing(
    account: BrokerAccount, instrument: Instrument, fence: int, found: OrderReport | None
) -> None:
    """The order's fence has moved on: what became of it is for the broker's list to say."""
    order = make.place(account, instrument)
    claimed = sending.claim(order.pk, fence)
    assert claimed is not None
    let_claims_lapse()
    reconcile_once(fence, FakeBroker(found=found).opened)
    settled = make.fresh(order)
    assert not sending.record(claimed, OrderReport(ReportStatus.REJECTED, reason="no_cash"))
    assert (state(order), make.fresh(order).version) == ("accepted" if found else "unknown", settled.version)


def test_a_cancel_in_doubt_stops_nobody_else(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    orders = [make.place(account, instrument), make.place(account, instrument)]
    dispatch_once(fence, FakeBroker().opened)
    for order in orders:
        services.cancel_order(account.user, order.pk)
    broker = FakeBroker(canceled=[None, CancelReply.CONFIRMED])
    dispatch_once(fence, broker.opened)
    assert sorted(state(order) for order in orders) == ["accepted", "canceled"]


def test_a_refused_cancel_is_not_repeated_at_once(
    account: BrokerAccount, instrument: Instrument, fence: int, settings: Any
) -> None:
    """I12: at most three a minute, ten in all, and then a person hears of it once."""
    order = make.place(account, instrument)
    dispatch_once(fence, FakeBroker().opened)
    services.cancel_order(account.user, order.pk)
    broker = FakeBroker(canceled=CancelReply.REFUSED)
    for _ in range(5):
        dispatch_once(fence, broker.opened)
    assert (len(broker.cancels), state(order)) == (1, "accepted")
    asked_at = order.events.get(reason="cancel_sent").created_at
    assert cancel_requests.due(account.pk, asked_at + timedelta(seconds=19)) == []
    assert cancel_requests.due(account.pk, asked_at + timedelta(seconds=21)) == [order]
    settings.TIME_SCALE = 10**9  # no time to wait between two
    for _ in range(30):
        dispatch_once(fence, broker.opened)
    assert len(broker.cancels) == cancel_requests.MOST_CANCELS == 10
    assert Alert.objects.filter(cause="cancel_refused", subject=f"order:{order.pk}").count() == 1


BUSY = OrderReport(ReportStatus.REJECTED, reason="rate_limited", retryable=True)


@pytest.mark.parametrize("refusal", [BUSY, NotSent("connect")], ids=["retryable", "not_sent"])
def test_what_provably_did_not_arrive_is_tried_again_a_little_later(
    account: BrokerAccount, instrument: Instrument, fence: int, refusal: OrderReport | NotSent
) -> None:
    """I1: at most three attempts, each after a wait, and only after a proven refusal of the one before."""
    order, broker = make.place(account, instrument), FakeBroker(answer=[refusal, ACCEPTED])
    dispatch_once(fence, broker.opened)
    waiting = make.fresh(order)
    assert facts(waiting.state, waiting.reserved, broker.sent) == ("pending", order.reserved, [order.pk])
    assert waiting.not_before is not None
    assert timedelta(seconds=0.5) < waiting.not_before - timezone.now() <= timedelta(seconds=3)
    assert dispatch_once(fence, broker.opened) == 0
    Order.objects.update(not_before=timezone.now())
    dispatch_once(fence, broker.opened)
    assert (state(order), broker.sent) == ("accepted", [order.pk] * 2)
    assert list(order.attempts.order_by("number").values_list("outcome", flat=True)) == ["refused", "landed"]


def test_after_three_refusals_that_may_pass_the_order_is_rejected(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    order, broker = make.place(account, instrument), FakeBroker(answer=BUSY)
    for _ in range(5):
        Order.objects.update(not_before=timezone.now())
        dispatch_once(fence, broker.opened)
    order = make.fresh(order)
    assert facts(order.state, order.reserved, len(broker.sent)) == ("rejected", 0, 3)


def test_a_cancel_wins_over_the_next_try(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    order, broker = make.place(account, instrument), FakeBroker(answer=BUSY)
    dispatch_once(fence, broker.opened)
    Order.objects.update(cancel_requested=True)
    dispatch_once(fence, broker.opened)
    assert (state(order), len(broker.sent)) == ("withdrawn", 1)


def close_the_session(instrument: Instrument) -> None:
    make.put_price(instrument, 70_000, datetime(2026, 3, 4, 12, 0, tzinfo=UTC), keeps_sessions=True)


def let_the_price_grow_old(instrument: Instrument) -> None:
    make.put_price(instrument, 70_000, age=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("change", "reason"), [(close_the_session, "closed_session"), (let_the_price_grow_old, "stale_price")]
)
def test_what_has_changed_since_the_order_was_placed_keeps_it_back(
    account: BrokerAccount, instrument: Instrument, fence: int, change: Any, reason: str
) -> None:
    """I27: the checks of placing, made again at the claim."""
    order, broker = make.place(account, instrument, time_in_force=TimeInForce.GTC), FakeBroker()
    change(instrument)
    dispatch_once(fence, broker.opened)
    order = make.fresh(order)
    assert facts(order.state, order.reason, order.reserved, broker.sent) == ("withdrawn", reason, 0, [])
    assert order.events.get(state="withdrawn").raw == {"instrument": instrument.key}


def test_a_halt_keeps_a_pending_order_back_and_says_why(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    """I8: it was let through when it was placed; the claim looks again."""
    make.hold(account, instrument, 5, 70_000)
    buy = make.place(account, instrument)
    sell = make.place(account, instrument, side=Side.SELL, quantity=Decimal(5))
    halts.latch("account", str(account.pk), "reduce_only", "daily_loss")
    broker = FakeBroker()
    dispatch_once(fence, broker.opened)
    assert (state(buy), state(sell), broker.sent) == ("withdrawn", "accepted", [sell.pk])
    assert make.fresh(buy).facts["why"] == "daily_loss"


def test_code_that_is_not_the_newest_sends_nothing(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    """I49."""
    order, broker = make.place(account, instrument), FakeBroker()
    System.objects.update(release="newer")
    with pytest.raises(system.ReleaseSuperseded):
        dispatch_once(fence, broker.opened)
    assert (state(order), broker.sent) == ("pending", [])


def test_a_restored_backup_sends_nothing(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    """I50."""
    order, broker = make.place(account, instrument), FakeBroker()
    System.objects.update(armed=False)
    assert (dispatch_once(fence, broker.opened), state(order), broker.sent) == (0, "pending", [])


def test_a_virtual_order_is_accepted_and_found_under_one_key(
    account: BrokerAccount, instrument: Instrument, fence: int
) -> None:
    order = make.place(account, instrument)
    assert dispatch_once(fence) == 1
    order = make.fresh(order)
    assert (order.state, order.broker_order_key) == ("accepted", f"V-{order.client_id}")


def test_orders_go_out_oldest_first(account: BrokerAccount, instrument: Instrument, fence: int) -> None:
    orders = [make.place(account, instrument) for _ in range(3)]
    broker = FakeBroker()
    dispatch_once(fence, broker.opened)
    assert broker.sent == [order.pk for order in orders]


def test_hints_go_out_when_the_work_is_committed(
    account: BrokerAccount, instrument: Instrument, django_capture_on_commit_callbacks: Any
) -> None:
    """A hint about a row nobody can read yet would be answered with the old page."""
    with django_capture_on_commit_callbacks() as callbacks:
        make.place(account, instrument)
    told = {callback.func.__name__ for callback in callbacks}
    assert told == {"publish_order_changed", "publish_account_changed"}
