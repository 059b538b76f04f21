"""SIGNAL moves on fills and on nothing else; every plan counts its own units and money (I23, I24, G18)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, ReportStatus
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from trading import services
from trading.models import Order, SignalStep, SwingPlan

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=1)
FIRST, SECOND, SALE = 1, 2, 3


@pytest.fixture
def plan(account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return make.make_plan(account, instrument)


def ask(plan: SwingPlan, step: int, quantity: int) -> Order:
    """An order of the plan's, resting at the venue."""
    plan.refresh_from_db()
    side = Side.SELL if step == SALE else Side.BUY
    order = make.place(
        plan.broker_account, plan.instrument, side=side, quantity=Decimal(quantity), plan=plan, step=step
    )
    return make.accept(order)


def fill(order: Order, quantity: int, price: int = 70_000, fee: int = 0) -> None:
    key = f"{order.pk}:{make.fresh(order).filled_quantity + quantity}"
    report = OrderReport(ReportStatus.ACCEPTED, fills=(make.make_fill(order, key, quantity, price, fee),))
    services.apply_report(order.pk, report, LATER)


def end(order: Order, status: ReportStatus = ReportStatus.EXPIRED) -> None:
    services.apply_report(order.pk, OrderReport(status), LATER)


def done(plan: SwingPlan, step: int, quantity: int, price: int = 70_000, fee: int = 0) -> Order:
    order = ask(plan, step, quantity)
    fill(order, quantity, price, fee)
    return order


def signal(plan: SwingPlan) -> int:
    plan.refresh_from_db()
    return plan.signal


def steps(plan: SwingPlan) -> list[tuple[int, int]]:
    return list(SignalStep.objects.filter(plan=plan).values_list("from_signal", "to_signal"))


def test_the_whole_way_is_0_1_2_3(plan: SwingPlan) -> None:
    assert signal(plan) == 0
    done(plan, FIRST, 10)
    assert signal(plan) == 1
    done(plan, SECOND, 5)
    assert signal(plan) == 2
    done(plan, SALE, 15)
    assert facts(signal(plan), plan.held_quantity, plan.held_cost) == (3, 0, 0)
    assert steps(plan) == [(0, 1), (1, 2), (2, 3)]
    assert facts(plan.cooldown_left, plan.peak_close) == (plan.cooldown_bars, None)


def test_an_exit_after_the_first_buy_goes_1_3(plan: SwingPlan) -> None:
    done(plan, FIRST, 10)
    done(plan, SALE, 10)
    assert (signal(plan), steps(plan)) == (3, [(0, 1), (1, 3)])


def test_an_order_alone_moves_nothing(plan: SwingPlan) -> None:
    order = ask(plan, FIRST, 10)
    assert (signal(plan), steps(plan)) == (0, [])
    fill(order, 4)
    assert facts(signal(plan), plan.held_quantity) == (0, 4), "the step is done when its order has ended"


@pytest.mark.parametrize("status", [ReportStatus.EXPIRED, ReportStatus.CANCELED, ReportStatus.REJECTED])
def test_an_order_that_comes_to_nothing_leaves_the_plan_where_it_was(plan: SwingPlan, status: ReportStatus) -> None:
    """I24."""
    end(ask(plan, FIRST, 10), status)
    assert facts(signal(plan), steps(plan), plan.cycle_spent) == (0, [], 0)
    done(plan, FIRST, 10)
    assert signal(plan) == 1, "the step is free again"


def test_a_withdrawn_order_moves_nothing(plan: SwingPlan) -> None:
    order = make.place(plan.broker_account, plan.instrument, plan=plan, step=FIRST)
    services.cancel_order(plan.user, order.pk)
    assert (signal(plan), steps(plan)) == (0, [])


def test_a_buy_that_ends_half_filled_moves_with_what_it_got(plan: SwingPlan) -> None:
    order = ask(plan, FIRST, 10)
    fill(order, 4)
    end(order)
    assert facts(signal(plan), plan.held_quantity, plan.held_cost) == (1, 4, 280_000)


def test_a_sale_that_ends_half_filled_goes_on_selling(plan: SwingPlan) -> None:
    done(plan, FIRST, 10)
    sale = ask(plan, SALE, 10)
    fill(sale, 4)
    end(sale)
    assert facts(signal(plan), plan.exiting, plan.held_quantity, plan.held_cost) == (1, True, 6, 420_000)
    done(plan, SALE, 6)
    assert facts(signal(plan), plan.exiting, plan.held_quantity) == (3, False, 0)


