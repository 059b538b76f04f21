"""A halt leaves nothing at the broker to fill: what rests there and is no order of ours is asked back too (§3.11)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F
from django.utils import timezone

from brokers.protocol import CancelReply, ReportStatus
from markets.types import Side
from tests import factories as make
from tests.trading.wired import Wired, make_wired
from trading.models import BrokerOrder
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db


def with_a_stranger(canceled: CancelReply = CancelReply.TAKEN) -> tuple[Wired, str]:
    """An account whose owner has placed an order by hand, and the key of that order."""
    wired = make_wired(canceled=canceled)
    row = wired.venue.list_order("KRX:005930", Side.BUY, 7, 65_000, timezone.now())
    wired.read()
    return wired, row.key


def later(wired: Wired, seconds: int) -> None:
    asked = BrokerOrder.objects.filter(broker_account=wired.account, cancel_asked_at__isnull=False)
    asked.update(cancel_asked_at=F("cancel_asked_at") - timedelta(seconds=seconds))


@pytest.mark.parametrize("scope", ["site", "user", "account", "instrument"])
def test_a_halt_asks_back_what_a_person_placed_by_hand(scope: str) -> None:
    wired, key = with_a_stranger()
    targets = {
        "site": "",
        "user": wired.account.user_id,
        "account": wired.account.pk,
        "instrument": wired.instrument.pk,
    }
    halts.latch(scope, str(targets[scope]), "halted", "test")
    wired.dispatch()
    assert (wired.venue.cancels, wired.venue.rows[key].status) == ([key], ReportStatus.CANCELED)
    later(wired, 30)
    assert (wired.dispatch(), wired.venue.cancels) == (0, [key])  # the list has shown it gone
    assert BrokerOrder.objects.get().status == "canceled"


def test_it_asks_every_twenty_seconds_until_the_list_shows_it_gone() -> None:
    wired, key = with_a_stranger(canceled=CancelReply.REFUSED)
    halts.latch("account", str(wired.account.pk), "halted", "test")
    for _ in range(3):
        wired.dispatch()
        wired.dispatch()  # not again at once
        later(wired, 21)
    assert wired.venue.cancels == [key] * 3
    assert halts.unconfirmed("account", str(wired.account.pk)) == 1
    wired.venue.fill(key, 7, 65_000)
    wired.read()
    wired.dispatch()
    assert (wired.venue.cancels, halts.unconfirmed("account", str(wired.account.pk))) == ([key] * 3, 0)


@pytest.mark.parametrize(("scope", "mode"), [("account", "reduce_only"), ("plan", "halted"), ("user", "halted")])
def test_reduce_only_another_persons_halt_and_a_plans_leave_it_alone(scope: str, mode: str) -> None:
    wired, _key = with_a_stranger()
    other = make.make_user()
    plan = make.make_plan(make.make_account(other), wired.instrument)
    target = {"account": wired.account.pk, "plan": plan.pk, "user": other.pk}[scope]
    halts.latch(scope, str(target), mode, "test")
    wired.dispatch()
    assert wired.venue.cancels == []


def test_without_the_lease_nobody_asks() -> None:
    wired, _key = with_a_stranger()
    halts.latch("account", str(wired.account.pk), "halted", "test")
    stale = Wired(wired.venue, wired.account, wired.instrument, wired.fence - 1)
    stale.dispatch()
    assert wired.venue.cancels == []


def test_an_order_of_ours_that_rests_there_is_asked_back_once_as_itself() -> None:
    wired = make_wired()
    order = wired.send(quantity=Decimal(3))
    halts.latch("account", str(wired.account.pk), "halted", "test")
    wired.dispatch()
    assert wired.venue.cancels == [order.broker_order_key]
