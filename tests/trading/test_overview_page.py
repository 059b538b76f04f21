"""The overview (P07, P11, G01): today's and total result, the curve, how far plans are, what happened last, first steps."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument, WatchlistItem
from tests import factories as make
from tests.trading import scene
from tests.trading.test_worth import close_at
from trading.lifecycle import OrderState
from trading.models import Order
from trading.views.happenings import latest

pytestmark = pytest.mark.django_db
TOMORROW = make.NOW + timedelta(days=1)


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


def shown(page: Client, **asked: Any) -> str:
    return re.sub(r"\s+", " ", page.get(reverse("trading:overview"), **asked).content.decode())


def test_today_is_what_this_day_has_brought_and_the_curve_ends_there(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    """P11: ten shares that closed at 70,000 and stand at 71,000 the day after are 10,000 won of today."""
    make.put_price(instrument, 70_000)
    make.hold(account, instrument, 10, 70_000)
    close_at(instrument, make.NOW, 70_000)
    make.put_price(instrument, 71_000, TOMORROW)
    seen = shown(page)
    assert re.search(r"오늘 손익</dt><dd class=\"rise\"><span class=\"figure strong\">\+10,000원", seen)
    assert re.search(
        r"전체 손익</dt><dd class=\"rise\"><span class=\"figure strong\">\+9,895원", seen
    )  # the fee is a cost
    assert re.search(r'class="worth-plot__value" d="M0\.0,240\.0L1000\.0,0\.0"', seen)


def test_before_there_is_a_yesterday_nothing_is_said_of_today(page: Client, account: BrokerAccount) -> None:
    seen = shown(page)
    assert "오늘 손익" in seen
    assert "worth-plot__value" not in seen


def test_each_currency_has_its_own_today(page: Client, user: User, account: BrokerAccount) -> None:
    make.make_account(user, "0.5", "BTC")
    assert shown(page).count("오늘 손익") == 2


def test_a_running_plan_is_a_line_of_four_dots_and_says_when_it_looks_next(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    plan = scene.make_plan(user, account, instrument)
    scene.make_look(plan)
    seen = shown(page)
    line = seen[seen.index('class="plan-line"') :]
    assert line.count('class="track__dot ') == 4
    assert "다음 판단" in line
    assert "plan-line__why" in line


def test_an_order_s_fills_are_one_line_and_orders_that_came_to_nothing_say_why(
    user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    denied = scene.make_order(account, instrument, quantity=Decimal(100_000))
    assert denied.state == OrderState.DENIED
    make.hold(account, instrument, 10, 70_000)
    found = latest(user, 8)
    assert {each.kind for each in found} == {"fill", "order"}
    (fill,) = (each for each in found if each.kind == "fill")
    assert (fill.filled, fill.price) == (Decimal(10), Decimal(70_000))
    assert [each.order for each in found if each.kind == "order"] == [denied]


def test_nobody_sees_what_happened_to_others(user: User, account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 10, 70_000)
    assert latest(make.make_user("other@example.com"), 8) == []
    assert Order.objects.exists()


def test_first_steps_tick_themselves_off_and_are_gone_when_all_are_done(
    page: Client, user: User, instrument: Instrument
) -> None:
    """G02."""
    assert shown(page).count("steps__item--done") == 0
    account = make.make_account(user)
    WatchlistItem.objects.create(user=user, instrument=instrument, position=0)
    assert shown(page).count("steps__item--done") == 2
    scene.make_order(account, instrument)
    scene.make_plan(user, account, instrument)
    assert "처음 할 일" not in shown(page)


def test_a_refresh_brings_the_latest_along_and_leaves_the_watchlist_to_the_stream(
    page: Client, account: BrokerAccount
) -> None:
    fragment = shown(page, headers={"HX-Request": "true"})
    assert 'id="latest"' in fragment
    assert 'hx-swap-oob="true"' in fragment
    assert "watch-title" not in fragment
    assert "hx-swap-oob" not in shown(page)
