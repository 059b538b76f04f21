"""The pages of a plan: any strategy in its form, edited, stopped, and told what surrounds it now (W01, W06, G01)."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from brokers.models import BrokerAccount
from markets.models import Instrument
from strategies.library.shelf import LIBRARY
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING
from strategies.models import Strategy, StrategyVersion
from tests import factories as make
from tests.trading import scene
from trading import services
from trading.forms import preset_values
from trading.models import Order, SwingPlan
from trading.plan_rules import library_rule
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def plan(user: User, account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return scene.make_plan(user, account, instrument)


def new(account: BrokerAccount, instrument: Instrument, strategy: str, **typed: str) -> dict[str, str]:
    terms = {"name": "새 것", "instrument": instrument.key, "broker_account": str(account.pk), "interval": "1h"}
    rest = {"mode": "on", "budget": "1,000,000", "cooldown_bars": "5", "client_key": uuid4().hex}
    return terms | rest | {"strategy": strategy, "shown": strategy} | typed


BASIC = {"rule_short": "7", "rule_long": "30", "rule_stop_loss_rate": "4"}


def edited(plan: SwingPlan, strategy: str, **typed: str) -> dict[str, str]:
    terms = {"name": plan.name, "budget": "3,000,000", "first_share": "50", "cooldown_bars": "5", "mode": "on"}
    return terms | {"strategy": strategy, "shown": strategy} | typed


def swing_numbers(preset: str = "default") -> dict[str, str]:
    values = preset_values(preset) | {"stop_loss_rate": "7"}
    return {name: str(value) for name, value in values.items() if value is not None and value is not False}


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.mark.parametrize("key", sorted(set(LIBRARY) - {"swing", "swing_active"}))
def test_every_strategy_shows_its_parameters_with_their_ranges_and_its_rule(
    page: Client, account: BrokerAccount, key: str
) -> None:
    response = page.get(reverse("trading:plan_new"), {"strategy": key})
    shown, document = text(response), LIBRARY[key].build()
    assert response.status_code == 200
    for name in document.parameters:
        assert f'name="rule_{name}"' in shown
        label = re.search(rf'for="id_rule_{name}">([^<]+)<', shown)
        assert label is not None, name
        assert label[1].strip() != name, "a parameter is called by a Korean word"
    assert "이 규칙을 말로 하면" in shown
    assert response.context["rule"]
    assert response.context["form"].chosen().document == document


def test_a_range_of_a_rate_is_told_in_percent(page: Client, account: BrokerAccount) -> None:
    shown = text(page.get(reverse("trading:plan_new"), {"strategy": "basic"}))
    assert "2부터 200까지, 1 단위" in shown
    assert "0.1부터 99까지, 1 단위" in shown
    assert 'name="rule_stop_loss_rate" value="5"' in shown


def test_a_plan_is_registered_on_another_strategy_with_its_own_numbers(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    response = page.post(reverse("trading:plan_new"), new(account, instrument, "basic", **BASIC))
    plan = SwingPlan.objects.get()
    assert response["Location"] == reverse("trading:plan", args=[plan.pk])
    document = library_rule("basic", {"short": 7, "long": 30, "stop_loss_rate": 0.04}).document
    assert plan.strategy_version.version_hash == document.version_hash()
    assert (plan.strategy_version.strategy.kind, plan.first_share) == ("basic", Decimal(1))
    assert "SMA(7): SMA(30) 상향 돌파" in text(page.get(response["Location"]))


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"rule_short": "1"}, "rule_short", "2 이상 200 이하"),
        ({"rule_short": "30", "rule_long": "7"}, None, "단기 기간"),
        ({"rule_long": "많이"}, "rule_long", ""),
        ({"rule_stop_loss_rate": "0.01"}, "rule_stop_loss_rate", "0.1 이상"),
        ({"rule_stop_loss_rate": "NaN"}, "rule_stop_loss_rate", "숫자로"),
        ({"rule_short": ""}, "rule_short", ""),
        ({"budget": "0"}, "budget", "예산"),
        ({"ends_on": "2026-03-03"}, "ends_on", "오늘이거나"),
        ({"strategy": "nothing", "shown": "nothing"}, "strategy", ""),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_registered(
    page: Client,
    account: BrokerAccount,
    instrument: Instrument,
    wrong: dict[str, str],
    field: str | None,
    words: str,
) -> None:
    response = page.post(reverse("trading:plan_new"), new(account, instrument, "basic", **BASIC) | wrong)
    errors = response.context["form"].errors
    assert response.status_code == 422
    if field is not None:
        assert field in errors
    assert words in str(errors)
    assert not SwingPlan.objects.exists()
    assert not StrategyVersion.objects.exists()


def test_a_rule_that_buys_at_a_level_inside_the_bar_is_registered_with_orders(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    """T04: the breakout's level, its time stop and its limits are traded."""
    first = page.get(reverse("trading:plan_new"), {"strategy": "breakout"})
    numbers = {field.html_name: str(field.value()) for field in first.context["form"].rule_fields}
    assert page.post(reverse("trading:plan_new"), new(account, instrument, "breakout", **numbers)).status_code == 302
    assert SwingPlan.objects.get().mode == "on"


