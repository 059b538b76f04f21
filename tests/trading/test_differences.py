"""The broker's units beside ours (I22): a difference is shown and blocks entries; a person decides, nothing trades it away."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Role
from brokers.protocol import Holdings
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from tests.trading.wired import Wired, make_wired
from trading.errors import NotAllowed
from trading.models import Alert, Journal, Order, PositionDifference
from trading.services.settling import differences, openings

pytestmark = pytest.mark.django_db
KEY = "KRX:005930"


def trade_by_hand(wired: Wired, quantity: int) -> None:
    wired.venue.units[KEY] = wired.venue.units.get(KEY, Decimal(0)) + quantity


def found(wired: Wired, quantity: int = 5) -> PositionDifference:
    trade_by_hand(wired, quantity)
    wired.read()
    return PositionDifference.objects.get()


def test_what_the_person_bought_elsewhere_is_seen_and_told() -> None:
    wired = make_wired()
    difference = found(wired)
    assert facts(difference.instrument, difference.ours, difference.theirs, difference.closed_at) == (KEY, 0, 5, None)
    alert = Alert.objects.get(cause="position_mismatch")
    assert facts(alert.user_id, alert.facts["theirs"]) == (wired.account.user_id, "5")
    wired.read(3)
    assert facts(PositionDifference.objects.count(), Order.objects.count(), Alert.objects.count()) == (1, 0, 1)


def test_while_a_difference_is_open_nothing_is_bought_and_what_is_held_may_be_sold() -> None:
    wired = make_wired(units={KEY: 10})
    buy, sell = wired.place(), wired.place(side=Side.SELL, limit_price=Decimal(71_000))
    trade_by_hand(wired, 5)
    wired.read()
    assert differences.blocks_entry(wired.account.pk, KEY)
    assert not differences.blocks_entry(wired.account.pk, "KRX:000660")
    wired.dispatch()
    assert (wired.state(buy), wired.state(sell)) == ("withdrawn", "accepted")
    assert make.fresh(buy).reason == "position_difference"


def test_what_is_equal_again_closes_by_itself() -> None:
    wired = make_wired()
    found(wired)
    trade_by_hand(wired, -5)
    wired.read()
    difference = PositionDifference.objects.get()
    assert facts(difference.resolution, differences.blocks_entry(wired.account.pk, KEY)) == ("gone", False)


def test_an_order_at_the_venue_makes_two_readings_of_one_instrument_incomparable() -> None:
    """The list was read, the order filled, the holdings were read: that is no difference."""
    wired = make_wired()
    order = wired.send()
    trade_by_hand(wired, 5)
    wired.read()
    assert not PositionDifference.objects.exists()
    wired.venue.fill(order.broker_order_key, 10, 70_000)
    wired.read()
    assert not PositionDifference.objects.exists(), "it has only just filled"
    differences.compare(
        wired.account, wired.venue.holdings(), make.fresh(order).fills.get().created_at + timedelta(minutes=1)
    )
    difference = PositionDifference.objects.get()
    assert facts(difference.ours, difference.theirs) == (10, 15)


def test_adopting_takes_the_units_over_at_what_they_cost() -> None:
    wired = make_wired()
    difference = found(wired)
    differences.adopt_difference(wired.account.user, difference.pk)
    after = make.balances(wired.account)
    assert facts(after[f"available {KEY}"], after[f"position:{KEY} KRW"], after["available KRW"]) == (
        5,
        350_000,
        10_000_000,
    )
    wired.read()
    difference.refresh_from_db()
    assert facts(difference.resolution, differences.blocks_entry(wired.account.pk, KEY)) == ("adopted", False)


def test_adopting_a_loss_of_units_takes_their_share_of_the_cost() -> None:
    wired = make_wired(units={KEY: 10})
    difference = found(wired, -4)
    differences.adopt_difference(wired.account.user, difference.pk)
    after = make.balances(wired.account)
    assert facts(after[f"available {KEY}"], after[f"position:{KEY} KRW"]) == (6, 420_000)
    assert Journal.objects.filter(kind="adjustment").count() == 2


def test_ignoring_leaves_the_books_and_the_distance_stays_ignored() -> None:
    wired = make_wired()
    difference = found(wired)
    before = make.balances(wired.account)
    differences.ignore_difference(wired.account.user, difference.pk)
    wired.read(2)
    difference.refresh_from_db()
    assert facts(difference.resolution, make.balances(wired.account)) == ("ignored", before)
    assert not differences.blocks_entry(wired.account.pk, KEY)
    trade_by_hand(wired, 1)
    wired.read()
    difference.refresh_from_db()
    assert facts(difference.resolution, difference.theirs, differences.blocks_entry(wired.account.pk, KEY)) == (
        "",
        6,
        True,
    )


def test_books_that_moved_after_the_person_looked_are_not_adjusted_by_what_they_saw() -> None:
    wired = make_wired()
    difference = found(wired)
    PositionDifference.objects.update(ours=Decimal(1))
    with pytest.raises(differences.DifferenceMoved):
        differences.adopt_difference(wired.account.user, difference.pk)
    assert Journal.objects.count() == 1


def test_nobody_decides_twice_or_for_somebody_else() -> None:
    wired = make_wired()
    difference = found(wired)
    with pytest.raises(PositionDifference.DoesNotExist):
        differences.adopt_difference(make.make_user(), difference.pk)
    with pytest.raises(NotAllowed):
        differences.ignore_difference(make.make_user(role=Role.VIEWER), difference.pk)
    differences.ignore_difference(wired.account.user, difference.pk)
    with pytest.raises(differences.DifferenceMoved):
        differences.adopt_difference(wired.account.user, difference.pk)


def test_units_without_a_price_are_not_taken_over_for_nothing() -> None:
    wired = make_wired()
    held = Holdings({"KRW": wired.venue.cash}, {KEY: Decimal(5)})
    differences.compare(wired.account, held, make.NOW)
    with pytest.raises(openings.CostUnknown):
        differences.adopt_difference(wired.account.user, PositionDifference.objects.get().pk)
    assert make.balances(wired.account).get(f"available {KEY}") is None
