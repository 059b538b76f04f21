"""Stopping a plan: what it holds is kept or sold, once, and it is off when nothing is held (G18, I23)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Role
from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, ReportStatus
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from trading import services
from trading.errors import NotAllowed, OrderRefused, PlanRefused
from trading.models import Order, SignalStep, SwingPlan
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=1)


@pytest.fixture
def plan(account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return make.make_plan(account, instrument)


def rest(plan: SwingPlan, quantity: int = 10, step: int = 1) -> Order:
    """A buy of the plan that stands at the venue."""
    plan.refresh_from_db()
    return make.accept(
        make.place(plan.broker_account, plan.instrument, quantity=Decimal(quantity), plan=plan, step=step)
    )


def fill(order: Order, quantity: int, price: int = 70_000) -> None:
    key = f"{order.pk}:{make.fresh(order).filled_quantity + quantity}"
    report = OrderReport(ReportStatus.ACCEPTED, fills=(make.make_fill(order, key, quantity, price),))
    services.apply_report(order.pk, report, LATER)


def hold(plan: SwingPlan, quantity: int = 10) -> SwingPlan:
    fill(rest(plan, quantity), quantity)
    plan.refresh_from_db()
    assert (plan.signal, plan.held_quantity) == (1, Decimal(quantity))
    return plan


def stop(plan: SwingPlan, *, sell: bool) -> services.Stopped:
    return services.stop_plan(plan.user, plan.pk, sell=sell)


def now(plan: SwingPlan) -> tuple[str, bool, int, Decimal]:
    plan.refresh_from_db()
    return plan.mode, plan.stopping, plan.signal, plan.held_quantity


def sales(plan: SwingPlan) -> list[Order]:
    return list(Order.objects.filter(plan=plan, side=Side.SELL).order_by("created_at"))


def test_a_plan_stopped_without_selling_keeps_what_it_holds(plan: SwingPlan) -> None:
    assert stop(hold(plan), sell=False).sale is None
    assert now(plan) == ("off", False, 1, Decimal(10))
    assert not sales(plan)


def test_a_plan_with_nothing_is_off_at_once_either_way(plan: SwingPlan) -> None:
    assert stop(plan, sell=True).plan.mode == "off"
    assert now(plan) == ("off", False, 0, Decimal(0))


def test_a_plan_stopped_with_selling_sells_all_it_holds_and_is_off_once_that_is_done(plan: SwingPlan) -> None:
    sale = stop(hold(plan), sell=True).sale
    assert sale is not None
    assert (sale.side, sale.quantity, sale.step) == ("sell", Decimal(10), 3)
    assert now(plan) == ("on", True, 1, Decimal(10))
    fill(make.accept(sale), 10)
    assert now(plan) == ("off", False, 3, Decimal(0))


def test_pressed_again_nothing_is_sold_twice(plan: SwingPlan) -> None:
    """G06, G18: another plan on the same account and symbol keeps every share of its own."""
    other = hold(make.make_plan(plan.broker_account, plan.instrument), 7)
    first, second = stop(hold(plan), sell=True).sale, stop(plan, sell=True).sale
    assert first == second
    fill(make.accept(sales(plan)[0]), 10)
    assert stop(plan, sell=True).sale is None
    assert len(sales(plan)) == 1
    assert now(plan)[0] == "off"
    assert now(other) == ("on", False, 1, Decimal(7))


def test_a_sale_filled_in_part_and_ended_goes_on_with_the_rest(plan: SwingPlan) -> None:
    sale = stop(hold(plan), sell=True).sale
    assert sale is not None
    fill(make.accept(sale), 4)
    services.apply_report(sale.pk, OrderReport(ReportStatus.EXPIRED), LATER)
    assert now(plan) == ("on", True, 1, Decimal(6))
    assert plan.exiting
    again = stop(plan, sell=True).sale
    assert again is not None
    assert (again.quantity, again.client_key) != (sale.quantity, sale.client_key)
    fill(make.accept(again), 6)
    assert now(plan) == ("off", False, 3, Decimal(0))


def test_a_buy_that_waits_is_withdrawn_and_never_bought(plan: SwingPlan) -> None:
    order = make.place(plan.broker_account, plan.instrument, quantity=Decimal(5), plan=plan, step=1)
    stop(plan, sell=True)
    assert make.fresh(order).state == "withdrawn"
    assert now(plan) == ("off", False, 0, Decimal(0))


@pytest.mark.parametrize("sale_first", [True, False])
def test_what_a_resting_buy_has_filled_is_sold_whichever_ends_first(plan: SwingPlan, sale_first: bool) -> None:
    """The buy is called back, its fills are sold, and SIGNAL has made both steps in the end."""
    buy = rest(plan)
    fill(buy, 4)
    sale = stop(plan, sell=True).sale
    assert sale is not None
    assert sale.quantity == 4
    assert make.fresh(buy).cancel_requested
    make.accept(sale)
    for sells in (sale_first, not sale_first):
        assert now(plan)[0] == "on"
        if sells:
            fill(sale, 4)
        else:
            services.apply_report(buy.pk, OrderReport(ReportStatus.CANCELED), LATER)
    assert now(plan) == ("off", False, 3, Decimal(0))
    assert list(SignalStep.objects.filter(plan=plan).values_list("to_signal", flat=True)) == [1, 3]


def test_what_a_resting_buy_still_fills_is_sold_before_the_plan_is_off(plan: SwingPlan) -> None:
    buy = rest(plan)
    assert stop(plan, sell=True).sale is None
    fill(buy, 10)
    assert now(plan) == ("on", True, 1, Decimal(10))
    assert plan.exiting
    sale = stop(plan, sell=True).sale
    assert sale is not None
    fill(make.accept(sale), 10)
    assert now(plan)[0] == "off"


def test_where_it_cannot_sell_now_it_says_why_and_goes_on_trying(plan: SwingPlan) -> None:
    hold(plan)
    halts.halt(plan.user, "plan", str(plan.pk), "halted", "")
    stopped = stop(plan, sell=True)
    assert (stopped.sale, stopped.reason) == (None, "halted")
    assert now(plan) == ("on", True, 1, Decimal(10))
    assert plan.exiting


def test_a_paused_plan_runs_again_to_sell(plan: SwingPlan) -> None:
    hold(plan)
    services.pause_plan(plan.user, plan.pk)
    stop(plan, sell=True)
    assert now(plan)[:2] == ("on", True)


def test_a_plan_on_its_way_out_buys_nothing(plan: SwingPlan) -> None:
    stop(hold(plan), sell=True)
    plan.refresh_from_db()
    with pytest.raises(OrderRefused, match="plan_is_stopping"):
        make.place(plan.broker_account, plan.instrument, plan=plan, step=2)


def test_a_plan_on_its_way_out_is_neither_paused_nor_resumed_but_can_be_told_to_keep_the_rest(plan: SwingPlan) -> None:
    sale = stop(hold(plan), sell=True).sale
    assert sale is not None
    for switch in (services.pause_plan, services.resume_plan):
        with pytest.raises(PlanRefused, match="plan_is_stopping"):
            switch(plan.user, plan.pk)
    stop(plan, sell=False)
    assert make.fresh(sale).state == "withdrawn"
    assert now(plan) == ("off", False, 1, Decimal(10))
    assert not plan.exiting


def test_only_its_owner_stops_a_plan_and_only_who_may_trade(plan: SwingPlan) -> None:
    with pytest.raises(SwingPlan.DoesNotExist):
        services.stop_plan(make.make_user(), plan.pk, sell=True)
    with pytest.raises(NotAllowed):
        services.stop_plan(make.make_user(role=Role.VIEWER), plan.pk, sell=False)


ACTS = st.sampled_from(["buy", "fill", "end", "stop", "keep"])


@given(st.lists(st.tuples(st.integers(0, 1), ACTS, st.integers(1, 5)), max_size=14))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_two_plans_on_one_account_and_symbol_never_touch_each_others_units(
    instrument: Instrument, acts: list[tuple[int, str, int]]
) -> None:
    """G18: whatever is bought, filled and stopped, each plan holds what its own fills add up to, and never below zero;
    nothing is on sale twice, and a plan that is off after selling is flat."""
    account = make.make_account(make.make_user(), Decimal(100_000_000))
    plans = [make.make_plan(account, instrument) for _ in range(2)]
    for which, act, size in acts:
        plan = plans[which]
        plan.refresh_from_db()
        open_orders = Order.objects.open().filter(plan=plan).order_by("created_at")
        resting = [make.accept(o) if o.state == "pending" else make.fresh(o) for o in open_orders]
        if act == "buy" and not resting and plan.signal in (0, 1) and not plan.stopping and plan.mode == "on":
            rest(plan, size, step=plan.signal + 1)
        elif act == "fill" and resting:
            left = int(resting[0].quantity - resting[0].filled_quantity)
            fill(resting[0], min(left, size), 70_000 + 100 * size)
        elif act == "end" and resting:
            services.apply_report(resting[0].pk, OrderReport(ReportStatus.CANCELED), LATER)
        elif act in ("stop", "keep"):
            stop(plan, sell=act == "stop")
        for each in plans:
            _check_own_books(each)
    assert sum(plan.held_quantity for plan in plans) == _held(account, instrument)


def _check_own_books(plan: SwingPlan) -> None:
    plan.refresh_from_db()
    orders = list(Order.objects.filter(plan=plan))
    bought = sum((o.filled_quantity for o in orders if o.side == Side.BUY), Decimal(0))
    sold = sum((o.filled_quantity for o in orders if o.side == Side.SELL), Decimal(0))
    on_sale = sum((o.quantity - o.filled_quantity for o in orders if o.side == Side.SELL and o.is_open), Decimal(0))
    assert plan.held_quantity == bought - sold >= on_sale >= 0
    assert not (plan.stopping and plan.mode == "off")


def _held(account: BrokerAccount, instrument: Instrument) -> Decimal:
    own = make.balances(account)
    return sum((amount for name, amount in own.items() if name.endswith(f" {instrument.key}")), Decimal(0)) - sum(
        (amount for name, amount in own.items() if name.startswith("external") and name.endswith(instrument.key)),
        Decimal(0),
    )
