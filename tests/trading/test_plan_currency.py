"""A plan whose budget is in money its account does not hold could never buy: it is refused, and an old one says so (G01)."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from strategies.models import Strategy
from tests import factories as make
from tests.api.conftest import signed_in
from tests.trading import scene
from trading.errors import PlanRefused
from trading.models import SwingPlan
from trading.services.planning.plan_now import plan_now
from trading.services.planning.plans import resume_plan

pytestmark = pytest.mark.django_db
SAID = "BTC로 사고파는 종목인데 이 계좌의 돈은 KRW뿐입니다. BTC가 있는 계좌를 골라 주세요."


@pytest.fixture
def pair() -> Instrument:
    """Bought with bitcoin, where the account holds won."""
    pair = make.make_btc_pair()
    make.put_price(pair, "0.05")
    return pair


def typed(account: BrokerAccount, instrument: Instrument) -> dict[str, str]:
    rule = {"strategy": "basic", "shown": "basic", "rule_short": "5", "rule_long": "20", "rule_stop_loss_rate": "5"}
    terms = {
        "name": "교환",
        "interval": "1h",
        "mode": "on",
        "budget": "1",
        "cooldown_bars": "5",
        "client_key": "0" * 32,
    }
    return rule | terms | {"instrument": instrument.key, "broker_account": str(account.pk)}


def asked(account: BrokerAccount, instrument: Instrument) -> dict[str, Any]:
    return {
        "name": "exchange",
        "broker_account": str(account.pk),
        "instrument": instrument.key,
        "rule": {"kind": "basic"},
        "budget": "1",
    }


def nothing_is_kept() -> bool:
    return not SwingPlan.objects.exists() and not Strategy.objects.exists()


def test_it_is_refused_and_leaves_nothing_behind(user: User, account: BrokerAccount, pair: Instrument) -> None:
    with pytest.raises(PlanRefused, match="currency_not_held"):
        scene.make_plan(user, account, pair, budget=Decimal(1))
    assert nothing_is_kept()


def test_an_account_in_that_money_takes_it(user: User, pair: Instrument) -> None:
    plan = scene.make_plan(user, make.make_account(user, 2, "BTC"), pair, budget=Decimal(1))
    assert plan_now(plan).cash == 2


def test_the_form_says_so_beside_the_account(page: Client, account: BrokerAccount, pair: Instrument) -> None:
    response = page.post(reverse("trading:plan_new"), typed(account, pair))
    assert (response.status_code, response.context["form"].errors["broker_account"]) == (422, [SAID])
    assert nothing_is_kept()


def test_the_form_says_so_before_it_is_sent(page: Client, account: BrokerAccount, pair: Instrument) -> None:
    response = page.post(reverse("trading:plan_preview"), typed(account, pair), headers={"HX-Request": "true"})
    assert SAID in response.content.decode()


def test_programs_are_told_with_a_code(user: User, account: BrokerAccount, pair: Instrument) -> None:
    answer = signed_in(user).post("/api/v1/swing-plans/", asked(account, pair), Idempotency_Key="once")
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (422, "currency_not_held", SAID)
    assert answer.json()["detail"] == {"currency": "BTC", "held": "KRW"}
    assert nothing_is_kept()


def test_a_plan_from_before_says_why_it_cannot_buy(
    page: Client, user: User, account: BrokerAccount, pair: Instrument
) -> None:
    plan = make.make_plan(account, pair)
    resume_plan(user, plan.pk)
    obstacle = plan_now(plan).buy_obstacle
    assert obstacle is not None
    assert obstacle.code == "currency_not_held"
    assert SAID in page.get(reverse("trading:plan", args=[plan.pk])).content.decode()
