"""What a plan did and decided, as marks for the chart (G01): the person's own plan, its fills and its decisions."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.trading import scene
from trading.models import SwingPlan

pytestmark = pytest.mark.django_db
AT = int(make.NOW.timestamp())


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def plan(user: User, account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return scene.make_plan(user, account, instrument)


def marks(page: Client, plan: SwingPlan) -> Any:
    return page.get(reverse("trading:plan_marks", args=[plan.pk])).json()["marks"]


def test_a_look_that_called_for_nothing_is_not_marked(page: Client, plan: SwingPlan) -> None:
    scene.make_look(plan, hours=1)
    assert marks(page, plan) == []


def test_decisions_and_what_stood_in_their_way_are_marked_on_the_bar_that_closed(page: Client, plan: SwingPlan) -> None:
    scene.make_look(plan, hours=2, outcome="buy_first", reason="first_entry")
    scene.make_look(plan, hours=1, outcome="blocked", reason="no_price")
    found = marks(page, plan)
    assert [(mark["kind"], mark["time"]) for mark in found] == [
        ("decision", AT - 2 * 3600 - 1),
        ("blocked", AT - 3600 - 1),
    ]
    assert [mark["text"] for mark in found] == ["판단", "막힘"]


def test_an_order_is_marked_once_at_its_last_fill_with_its_average_price(
    page: Client, plan: SwingPlan, account: BrokerAccount, instrument: Instrument
) -> None:
    order = make.hold(account, instrument, 10, 71_000)
    type(order).objects.filter(pk=order.pk).update(plan=plan, step=1, cycle=1)
    (mark,) = marks(page, plan)
    filled_at = int(order.fills.get().at.timestamp())
    assert (mark["kind"], mark["time"], mark["text"]) == ("buy", filled_at, "1차 71,000")


def test_nobody_sees_another_s_marks(client: Client, plan: SwingPlan) -> None:
    """G09."""
    url = reverse("trading:plan_marks", args=[plan.pk])
    assert client.get(url).status_code == 302
    client.force_login(make.make_user())
    assert client.get(url).status_code == 404


def test_the_page_says_where_its_marks_are(page: Client, plan: SwingPlan, settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
    shown = page.get(reverse("trading:plan", args=[plan.pk])).content.decode()
    assert f'data-marks="{reverse("trading:plan_marks", args=[plan.pk])}"' in shown
