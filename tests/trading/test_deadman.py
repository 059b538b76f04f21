"""Who is not looked at is not sent on: plans of real accounts that nobody evaluates close their account (G15)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets import services as markets
from markets.models import Instrument
from markets.types import Bar, Interval, Source
from tests import factories as make
from trading.models import Alert, Halt, SwingPlan
from trading.services.planning.evaluation import deadman
from trading.services.safeguards import triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper() -> BrokerAccount:
    return BrokerAccount.objects.create(
        user=make.make_user(), name="모의투자", broker="kis", environment=Environment.PAPER
    )


def sweep(*, keeps_sessions: bool = False, **later: int) -> int:
    """Look so much market time later."""
    make.set_clock(make.NOW + timedelta(**later), keeps_sessions=keeps_sessions)
    return triggers.sweep(timezone.now(), [deadman.plans_not_looked_at])


def close_bar(instrument: Instrument, hours: int = 1) -> None:
    at, price = make.NOW + timedelta(hours=hours), Decimal(70_000)
    bar = Bar(instrument.key, Interval.H1, at - timedelta(hours=1), at, price, price, price, price, Decimal(1))
    markets.store_bars([bar], Source.SIMULATOR, {instrument.key: instrument.pk})


def test_a_bar_that_nobody_decides_on_for_five_minutes_closes_the_account(
    paper: BrokerAccount, instrument: Instrument
) -> None:
    plan = make.make_plan(paper, instrument)
    close_bar(instrument)
    assert sweep(hours=1, minutes=5) == 0
    assert sweep(hours=1, minutes=5, seconds=1) == 1
    latch = Halt.objects.get(scope="account", target=str(paper.pk))
    assert (latch.mode, latch.reason) == ("reduce_only", "not_looked_at")
    alert = Alert.objects.get(cause="not_looked_at")
    assert (alert.user, alert.facts["instrument"]) == (plan.user, instrument.key)


def test_a_plan_that_has_decided_is_looked_at(paper: BrokerAccount, instrument: Instrument) -> None:
    make.make_plan(paper, instrument, decided_until=make.NOW + timedelta(hours=1))
    close_bar(instrument)
    assert sweep(hours=1, minutes=59) == 0


def test_a_bar_that_does_not_come_closes_the_account_after_three_more(
    paper: BrokerAccount, instrument: Instrument
) -> None:
    make.make_plan(paper, instrument)
    assert sweep(hours=4) == 0
    assert sweep(hours=4, seconds=1) == 1


def test_the_night_is_no_silence(paper: BrokerAccount, instrument: Instrument) -> None:
    """The bar that closed with its session is decided at the next open; only session time counts."""
    make.make_plan(paper, instrument, decided_until=make.NOW.replace(hour=6))  # 15:00 in Seoul
    assert sweep(hours=20, keeps_sessions=True) == 0  # 07:00
    assert sweep(hours=23, keeps_sessions=True) == 0  # 10:00: an hour of the next session


def test_an_hour_of_a_closed_market_is_not_counted_and_one_of_an_open_market_is(
    paper: BrokerAccount, instrument: Instrument
) -> None:
    make.make_plan(paper, instrument, decided_until=make.NOW.replace(hour=6))
    assert sweep(hours=25, keeps_sessions=True) == 0  # 12:00, three hours into the session
    assert sweep(hours=25, seconds=1, keeps_sessions=True) == 1


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_plan_that_sends_no_orders_stops_none(paper: BrokerAccount, instrument: Instrument, mode: str) -> None:
    make.make_plan(paper, instrument, mode=mode)
    close_bar(instrument)
    assert sweep(hours=3) == 0


def test_play_money_is_not_stopped(instrument: Instrument) -> None:
    make.make_plan(make.make_account(make.make_user()), instrument)
    close_bar(instrument)
    assert sweep(hours=9) == 0
    assert SwingPlan.objects.count() == 1


def test_it_is_one_of_the_checks_of_every_sweep() -> None:
    assert deadman.plans_not_looked_at in triggers.CHECKS


def test_a_plan_that_waits_for_the_next_open_is_looked_at(paper: BrokerAccount, instrument: Instrument) -> None:
    """It has seen its bar and cannot decide before somebody trades: nobody is away."""
    plan = make.make_plan(paper, instrument, waits_for_open=make.NOW + timedelta(hours=1))
    close_bar(instrument)
    assert sweep(hours=1, minutes=30) == 0
    SwingPlan.objects.filter(pk=plan.pk).update(waits_for_open=make.NOW)  # of an earlier bar
    assert sweep(hours=1, minutes=30) == 1


def test_a_page_can_tell_where_the_switch_stands(paper: BrokerAccount, instrument: Instrument) -> None:
    plan = make.make_plan(paper, instrument)
    make.put_price(instrument, 70_000, age=timedelta(seconds=40))
    before = deadman.switch_of(plan)
    assert (before.overdue_since, before.look_limit, before.price_limit) == (None, 300, 60)
    assert (before.price_age, before.closes, before.closed_by) == (40, True, "")
    close_bar(instrument)
    sweep(hours=1, minutes=6)
    after = deadman.switch_of(plan)
    assert (after.overdue_since, after.closed_by) == (make.NOW + timedelta(hours=1), "not_looked_at")
    assert after.closed_at is not None


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_the_switch_of_a_plan_that_sends_nothing_closes_nothing(
    paper: BrokerAccount, instrument: Instrument, mode: str
) -> None:
    assert deadman.switch_of(make.make_plan(paper, instrument, mode=mode)).closes is False