def test_another_strategy_is_shown_before_it_is_registered_and_what_was_typed_stays(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    """The fields on the page were another strategy's: they say nothing about this one."""
    typed = new(account, instrument, "rsi", **BASIC) | {"shown": "basic"}
    response = page.post(reverse("trading:plan_new"), typed)
    assert response.status_code == 200
    assert response.context["form"]["budget"].value() == "1,000,000"
    assert 'name="rule_oversold"' in text(response)
    assert not SwingPlan.objects.exists()
    assert "RSI(14)" in text(page.post(reverse("trading:plan_preview"), typed))


def test_a_persons_own_saved_strategy_is_offered_and_nobody_elses(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    document = library_rule("rsi", {"period": 9}).document
    keys = []
    for owner, name in ((user, "나의 RSI"), (make.make_user(), "남의 RSI")):
        strategy = Strategy.objects.create(user=owner, name=name, kind="document")
        version = strategy.versions.create(
            number=1, document=document.as_data(), settings={}, version_hash=document.version_hash()
        )
        keys.append(f"saved:{version.pk}")
    shown = text(page.get(reverse("trading:plan_new"), {"strategy": keys[0]}))
    assert "나의 RSI" in shown
    assert "남의 RSI" not in shown
    numbers = {"rule_period": "9", "rule_oversold": "30", "rule_overbought": "70", "rule_stop_loss_rate": "5"}
    page.post(reverse("trading:plan_new"), new(account, instrument, keys[0], **numbers))
    assert f"saved:{SwingPlan.objects.get().strategy_version_id}" == keys[0]
    assert page.post(reverse("trading:plan_new"), new(account, instrument, keys[1], **numbers)).status_code == 422


def test_the_edit_form_shows_the_plan_as_it_is_and_saving_it_untouched_changes_nothing(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    rule = library_rule("basic", {"short": 7, "stop_loss_rate": 0.04})
    plan = scene.make_plan(user, account, instrument, parameters=rule, first_share=Decimal(1))
    form = page.get(reverse("trading:plan_edit", args=[plan.pk])).context["form"]
    shown = {field.html_name: field.value() for field in form if field.value() is not None}
    assert (shown["rule_short"], shown["rule_stop_loss_rate"], shown["budget"]) == (7, "4", "3000000")
    assert "instrument" not in shown
    page.post(reverse("trading:plan_edit", args=[plan.pk]), {k: v for k, v in shown.items() if v is not False})
    after = SwingPlan.objects.get()
    assert (after.version, after.strategy_version_id) == (plan.version, plan.strategy_version_id)


def test_an_edit_makes_a_new_version_and_says_when_it_counts(page: Client, plan: SwingPlan) -> None:
    address = reverse("trading:plan_edit", args=[plan.pk])
    assert page.get(address).context["form"].rule() == DEFAULT_SWING
    response = page.post(address, edited(plan, "swing", **swing_numbers("active")), follow=True)
    assert "다음 봉부터" in text(response)
    plan.refresh_from_db()
    assert plan.strategy_version.number == 2
    assert page.get(address).context["form"].rule().adx_threshold == ACTIVE_SWING.adx_threshold


def test_an_edit_that_is_refused_says_why(page: Client, plan: SwingPlan, account: BrokerAccount) -> None:
    SwingPlan.objects.update(cycle_spent=2_000_000)
    address = reverse("trading:plan_edit", args=[plan.pk])
    response = page.post(address, edited(plan, "swing", **swing_numbers()) | {"budget": "1"})
    assert response.status_code == 422
    assert "이미 쓴 2,000,000보다" in str(response.context["form"].errors["budget"])
    make.place(account, plan.instrument, plan=plan, step=1)
    assert "아직 끝나지 않았습니다" in text(page.post(address, edited(plan, "swing", **swing_numbers())))


def test_an_edit_does_not_undo_what_its_person_never_saw(page: Client, plan: SwingPlan) -> None:
    """Two windows: the second is told that the plan was changed since its form was shown; a decision changes nothing in that."""
    address = reverse("trading:plan_edit", args=[plan.pk])
    seen = page.get(address).context["seen"]
    SwingPlan.objects.update(version=F("version") + 1, peak_close=Decimal(70_000))  # decided meanwhile
    assert page.post(address, edited(plan, "swing", **swing_numbers("active")) | {"seen": seen}).status_code == 302
    late = page.post(address, edited(plan, "swing", **swing_numbers()) | {"seen": seen})
    assert (late.status_code, "그 사이 바뀌었습니다" in text(late)) == (422, True)
    assert f'name="seen" value="{seen}"' in late.content.decode()
    plan.refresh_from_db()
    assert plan.strategy_version.number == 2


def hold(plan: SwingPlan) -> None:
    order = make.accept(make.place(plan.broker_account, plan.instrument, quantity=Decimal(5), plan=plan, step=1))
    services.match_virtual(plan.instrument, make.make_book(plan.instrument, 71_100))
    assert make.fresh(order).state == "filled"


def test_a_plan_is_stopped_from_its_page_with_or_without_selling(page: Client, plan: SwingPlan) -> None:
    hold(plan)
    address = reverse("trading:plan_stop", args=[plan.pk])
    asked = text(page.get(address))
    assert "모두 매도하고 멈추기" in asked
    assert "5주" in asked
    shown = text(page.post(address, {"sell": "1"}, follow=True))
    assert "다 팔리면 멈춥니다" in shown
    assert "매도하고 멈추는 중" in shown
    page.post(address, {"sell": "1"})
    assert Order.objects.filter(side="sell").count() == 1
    assert "오토 스윙을 멈췄습니다" in text(page.post(address, {}, follow=True))
    plan.refresh_from_db()
    assert (plan.mode, plan.held_quantity) == ("off", Decimal(5))


def test_where_a_stop_cannot_sell_the_page_says_why(page: Client, plan: SwingPlan) -> None:
    hold(plan)
    make.put_price(plan.instrument, 71_000, age=timedelta(hours=1))
    response = page.post(reverse("trading:plan_stop", args=[plan.pk]), {"sell": "1"}, follow=True)
    assert "시세가 멈춰 있어" in text(response)


def test_the_page_tells_the_moment(page: Client, plan: SwingPlan) -> None:
    shown = text(page.get(reverse("trading:plan", args=[plan.pk])))
    for words in ("열려 있음", "초 전", "10,000,000원", "3,000,000원", "주문을 막는 정지나 한도가 없습니다"):
        assert words in shown, words


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("halt", "거래가 정지되어 있습니다"),
        ("stale", "시세가 멈춰 있어"),
        ("poor", "주문 가능 금액이 부족합니다"),
        ("small", "예산이 최소 주문보다 작습니다"),
        ("ended", "종료일(2026-03-03)이 지나"),
        ("closed", "장이 열려 있지 않습니다"),
    ],
)
def test_the_page_tells_what_would_keep_a_buy_from_going_out(
    page: Client, plan: SwingPlan, account: BrokerAccount, trouble: str, words: str
) -> None:
    if trouble == "halt":
        halts.halt(plan.user, "plan", str(plan.pk), "halted", "")
    elif trouble == "stale":
        make.put_price(plan.instrument, 71_000, age=timedelta(hours=1))
    elif trouble == "poor":
        SwingPlan.objects.update(budget=Decimal(100_000_000))
    elif trouble == "small":
        SwingPlan.objects.update(budget=Decimal(1000))
    elif trouble == "ended":
        SwingPlan.objects.update(ends_on="2026-03-03")
    else:
        make.put_price(plan.instrument, 71_000, make.NOW + timedelta(hours=12), keeps_sessions=True)
    shown = text(page.get(reverse("trading:plan", args=[plan.pk])))
    assert words in shown
    assert "주문을 막는 정지나 한도가 없습니다" not in shown


def test_a_plan_without_a_buy_ahead_is_not_asked_about_one(page: Client, plan: SwingPlan) -> None:
    services.pause_plan(plan.user, plan.pk)
    assert "지금 산다면" not in text(page.get(reverse("trading:plan", args=[plan.pk])))


def test_a_plan_that_holds_tells_what_would_keep_it_from_selling(page: Client, plan: SwingPlan) -> None:
    hold(plan)
    address = reverse("trading:plan", args=[plan.pk])
    now = page.get(address).context["now"]
    assert (now.next_step, now.buy_obstacle, now.sale_obstacle) == (2, None, None)
    halts.halt(plan.user, "plan", str(plan.pk), "reduce_only", "")
    now = page.get(address).context["now"]
    assert (now.buy_obstacle.code, now.sale_obstacle) == ("reduce_only", None)
    halts.halt(plan.user, "plan", str(plan.pk), "halted", "")
    assert page.get(address).context["now"].sale_obstacle.code == "halted"
    assert "지금 판다면" in text(page.get(address))


def test_each_page_asks_the_database_a_bounded_number_of_times(
    page: Client, plan: SwingPlan, django_assert_max_num_queries: Any
) -> None:
    hold(plan)
    for hours in range(60):
        scene.make_look(plan, hours)
    services.stop_plan(plan.user, plan.pk, sell=True)
    halts.halt(plan.user, "plan", str(plan.pk), "reduce_only", "")
    for name in ("plan", "plan_edit", "plan_stop"):
        with django_assert_max_num_queries(MOST_QUERIES):
            assert page.get(reverse(f"trading:{name}", args=[plan.pk])).status_code == 200


def test_the_history_is_paged(page: Client, plan: SwingPlan) -> None:
    for hours in range(12):
        scene.make_look(plan, hours)
    last = page.get(reverse("trading:plan", args=[plan.pk]), {"page": "2"})
    assert len(last.context["history"]) == 2


@pytest.mark.parametrize("name", ["plan_edit", "plan_stop"])
def test_nobody_else_edits_or_stops_a_plan(client: Client, plan: SwingPlan, name: str) -> None:
    address = reverse(f"trading:{name}", args=[plan.pk])
    assert client.get(address).status_code == 302
    client.force_login(make.make_user())
    assert (client.get(address).status_code, client.post(address, {"sell": "1"}).status_code) == (404, 404)
    client.force_login(make.make_user("viewer@example.com", role=Role.VIEWER))
    assert client.post(address, {}).status_code == 404
    viewer = plan.user
    viewer.role = Role.VIEWER
    viewer.save()
    client.force_login(viewer)
    assert (client.get(address).status_code, client.post(address, {}).status_code) == (403, 403)
    plan.refresh_from_db()
    assert (plan.mode, plan.version) == ("on", 0)
