"""Real money moves on the pages only for those who have shown a second factor, as through the API (security.md 6.3.3)."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from brokers.models import BrokerAccount
from tests import factories as make
from tests.trading import scene
from trading.models import Order, SwingPlan

WHY = "2단계 인증을 켜고"


@pytest.fixture
def user(db: None) -> User:
    return make.make_user("jin@example.com")


@pytest.fixture
def page(user: User, client: Client) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def live(user: User, settings: Any) -> BrokerAccount:
    settings.LIVE_TRADING = True
    return make.make_live_account(user)


def test_an_order_on_a_live_account_needs_it(page: Client, live: BrokerAccount) -> None:
    stock = scene.make_stock()
    ticket = {"broker_account": live.pk, "instrument": stock.key, "side": "buy", "quantity": "1", "order_type": "limit"}
    ticket |= {"limit_price": "70000", "time_in_force": "day", "client_key": uuid4().hex}
    answer = page.post("/orders/place/", ticket)
    assert WHY in answer.content.decode()
    assert not Order.objects.exists()


@pytest.mark.parametrize("act", ["resume", "evaluate"])
def test_a_plan_on_a_live_account_needs_it(page: Client, user: User, live: BrokerAccount, act: str) -> None:
    plan = scene.make_plan(user, make.make_account(user), scene.make_stock())
    SwingPlan.objects.filter(pk=plan.pk).update(broker_account=live, mode="off")
    answer = page.post(f"/plans/{plan.pk}/{act}/")
    assert (answer.status_code, WHY in answer.content.decode()) == (403, True)
    plan.refresh_from_db()
    assert plan.mode == "off"


def test_a_virtual_account_needs_none(page: Client, user: User) -> None:
    plan = scene.make_plan(user, make.make_account(user), scene.make_stock())
    SwingPlan.objects.filter(pk=plan.pk).update(mode="off")
    assert page.post(f"/plans/{plan.pk}/resume/").status_code == 302
