"""Plans that end, are stopped or edited while bars go by: the next bar follows the new wish (C19, G18, I26)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from markets.types import Interval, market_day
from strategies.library.swing import SwingParameters
from tests import factories as make
from tests.trading.test_evaluation import CROSSES_ONLY, HISTORY, Market, live, wave
from trading import services
from trading.models import Order, SwingPlan
from trading.plan_rules import library_rule

pytestmark = pytest.mark.django_db
LONGEST_WAIT = 150  # bars: more than half a wave, in which every cross comes


@pytest.fixture
def market() -> Market:
    market = Market(make.make_instrument())
    market.close_bars(*wave(HISTORY))
    return market


@pytest.fixture
def plan(market: Market) -> SwingPlan:
    account = make.make_account(make.make_user())
    return services.register_plan(
        account.user,
        broker_account=account,
        instrument=market.instrument,
        name="파도",
        interval=Interval.H1,
        parameters=CROSSES_ONLY,
        budget=Decimal(4_000_000),
        first_share=Decimal("0.5"),
        cooldown_bars=2,
    )


def until(market: Market, plan: SwingPlan, signal: int) -> None:
    for _bar in range(LONGEST_WAIT):
        if live(market, plan, 1)[0][1] == signal:
            return
    raise AssertionError(f"SIGNAL never came to {signal}")


def test_past_its_last_day_a_plan_tells_that_it_would_have_bought_and_buys_nothing(
    market: Market, plan: SwingPlan
) -> None:
    SwingPlan.objects.update(ends_on=market_day(market.now) - timedelta(days=1))
    live(market, plan, 60)
    told = plan.evaluations.filter(outcome="blocked").values_list("reason", flat=True)
    assert set(told) == {"plan_ended"}
    assert not Order.objects.exists()


def test_past_its_last_day_a_plan_still_sells_by_its_rule(market: Market, plan: SwingPlan) -> None:
    until(market, plan, 2)
    SwingPlan.objects.update(ends_on=market_day(market.now) - timedelta(days=1))
    until(market, plan, 3)
    assert not plan.held_quantity
    live(market, plan, LONGEST_WAIT)
    assert Order.objects.filter(side="buy").count() == 2


def test_a_stop_that_could_not_sell_sells_on_the_next_bar_and_then_the_plan_is_off(
    market: Market, plan: SwingPlan
) -> None:
    until(market, plan, 1)
    make.put_price(market.instrument, 70_000, market.now, age=timedelta(hours=1))
    assert services.stop_plan(plan.user, plan.pk, sell=True).reason == "stale_price"
    assert live(market, plan, 1) == [("sell", 3)]
    assert (plan.mode, plan.stopping, plan.held_quantity) == ("off", False, Decimal(0))
    assert plan.evaluations.first().reason == "exit_unfinished"  # type: ignore[union-attr]


def test_a_stopped_plan_resumed_begins_its_next_cycle_as_any_other(market: Market, plan: SwingPlan) -> None:
    until(market, plan, 1)
    services.stop_plan(plan.user, plan.pk, sell=True)
    market.trade()
    plan.refresh_from_db()
    assert (plan.mode, plan.signal) == ("off", 3)
    services.resume_plan(plan.user, plan.pk)
    assert [outcome for outcome, _signal in live(market, plan, 3)] == ["hold", "hold", "restart"]


def test_a_plan_that_does_not_repeat_stays_sold(market: Market, plan: SwingPlan) -> None:
    """W05: 3 is the end of it, and each bar says so."""
    SwingPlan.objects.update(repeat=False)
    until(market, plan, 1)
    until(market, plan, 3)
    assert live(market, plan, 4) == [("hold", 3)] * 4
    assert set(plan.evaluations.order_by("-bar_closed_at").values_list("reason", flat=True)[:4]) == {"cycle_complete"}


def test_bars_closed_before_an_edit_are_decided_by_the_rule_there_was(market: Market, plan: SwingPlan) -> None:
    market.close_bars(*wave(1, at=market.hours))
    never = SwingParameters(**CROSSES_ONLY.as_data() | {"first_use_adx": True, "adx_threshold": 99})
    services.edit_plan(
        plan.user,
        plan.pk,
        name=plan.name,
        parameters=never,
        budget=plan.budget,
        first_share=plan.first_share,
        repeat=True,
        cooldown_bars=2,
        mode="on",
    )
    before = plan.evaluations.get()
    live(market, plan, 1)
    after = plan.evaluations.first()
    assert after is not None
    kinds = [{c["condition"]["kind"] for c in each.detail["row"]["conditions"]} for each in (before, after)]
    assert ["compare" in each for each in kinds] == [False, True]


def test_a_plan_of_another_strategy_trades_bar_by_bar(market: Market, plan: SwingPlan) -> None:
    """BasicPlan has one entry: 0 → 1 → 3."""
    basic = services.register_plan(
        plan.user,
        broker_account=plan.broker_account,
        instrument=market.instrument,
        name="이동평균",
        interval=Interval.H1,
        parameters=library_rule("basic", {}),
        budget=Decimal(1_000_000),
        first_share=Decimal(1),
    )
    services.pause_plan(plan.user, plan.pk)
    until(market, basic, 1)
    until(market, basic, 3)
    assert list(basic.steps.order_by("pk").values_list("to_signal", flat=True)) == [1, 3]
