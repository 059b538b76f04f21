"""The plan form while it is filled in: the rule in sentences, how often it held in the last year, what it costs to start."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument, StoredBar
from markets.types import Interval
from strategies.library.basic import basic_document
from tests import factories as make
from tests.trading import scene
from tests.trading.waves import wave
from trading.plan_rules import library_rule
from trading.services.planning import rehearsal

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> None:
    """Bars are kept by instrument and newest bar, and each test has another instrument under the same key."""
    rehearsal.forget()


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


def typed(account: BrokerAccount, instrument: Instrument, **changes: str) -> dict[str, str]:
    rule = {"strategy": "basic", "shown": "basic", "rule_short": "5", "rule_long": "20", "rule_stop_loss_rate": "5"}
    terms = {"instrument": instrument.key, "broker_account": str(account.pk), "interval": "1h", "budget": "1,000,000"}
    return rule | terms | changes


def preview(page: Client, data: dict[str, str]) -> Any:
    return page.post(reverse("trading:plan_preview"), data, headers={"HX-Request": "true"})


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_preview_counts_how_often_the_rule_held_on_stored_bars(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument)
    response = preview(page, typed(account, instrument))
    firing = response.context["firing"]
    counted = rehearsal.firing_of(basic_document(), instrument, Interval.H1)
    assert counted is not None
    assert [step.count for step in firing.steps] == [counted.entries[0].count, counted.exit.count]
    assert 5 <= firing.steps[0].count <= 7, "351 bars that turn every thirty"
    assert f"<strong>{firing.steps[0].count}번</strong>" in text(response)
    assert f"{counted.bars}봉" in text(response)


def test_other_numbers_in_the_form_are_counted_anew(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument)
    slow = preview(page, typed(account, instrument, rule_short="100", rule_long="200")).context["firing"]
    fast = preview(page, typed(account, instrument)).context["firing"]
    assert slow.steps[0].last_at != fast.steps[0].last_at


def test_a_rule_that_would_never_have_bought_is_warned_about(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument, 300)
    StoredBar.objects.update(open=70_000, high=70_000, low=70_000, close=70_000)
    response = preview(page, typed(account, instrument))
    assert response.context["firing"].never_buys
    assert "한 번도 사지 않았을 규칙" in text(response)


def test_without_enough_bars_the_preview_says_that_it_cannot_count(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument, 40)
    response = preview(page, typed(account, instrument))
    assert response.context["firing"] is None
    assert "셀 수 없습니다" in text(response)


def test_more_than_a_year_ago_is_not_counted(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    wave(instrument)
    StoredBar.objects.filter(closed_at__lt=int(make.NOW.timestamp()) - 300 * 3600).delete()
    recent = list(StoredBar.objects.order_by("opened_at"))
    for bar in recent:
        bar.pk = None
        bar.opened_at, bar.closed_at = bar.opened_at - 370 * 86_400, bar.closed_at - 370 * 86_400
    StoredBar.objects.bulk_create(recent)
    firing = preview(page, typed(account, instrument)).context["firing"]
    assert firing.since > make.NOW - timedelta(days=366)
    assert firing.bars <= 301


def test_the_preview_says_what_the_first_buy_costs(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    response = preview(page, typed(account, instrument))
    start = response.context["start"]
    assert start.quantity > 0
    assert start.total == start.amount + start.fee
    assert start.amount == start.quantity * start.price
    assert start.total <= Decimal(1_000_000)
    assert start.cash == make.CASH
    assert "지금 1차를 산다면" in text(response)


def test_while_the_market_is_silent_the_cost_is_told_by_its_last_price(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    make.put_price(instrument, 71_000, age=timedelta(hours=9))
    response = preview(page, typed(account, instrument))
    assert response.context["start"].is_stale
    assert "마지막 시세로 셈했습니다" in text(response)


def test_without_any_price_the_preview_says_so(page: Client, account: BrokerAccount) -> None:
    unpriced = make.make_instrument("000660", name_ko="SK하이닉스")
    assert "아직 시세가 없어" in text(preview(page, typed(account, unpriced)))


def test_sales_by_limits_alone_are_not_counted_as_none(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument)
    rule = {"strategy": "week52_high", "shown": "week52_high", "rule_period": "20", "rule_take_profit_rate": "15"}
    assert "한도로만 팔아 세지 않음" in text(preview(page, typed(account, instrument) | rule))


def test_a_budget_that_buys_no_share_says_so(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    response = preview(page, typed(account, instrument, budget="1000"))
    assert response.context["start"].quantity == 0
    assert "최소 주문도 살 수 없습니다" in text(response)


def test_more_than_the_account_has_is_told_before_registering(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    assert "주문 가능 금액으로는 살 수 없습니다" in text(preview(page, typed(account, instrument, budget="50,000,000")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval": "13h"},
        {"instrument": "KRX:nothing"},
        {"budget": "NaN"},
        {"rule_short": "-5"},
        {"first_share": "900", "strategy": "swing", "shown": "swing"},
        {"strategy": "saved:nonsense"},
        {"strategy": "rsi", "interval": "x", "instrument": "y", "budget": "z"},
    ],
)
def test_nonsense_in_the_form_is_no_error_page(
    page: Client, account: BrokerAccount, instrument: Instrument, wrong: dict[str, str]
) -> None:
    assert preview(page, typed(account, instrument) | wrong).status_code == 200


def test_another_s_account_tells_nothing_of_its_cash(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    """G09: what another person has is not told, however it is asked."""
    theirs = make.make_account(make.make_user(), cash=12_345_678)
    response = preview(page, typed(theirs, instrument))
    assert response.context["start"] is None
    assert "12,345,678" not in text(response)


def test_the_form_opens_with_counts_of_what_it_shows_first(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = page.get(reverse("trading:plan_new"), {"strategy": "basic"})
    assert response.context["firing"] is not None
    assert len(queries) <= MOST_QUERIES, [query["sql"] for query in queries]


def test_editing_previews_on_the_plan_s_own_instrument(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument)
    rule = library_rule("basic", {"short": 5, "long": 20, "stop_loss_rate": 0.05})
    plan = scene.make_plan(user, account, instrument, parameters=rule)
    data = {"strategy": "basic", "shown": "basic", "rule_short": "9", "rule_long": "20", "rule_stop_loss_rate": "5"}
    response = page.post(reverse("trading:plan_edit_preview", args=[plan.pk]), data)
    assert response.context["firing"] is not None
    assert response.context["start"] is None
    assert "SMA(9)" in text(response)
    other = Client()
    other.force_login(make.make_user())
    assert other.post(reverse("trading:plan_edit_preview", args=[plan.pk]), data).status_code == 404


def test_other_numbers_are_counted_on_bars_that_were_read_once(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    wave(instrument)
    preview(page, typed(account, instrument))
    with CaptureQueriesContext(connection) as queries:
        preview(page, typed(account, instrument, rule_short="7"))
    assert not [query for query in queries if '"volume"' in query["sql"]]
