"""Evaluations are kept as long as the setting says; what led to an order, and each plan's last look, always."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests import factories as make
from tests.trading import scene
from trading import tasks
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services.planning.evaluation import retention

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def plan(settings: Settings) -> SwingPlan:
    settings.EVALUATION_DAYS = 30
    account = make.make_account(make.make_user())
    return make.make_plan(account, scene.make_stock())


def look(plan: SwingPlan, days: float, order: Order | None = None) -> int:
    """An evaluation written so many days ago."""
    made = scene.make_look(plan, hours=int(days * 24), order=order)
    PlanEvaluation.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=days))
    return made.pk


def kept() -> set[int]:
    return set(PlanEvaluation.objects.values_list("pk", flat=True))


def test_only_what_is_older_than_the_setting_goes(plan: SwingPlan) -> None:
    old = [look(plan, days) for days in (90, 31, 30.1)]
    young = {look(plan, days) for days in (30, 29, 0)}
    assert retention.prune(NOW) == len(old)
    assert kept() == young


def test_what_led_to_an_order_stays(plan: SwingPlan) -> None:
    """G16: from an order back to what was seen."""
    order = scene.make_order(plan.broker_account, plan.instrument)
    reason = look(plan, 90, order)
    look(plan, 89)
    last = look(plan, 1)
    assert retention.prune(NOW) == 1
    assert kept() == {reason, last}


def test_the_last_look_of_a_plan_stays_however_old(plan: SwingPlan) -> None:
    last = [look(plan, days) for days in (400, 300)][-1]
    assert retention.prune(NOW) == 1
    assert kept() == {last}


def test_more_than_one_handful_goes(plan: SwingPlan, settings: Settings) -> None:
    at = make.NOW - timedelta(days=400)
    rows = [
        PlanEvaluation(plan=plan, bar_closed_at=at + timedelta(minutes=n), market_at=at, signal=0, outcome="hold")
        for n in range(retention.AT_ONCE + 10)
    ]
    PlanEvaluation.objects.bulk_create(rows)
    PlanEvaluation.objects.update(created_at=NOW - timedelta(days=100))
    tasks.forget_old_evaluations()
    assert PlanEvaluation.objects.count() == 1
