"""The why-panel of a plan's page (G01): figures, how near they are, what surrounded the look, and who watches it (G15)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument, StoredBar
from markets.types import Interval, Source
from tests import factories as make
from tests.trading import scene
from trading.models import SwingPlan
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db
AROUND = {"session": "open", "price_age": 7, "cash": "4321000", "currency": "KRW"}


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def plan(user: User, account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return scene.make_plan(user, account, instrument)


def shown(page: Client, plan: SwingPlan, **headers: str) -> str:
    response = page.get(reverse("trading:plan", args=[plan.pk]), headers=headers)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def look(plan: SwingPlan, around: Any) -> None:
    row = scene.make_row(int(make.NOW.timestamp()))
    scene.make_look(plan, detail={"row": row, "facts": {}, "around": around})


def around(page: Client, plan: SwingPlan) -> str:
    found = re.search(r'<dl class="around small">.*?</dl>', shown(page, plan))
    return found[0] if found else ""


def test_the_panel_tells_session_age_of_the_price_cash_and_limits_of_the_look(page: Client, plan: SwingPlan) -> None:
    look(plan, AROUND)
    said = around(page, plan)
    for words in ("열려 있음", "7초 전", "4,321,000원", "막지 않음"):
        assert words in said


def test_the_limit_that_denied_the_order_is_told_as_a_sentence(page: Client, plan: SwingPlan) -> None:
    look(plan, AROUND | {"limit": {"code": "insufficient_cash", "facts": {"needed": "500000", "available": "1000"}}})
    assert "주문 가능 금액이 부족합니다. 필요 500,000, 가능 1,000" in around(page, plan)


@pytest.mark.parametrize("kept", [{}, None, {"session": "Lunar New Year"}, {"price_age": None, "cash": None}])
def test_what_an_older_release_did_not_keep_is_left_out(page: Client, plan: SwingPlan, kept: Any) -> None:
    look(plan, kept)
    said = around(page, plan)
    assert bool(said) is bool(kept)
    assert "None" not in said


def test_a_bar_beside_each_distance_shows_how_near_it_is(page: Client, plan: SwingPlan) -> None:
    look(plan, AROUND)
    said = shown(page, plan)
    assert '<svg class="gauge gauge--passed" aria-hidden="true"><rect width="100%"' in said
    assert '<svg class="gauge" aria-hidden="true"><rect width="73%"' in said, "ADX 18.2 of 25"


def test_the_page_says_that_the_plan_is_looked_at(page: Client, plan: SwingPlan) -> None:
    assert "이상 없음 · 봉이 마감되고 5분 안에" in shown(page, plan)


def test_the_page_says_since_when_nobody_has_looked(page: Client, plan: SwingPlan, instrument: Instrument) -> None:
    """G15: a bar closed an hour ago and nobody decided on it."""
    closed_at = int(make.NOW.timestamp()) + 3600
    price = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    StoredBar.objects.create(
        instrument=instrument,
        interval=Interval.H1,
        source=Source.SIMULATOR,
        opened_at=closed_at - 3600,
        closed_at=closed_at,
        **price,
    )
    make.set_clock(make.NOW + timedelta(hours=2))
    said = shown(page, plan)
    assert "판단이 멈춤" in said
    assert "사지도 팔지도 않습니다" in said


def test_why_the_account_is_stopped_is_told_on_the_plan_s_page(page: Client, plan: SwingPlan) -> None:
    halts.halt(plan.user, "account", str(plan.broker_account_id), "reduce_only", "")
    assert "계좌의 정지" in shown(page, plan)
    assert "사람이 정지했습니다" in shown(page, plan)


def test_the_refreshed_part_keeps_the_chart_that_stands_on_the_page(page: Client, plan: SwingPlan) -> None:
    part = shown(page, plan, **{"HX-Request": "true"})
    assert "<html" not in part
    assert 'id="plan-chart" hx-preserve="true"' in part