def test_each_step_happens_once_however_often_its_end_is_told(plan: SwingPlan) -> None:
    """I23."""
    order = done(plan, FIRST, 10)
    before = signal(plan), plan.version
    for status in (ReportStatus.ACCEPTED, ReportStatus.CANCELED, ReportStatus.ACCEPTED):
        end(order, status)
    assert (signal(plan), plan.version) == before
    assert steps(plan) == [(0, 1)]


def test_news_of_an_earlier_cycle_moves_nothing(plan: SwingPlan) -> None:
    order = ask(plan, FIRST, 10)
    end(order, ReportStatus.CANCELED)
    SwingPlan.objects.filter(pk=plan.pk).update(cycle=2)
    fill(order, 4)
    assert facts(signal(plan), plan.held_quantity) == (0, 4), (
        "held with SIGNAL 0: the next look is blocked for a person"
    )


def test_a_late_fill_that_fits_no_step_is_booked_and_left_to_a_person(plan: SwingPlan) -> None:
    """A second buy thought canceled fills after everything was sold: it must not be lost, nor may SIGNAL jump."""
    done(plan, FIRST, 10)
    second = ask(plan, SECOND, 5)
    end(second, ReportStatus.CANCELED)
    done(plan, SALE, 10)
    fill(second, 5)
    assert facts(signal(plan), plan.held_quantity, plan.held_cost) == (3, 5, 350_000)
    assert steps(plan) == [(0, 1), (1, 3)]
    assert make.balances(plan.broker_account)["available KRX:005930"] == 5


def test_a_late_fill_completes_a_sale_thought_unfinished(plan: SwingPlan) -> None:
    done(plan, FIRST, 10)
    sale = ask(plan, SALE, 10)
    fill(sale, 4)
    end(sale, ReportStatus.CANCELED)
    fill(sale, 6)
    assert facts(signal(plan), plan.exiting, plan.held_quantity) == (3, False, 0)


def test_two_plans_on_one_account_and_symbol_never_mix(account: BrokerAccount, instrument: Instrument) -> None:
    """G18: the account has one average cost, each plan its own."""
    cheap, dear = make.make_plan(account, instrument), make.make_plan(account, instrument)
    done(cheap, FIRST, 10, 70_000, fee=105)
    done(dear, FIRST, 10, 72_000, fee=108)
    done(cheap, SALE, 10, 71_000, fee=106)
    signal(cheap), signal(dear)
    assert facts(cheap.signal, cheap.held_quantity, cheap.realised) == (3, 0, 10_000 - 105 - 106)
    assert facts(dear.signal, dear.held_quantity, dear.held_cost, dear.realised) == (1, 10, 720_000, -108)
    done(dear, SALE, 10, 71_000, fee=107)
    signal(dear)
    assert dear.realised == -10_000 - 108 - 107
    assert services.portfolio(account).realised == cheap.realised + dear.realised


def test_a_sale_by_hand_leaves_the_plans_count_alone(account: BrokerAccount, plan: SwingPlan) -> None:
    done(plan, FIRST, 10)
    by_hand = make.accept(make.place(account, plan.instrument, side=Side.SELL, quantity=Decimal(4)))
    fill(by_hand, 4)
    assert facts(signal(plan), plan.held_quantity) == (1, 10)


def test_what_a_cycle_spent_includes_its_fees(plan: SwingPlan) -> None:
    done(plan, FIRST, 10, fee=105)
    done(plan, SECOND, 5, fee=52)
    plan.refresh_from_db()
    assert plan.cycle_spent == 1_050_157


def test_a_plan_has_one_open_order_per_step(plan: SwingPlan) -> None:
    """The database says so too."""
    ask(plan, FIRST, 10)
    with pytest.raises(IntegrityError), transaction.atomic():
        make.place(plan.broker_account, plan.instrument, plan=plan, step=FIRST)


def test_a_partial_fill_tells_the_plans_page(plan: SwingPlan, django_capture_on_commit_callbacks: object) -> None:
    order = ask(plan, FIRST, 10)
    with django_capture_on_commit_callbacks() as callbacks:  # type: ignore[operator]
        fill(order, 4)
    assert "publish_plan_changed" in {callback.func.__name__ for callback in callbacks}
