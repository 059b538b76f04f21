"""From an order to the look that called for it, and on to the version of the rule that judged (G16)."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.api.conftest import signed_in
from tests.trading import scene
from tests.trading.waves import wave
from trading import services
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.plan_rules import library_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument() -> Instrument:
    instrument = scene.make_stock()
    wave(instrument)
    return instrument


def basic_plan(user: User, account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return scene.make_plan(user, account, instrument, parameters=library_rule("basic", {}))


def edited(plan: SwingPlan) -> SwingPlan:
    return services.edit_plan(
        plan.user,
        plan.pk,
        name=plan.name,
        parameters=library_rule("basic", {"short": 7}),
        budget=plan.budget,
        first_share=plan.first_share,
        repeat=plan.repeat,
        cooldown_bars=plan.cooldown_bars,
        mode="on",
    )


def ordered(plan: SwingPlan, look: PlanEvaluation) -> Order:
    order = make.place(plan.broker_account, plan.instrument, plan=plan, step=1, quantity=Decimal(1))
    PlanEvaluation.objects.filter(pk=look.pk).update(order=order)
    return order


def test_a_look_keeps_the_version_that_judged_whatever_the_plan_follows_later(
    user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    plan = basic_plan(user, account, instrument)
    look = services.evaluate_plan_now(user, plan.pk)
    first = str(plan.strategy_version_id)
    assert str(edited(plan).strategy_version_id) != first
    shown = signed_in(user).get(f"/api/v1/swing-plans/{plan.pk}/evaluations/").json()["results"]
    assert {row["strategy_version"] for row in shown if row["id"] == look.pk} == {first}


def test_the_page_of_an_order_tells_why_and_by_which_version(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    plan = basic_plan(user, account, instrument)
    version = plan.strategy_version
    order = ordered(plan, services.evaluate_plan_now(user, plan.pk))
    text = page.get(reverse("trading:order", args=[order.pk])).content.decode()
    assert "왜 이 주문인가" in text
    assert reverse("trading:strategy_version", args=[version.strategy_id, version.number]) in text


def test_a_look_of_an_older_release_is_told_without_its_version(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    plan = basic_plan(user, account, instrument)
    order = ordered(plan, scene.make_look(plan))
    answer = page.get(reverse("trading:order", args=[order.pk]))
    assert answer.context["why_version"] is None
    assert "왜 이 주문인가" in answer.content.decode()


def test_an_order_of_a_person_has_no_look_behind_it(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    order = make.place(account, instrument)
    assert page.get(reverse("trading:order", args=[order.pk])).context["why"] is None


def test_programs_find_the_look_behind_an_order(user: User, account: BrokerAccount, instrument: Instrument) -> None:
    plan = basic_plan(user, account, instrument)
    order = ordered(plan, scene.make_look(plan))
    scene.make_look(plan, hours=1)
    address = f"/api/v1/swing-plans/{plan.pk}/evaluations/?order={order.pk}"
    assert [row["order"] for row in signed_in(user).get(address).json()["results"]] == [str(order.pk)]
