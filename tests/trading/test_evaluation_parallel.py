"""Evaluators side by side, with fills, halts and people at the same time: one decision per (plan, bar), and nobody stuck."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction

from brokers.models import BrokerAccount
from strategies.library.swing import ACTIVE_SWING, SwingParameters
from tests import factories as make
from tests.trading.crowd import make_plans, standing, told
from tests.trading.test_evaluation import CROSSES_ONLY, HISTORY, Market, wave
from tests.trading.test_halts_parallel import Beside
from trading import services
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services.ledger import books
from trading.services.planning.evaluation.standing import lock_free

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

EVALUATORS = 10
RULES = (CROSSES_ONLY, SwingParameters(), ACTIVE_SWING)


@pytest.fixture(autouse=True)
def _locks_by_row() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock for all")


@pytest.fixture
def markets() -> list[Market]:
    found = [Market(make.make_instrument(f"{100_000 + number}")) for number in range(3)]
    for each in found:
        each.close_bars(*wave(HISTORY))
    return found


def side_by_side(calls: list[Callable[[], object]]) -> list[object]:
    """All of them begun at one moment; what they answer."""
    ready = threading.Barrier(len(calls))

    def begin(call: Callable[[], object]) -> object:
        ready.wait(20)
        return call()

    beside = [Beside(lambda call=call: begin(call)) for call in calls]  # type: ignore[misc]
    answers = [each.result() for each in beside]
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    assert not failed, failed
    return answers


def test_ten_evaluators_write_each_decision_once(markets: list[Market]) -> None:
    """I23, I25: also those that led to orders."""
    plans = [plan for each in markets for plan in make_plans(each.instrument, 12, RULES)]
    for each in markets:
        each.close_bars(70_000)
    written = side_by_side([services.evaluate_due] * EVALUATORS)
    assert sum(int(str(count)) for count in written) == len(plans) == PlanEvaluation.objects.count()
    assert {len(told(plan)) for plan in plans} == {1}
    assert {standing(plan)["version"] for plan in plans} == {1}
    bought = PlanEvaluation.objects.filter(outcome="buy_first")
    assert bought.count() == Order.objects.count() > 0
    assert set(bought.values_list("order", flat=True)) == set(Order.objects.values_list("pk", flat=True))


def test_evaluators_fills_and_people_at_once_wait_in_no_circle(markets: list[Market]) -> None:
    """Account, order, plan: evaluating hundreds takes plans alone, and waits for nobody."""
    plans = [plan for each in markets for plan in make_plans(each.instrument, 12, RULES)]
    for hour in range(6):
        for each in markets:
            each.close_bars(*wave(1, at=each.hours + 20 * hour))

        some = plans[:: hour + 1]
        side_by_side([services.evaluate_due, services.evaluate_due, _fill(markets), partial(_pause, some), _lock_all])
    services.evaluate_due()
    per_bar = PlanEvaluation.objects.values_list("plan", "bar_closed_at")
    assert len(set(per_bar)) == len(per_bar) > 0


def _pause(plans: list[SwingPlan]) -> None:
    for plan in plans:
        services.pause_plan(plan.user, plan.pk)
        services.resume_plan(plan.user, plan.pk)


def _lock_all() -> None:
    """As a reset does: the account, then all its plans, here in the order most at odds with everybody else's."""
    for account in BrokerAccount.objects.order_by("-created_at"):
        with transaction.atomic():
            books.lock_account(account.pk)
            list(SwingPlan.objects.select_for_update().filter(broker_account=account).order_by("-pk"))


def _fill(markets: list[Market]) -> Callable[[], None]:
    def fill() -> None:
        for _turn in range(3):
            for each in markets:
                each.trade()

    return fill


def test_a_plan_that_somebody_holds_is_not_waited_for_by_the_others(markets: list[Market]) -> None:
    plans = make_plans(markets[0].instrument, 6, [SwingParameters()])
    markets[0].close_bars(70_000)
    with transaction.atomic():
        list(SwingPlan.objects.select_for_update().filter(pk=plans[0].pk))
        evaluator = Beside(services.evaluate_due)
        assert eventually_decided(plans[1:])
        assert evaluator.is_running  # for the one that is held
    assert evaluator.result() == len(plans)
    assert len(told(plans[0])) == 1


def eventually_decided(plans: list[SwingPlan]) -> bool:
    from tests.trading.test_events import eventually

    return eventually(lambda: all(told(plan) for plan in plans), seconds=20)


def test_locking_hundreds_waits_for_nobody(markets: list[Market]) -> None:
    plans = make_plans(markets[0].instrument, 4)
    keys = [plan.pk for plan in plans]

    def lock() -> list[object]:
        with transaction.atomic():
            return sorted(lock_free(keys), key=str)

    with transaction.atomic():
        list(SwingPlan.objects.select_for_update().filter(pk__in=keys[:2]))
        assert Beside(lock).result() == sorted(keys[2:], key=str)
