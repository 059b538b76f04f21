"""What people type: read exactly or refused beside its field, and nothing typed is lost."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument, PriceFeed
from markets.types import Source
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING
from tests import factories as make
from tests.trading import scene
from trading.forms import SwingPlanForm, preset_values
from trading.forms.fields import NumberField, PercentField
from trading.models import Journal, SwingPlan
from trading.templatetags.reasons import SENTENCES, sentence

decimals = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=8)


@given(decimals)
def test_a_number_is_read_as_exactly_what_was_typed(number: Decimal) -> None:
    for typed in (f"{number:f}", f"{number:,f}", f"  {number:f} "):
        assert NumberField().clean(typed) == number


@pytest.mark.parametrize(
    "typed",
    ["1e5", "NaN", "Infinity", "1,5", "1,0000", "12a", "--1", "1 000", "٣", "1.", ".5", "1" * 30, "1\x00", "0x10"],
)
def test_what_is_not_plainly_a_number_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        NumberField().clean(typed)


@given(st.decimals(min_value=Decimal("0.1"), max_value=100, places=2))
def test_a_percentage_is_a_fraction_inside_and_comes_back_as_typed(percent: Decimal) -> None:
    fraction = PercentField().clean(str(percent))
    assert fraction == percent / 100
    assert Decimal(PercentField().prepare_value(fraction)) == percent
    assert PercentField().prepare_value("7,5") == "7,5"


def test_a_missing_figure_leaves_a_gap_in_its_sentence_and_not_an_error() -> None:
    for code in SENTENCES:
        assert "%" not in sentence(code).replace("0%", "").replace("–%", "")
    assert sentence("no_such_code") == "처리할 수 없습니다. (no_such_code)"
    assert sentence("insufficient_cash", {"needed": "71010", "available": "5"}).endswith("필요 71,010, 가능 5")


class TestPlanForm:
    """W01: the swing plan's form."""

    pytestmark = pytest.mark.django_db

    @pytest.fixture(autouse=True)
    def no_collected_files(self, settings: Any) -> None:
        settings.WHITENOISE_AUTOREFRESH = True

    @pytest.fixture
    def user(self) -> User:
        return make.make_user()

    @pytest.fixture
    def instrument(self) -> Instrument:
        return scene.make_stock()

    @pytest.fixture
    def account(self, user: User) -> BrokerAccount:
        return make.make_account(user)

    @pytest.fixture
    def page(self, client: Client, user: User) -> Client:
        client.force_login(user)
        return client

    @pytest.fixture
    def typed(self, account: BrokerAccount, instrument: Instrument) -> dict[str, Any]:
        """The form as a browser sends it back untouched, with name, budget and the lists chosen."""
        numbers = {**preset_values("default"), "stop_loss_rate": "7", "first_share": "50", "cooldown_bars": "5"}
        chosen = {"name": "삼성 스윙", "instrument": instrument.key, "broker_account": str(account.pk)}
        rest = {"interval": "1h", "mode": "on", "budget": "3,000,000", "repeat": "on"}
        rest["client_key"] = uuid4().hex
        return {
            name: value for name, value in (numbers | chosen | rest).items() if value is not None and value is not False
        }

    def test_a_second_click_is_the_same_plan(self, page: Client, typed: dict[str, Any]) -> None:
        first = page.post(reverse("trading:plan_new"), typed)
        assert page.post(reverse("trading:plan_new"), typed)["Location"] == first["Location"]
        assert SwingPlan.objects.count() == 1

    def test_an_untouched_form_registers_the_default_rule(self, page: Client, typed: dict[str, Any]) -> None:
        response = page.post(reverse("trading:plan_new"), typed, follow=True)
        plan = SwingPlan.objects.get()
        assert "오토 스윙 등록 성공" in response.content.decode()
        assert (plan.budget, plan.first_share, plan.signal, plan.repeat) == (
            Decimal(3_000_000),
            Decimal("0.5"),
            0,
            True,
        )
        settings = plan.strategy_version.settings
        assert settings == DEFAULT_SWING.model_dump(mode="json") | {"obv_threshold": 0}

    def test_the_active_preset_replaces_the_rule_and_keeps_what_else_was_typed(
        self, page: Client, typed: dict[str, Any]
    ) -> None:
        response = page.post(reverse("trading:plan_new"), typed | {"preset": "active", "budget": "1,234"})
        shown = response.context["form"]
        assert shown["budget"].value() == "1,234"
        assert shown["name"].value() == "삼성 스윙"
        assert shown.rule() == ACTIVE_SWING.model_copy(update={"obv_threshold": 0})
        assert not SwingPlan.objects.exists()

    def test_the_link_to_a_preset_opens_the_form_with_it(self, page: Client, account: BrokerAccount) -> None:
        form = page.get(reverse("trading:plan_new"), {"preset": "active"}).context["form"]
        assert form["adx_threshold"].value() == 20

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"short_ema": "20", "medium_ema": "5"}, "medium_ema"),
            ({"rsi_threshold": "0"}, "rsi_threshold"),
            ({"adx_period": "많이"}, "adx_period"),
            ({"stop_loss_rate": "150"}, "stop_loss_rate"),
            ({"first_share": "0"}, "first_share"),
            ({"budget": "-5"}, "budget"),
            ({"name": ""}, "name"),
            ({"instrument": "KRX:999999"}, "instrument"),
            ({"interval": "7m"}, "interval"),
            ({"rsi_mode": "guess"}, "rsi_mode"),
            ({"obv_threshold": "1e400"}, "obv_threshold"),
        ],
    )
    def test_a_mistake_is_said_beside_its_field_and_nothing_typed_is_lost(
        self, page: Client, typed: dict[str, Any], wrong: dict[str, str], field: str
    ) -> None:
        response = page.post(reverse("trading:plan_new"), typed | wrong)
        form = response.context["form"]
        assert response.status_code == 422
        assert field in form.errors
        for name, value in (typed | wrong).items():
            assert str(form[name].value()) == str(value) or form[name].value() is True
        assert not SwingPlan.objects.exists()

    def test_another_person_s_account_cannot_be_named(self, page: Client, typed: dict[str, Any]) -> None:
        foreign = make.make_account(make.make_user("other@example.com"))
        response = page.post(reverse("trading:plan_new"), typed | {"broker_account": str(foreign.pk)})
        assert "broker_account" in response.context["form"].errors
        assert not SwingPlan.objects.exists()

    def test_the_preview_tells_the_rule_in_sentences(self, page: Client, typed: dict[str, Any]) -> None:
        shown = page.post(reverse("trading:plan_preview"), typed | {"short_ema": "7"}).content.decode()
        assert "EMA(7): EMA(20) 상향 돌파" in shown
        assert "가운데" not in shown

    def test_the_literal_rsi_reading_is_warned_about_with_its_measured_rate(
        self, page: Client, typed: dict[str, Any]
    ) -> None:
        """C29."""
        shown = page.post(reverse("trading:plan_preview"), typed | {"rsi_mode": "same_bar"}).content.decode()
        assert "1,544번의 상향 돌파 가운데 0번" in shown
        unused = {name: value for name, value in typed.items() if not name.endswith("_use_rsi")}
        quiet = page.post(reverse("trading:plan_preview"), unused | {"rsi_mode": "same_bar"}).content.decode()
        assert "가운데" not in quiet

    def test_a_half_filled_form_has_no_rule_yet(self, user: User) -> None:
        assert SwingPlanForm(user, {}).rule() is None

    def test_a_plan_is_paused_resumed_and_asked_why_from_its_page(
        self, page: Client, user: User, account: BrokerAccount, instrument: Instrument
    ) -> None:
        """G01: the page tells each condition with its figures."""
        plan = scene.make_plan(user, account, instrument)
        scene.make_look(plan)
        shown = page.get(reverse("trading:plan", args=[plan.pk])).content.decode()
        assert "매수하지 않았습니다: ADX(14) 18.2 — 25보다 커야 합니다" in shown
        assert "−6.8" in shown
        page.post(reverse("trading:plan_pause", args=[plan.pk]))
        plan.refresh_from_db()
        assert plan.mode == "off"
        page.post(reverse("trading:plan_resume", args=[plan.pk]))
        plan.refresh_from_db()
        assert plan.mode == "on"

    def test_another_account_is_opened_and_filled_with_play_money_once(self, page: Client, user: User) -> None:
        """P09."""
        make.set_clock(make.NOW)
        asked = {"name": "두 번째", "currency": "KRW", "opening_balance": "5,000,000", "client_key": uuid4().hex}
        opened = page.post(reverse("trading:account_list"), asked)
        account = BrokerAccount.objects.get(name="두 번째")
        assert opened["Location"] == reverse("trading:account", args=[account.pk])
        money = {"amount": "1,000", "client_key": uuid4().hex}
        for _click in range(2):
            page.post(reverse("trading:account_deposit", args=[account.pk]), money)
        assert Journal.objects.filter(broker_account=account, kind="deposit").count() == 2  # the opening, and one more
        again = page.post(reverse("trading:account_list"), asked | {"client_key": uuid4().hex})
        assert again.status_code == 422
        assert "이미 같은 이름" in again.content.decode()

    @pytest.mark.parametrize(("speed", "becomes"), [("3600", 3600), ("60", 60), ("7", 1), ("", 1)])
    def test_the_market_s_speed_is_one_of_three(self, page: Client, speed: str, becomes: int) -> None:
        make.set_clock(make.NOW)
        back = page.post(reverse("trading:market_speed"), {"speed": speed, "next": "https://evil.example/"})
        assert back["Location"] == reverse("trading:overview")
        assert PriceFeed.objects.get(source=Source.SIMULATOR).speed == becomes

    def test_without_a_simulator_nobody_sets_its_speed(self, page: Client) -> None:
        assert page.post(reverse("trading:market_speed"), {"speed": "60"}).status_code == 403
