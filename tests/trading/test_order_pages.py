"""The order pages: stops, times in force, changing one and calling all back; errors keep what was typed (O01, O05, G06)."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, OrderType, ReportStatus
from markets.models import Instrument
from tests import factories as make
from tests.trading import scene
from trading import services
from trading.events import state_stamp
from trading.models import Order, OrderChange
from trading.templatetags.trading_tags import pricing_words

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}
PLACE = "trading:order_place"


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def stop(account: BrokerAccount, instrument: Instrument) -> Order:
    return make.place(account, instrument, order_type=OrderType.STOP, stop_price=Decimal(75_000), quantity=Decimal(3))


def ticket(account: BrokerAccount, instrument: Instrument, **typed: Any) -> dict[str, Any]:
    blank = {
        "instrument": instrument.key,
        "broker_account": str(account.pk),
        "side": "buy",
        "order_type": "limit",
        "quantity": "10",
        "limit_price": "71,000",
        "stop_price": "",
        "time_in_force": "day",
        "client_key": uuid4().hex,
    }
    return blank | typed


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def change(page: Client, order: Order, headers: dict[str, str] | None = None, **typed: str) -> Any:
    wish = {"quantity": "5", "limit_price": "70,000", "client_key": uuid4().hex} | typed
    return page.post(reverse("trading:order_change", args=[order.pk]), wish, headers=headers)


def test_a_stop_is_placed_with_its_own_price_alone(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    """A limit that still stands in the hidden field is nobody's wish."""
    page.post(reverse(PLACE), ticket(account, instrument, order_type="stop", stop_price="75,000"))
    order = Order.objects.get()
    assert (order.order_type, order.stop_price, order.limit_price) == ("stop", Decimal(75_000), None)


@pytest.mark.parametrize("time_in_force", ["day", "gtc", "ioc"])
def test_the_ticket_says_how_long_the_order_lives(
    page: Client, account: BrokerAccount, instrument: Instrument, time_in_force: str
) -> None:
    page.post(reverse(PLACE), ticket(account, instrument, time_in_force=time_in_force))
    assert Order.objects.get().time_in_force == time_in_force


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"stop_price": ""}, "스톱 가격을 적어 주세요"),
        ({"stop_price": "75,050"}, "호가 단위(100)"),
        ({"stop_price": "70,000"}, "이미 스톱 가격에 닿아"),
        ({"stop_price": "1e400"}, "숫자로 적어 주세요"),
        ({"stop_price": "75,000", "time_in_force": "week"}, "올바르게 선택"),
        ({"stop_price": "75,000", "time_in_force": ""}, "필수"),
    ],
)
def test_a_refused_stop_says_why_and_keeps_what_was_typed(
    page: Client, account: BrokerAccount, instrument: Instrument, typed: dict[str, str], said: str
) -> None:
    response = page.post(reverse(PLACE), ticket(account, instrument, order_type="stop", **typed))
    assert response.status_code == 422
    assert said in text(response)
    assert f'value="{typed["stop_price"]}"' in text(response) or not typed["stop_price"]
    assert not Order.objects.exists()


def test_an_estimate_of_a_stop_is_reckoned_at_its_price(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    asked = ticket(account, instrument, order_type="stop", stop_price="75,000", limit_price="")
    shown = text(page.post(reverse("trading:order_estimate"), asked, headers=FRAGMENT))
    assert "750,000원" in shown
    assert "스톱 가격에 닿은 뒤" in shown


def test_a_programs_own_key_counts_for_the_forms(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    """G06: two forms with keys of their own, sent under one Idempotency-Key, are one order."""
    headers = {"Idempotency-Key": "order 17 of my program"}
    answers = [page.post(reverse(PLACE), ticket(account, instrument), headers=headers) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Order.objects.get().client_key == "order 17 of my program"


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_a_page_without_a_usable_key_gets_a_fresh_one(
    page: Client, account: BrokerAccount, instrument: Instrument, key: str
) -> None:
    response = page.post(reverse(PLACE), ticket(account, instrument, client_key=key))
    assert response.status_code == 422
    assert "주문 화면이 오래되었습니다" in text(response)
    assert re.search(r'name="client_key" value="[0-9a-f]{32}"', text(response))
    assert not Order.objects.exists()


def test_a_waiting_stop_is_shown_as_one(page: Client, stop: Order) -> None:
    listed = text(page.get(reverse("trading:order_list"), headers=FRAGMENT))
    assert "조건 대기" in listed
    assert "75,000" in listed
    story = text(page.get(reverse("trading:order", args=[stop.pk])))
    assert "아직 닿지 않음" in story
    services.trigger_stops(stop.instrument, Decimal(75_000), Decimal(75_000), make.NOW + timedelta(minutes=1))
    assert "조건 대기" not in text(page.get(reverse("trading:order_list"), headers=FRAGMENT))
    assert "스톱 가격에 닿아" in text(page.get(reverse("trading:order", args=[stop.pk])))


class TestChanging:
    @pytest.fixture
    def order(self, account: BrokerAccount, instrument: Instrument) -> Order:
        """Ten at 70,500, not sent."""
        return scene.make_order(account, instrument)

    def test_the_page_offers_the_order_as_it_is(self, page: Client, order: Order) -> None:
        shown = text(page.get(reverse("trading:order", args=[order.pk])))
        assert 'name="quantity" value="10"' in shown
        assert 'name="limit_price" value="70500"' in shown
        assert 'name="stop_price"' not in shown
        labels = re.findall(r'<label class="field__label"[^>]*>(.*?)</label>', shown)
        assert [label.strip() for label in labels] == ["수량", "지정가"]

    def test_a_change_leads_to_the_new_order_and_each_names_the_other(self, page: Client, order: Order) -> None:
        response = change(page, order)
        anew = Order.objects.get(replaces=order)
        assert response["Location"] == reverse("trading:order", args=[anew.pk])
        assert "바꾸기 전 주문" in text(page.get(response["Location"]))
        old = text(page.get(reverse("trading:order", args=[order.pk])))
        assert f'href="{response["Location"]}"' in old
        assert "주문 바꾸기" not in old

    def test_htmx_is_told_where_to_go(self, page: Client, order: Order) -> None:
        response = change(page, order, FRAGMENT)
        assert response["HX-Redirect"] == reverse("trading:order", args=[Order.objects.get(replaces=order).pk])

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"limit_price": "70,050"}, "호가 단위(100)"),
            ({"limit_price": ""}, "지정가를 적어 주세요"),
            ({"quantity": "열"}, "숫자로 적어 주세요"),
            ({"quantity": "1000"}, "주문 가능 금액이 부족합니다"),
            ({"quantity": "10", "limit_price": "70,500"}, "바뀐 내용이 없습니다"),
            ({"client_key": ""}, "주문 화면이 오래되었습니다"),
        ],
    )
    @pytest.mark.parametrize("headers", [None, FRAGMENT])
    def test_a_refused_change_says_why_and_keeps_what_was_typed(
        self, page: Client, order: Order, headers: dict[str, str] | None, typed: dict[str, str], said: str
    ) -> None:
        response = change(page, order, headers, **typed)
        assert response.status_code == (200 if headers else 422)
        shown = text(response)
        assert said in shown
        asked = {"quantity": "5", "limit_price": "70,000"} | typed
        assert all(f'value="{asked[name]}"' in shown for name in ("quantity", "limit_price") if asked[name])
        assert make.fresh(order).state == "pending"

    def test_a_second_click_is_the_same_change(self, page: Client, order: Order) -> None:
        key = uuid4().hex
        answers = [change(page, order, client_key=key)["Location"] for _ in range(2)]
        assert answers[0] == answers[1]
        assert Order.objects.count() == 2

    def test_a_resting_order_shows_what_it_waits_for_and_what_came_of_it(self, page: Client, order: Order) -> None:
        resting = make.accept(order)
        address = reverse("trading:order", args=[resting.pk])
        assert "먼저 취소하고" in text(page.get(address))
        change(page, resting, quantity="1000")
        assert "1,000주, 지정가 70,000" in text(page.get(address))
        services.apply_report(resting.pk, OrderReport(ReportStatus.CANCELED), make.NOW)
        services.carry_out_changes()
        shown = text(page.get(address))
        assert "바꾼 주문은 내지 못했습니다" in shown
        assert "가능 10,000,000" in shown
        assert "직접 취소했습니다" not in shown.partition("지나온 일")[0]

    def test_an_order_of_a_plan_offers_no_change(
        self, page: Client, account: BrokerAccount, instrument: Instrument
    ) -> None:
        order = make.place(account, instrument, plan=make.make_plan(account, instrument), step=1)
        assert "주문 바꾸기" not in text(page.get(reverse("trading:order", args=[order.pk])))
        response = change(page, order, limit_price="")
        assert "오토 스윙이 낸 주문은 바꿀 수 없습니다" in text(response)

    def test_who_may_not_trade_or_does_not_own_it_changes_nothing(
        self, client: Client, user: User, order: Order
    ) -> None:
        """A07, G09."""
        client.force_login(make.make_user())
        assert change(client, order).status_code == 404
        User.objects.filter(pk=user.pk).update(role=Role.VIEWER)
        client.force_login(User.objects.get(pk=user.pk))
        assert change(client, order).status_code == 403
        assert "주문 바꾸기" not in text(client.get(reverse("trading:order", args=[order.pk])))
        assert Order.objects.count() == 1


class TestCancelAll:
    def test_it_is_asked_first_and_done_once_confirmed(
        self, page: Client, account: BrokerAccount, instrument: Instrument
    ) -> None:
        make.accept(scene.make_order(account, instrument))
        scene.make_order(account, instrument)
        asked = text(page.get(reverse("trading:order_cancel_all")))
        assert "2건 모두 취소" in asked
        assert Order.objects.open().filter(cancel_requested=False).count() == 2
        done = text(page.post(reverse("trading:order_cancel_all"), follow=True))
        assert "보내기 전 주문 1건을 회수하고, 1건의 취소를 요청했습니다." in done
        assert not Order.objects.open().filter(cancel_requested=False).exists()

    def test_a_narrowed_list_cancels_what_it_shows(
        self, page: Client, account: BrokerAccount, instrument: Instrument
    ) -> None:
        other = scene.make_stock("000660", 70_000, "에스케이하이닉스")
        scene.make_order(account, instrument)
        kept = scene.make_order(account, other, limit_price=Decimal(70_000))
        listed = text(page.get(reverse("trading:order_list"), {"instrument": instrument.key}))
        assert f'href="{reverse("trading:order_cancel_all")}?instrument=KRX%3A005930"' in listed
        shown = text(page.get(reverse("trading:order_cancel_all"), {"instrument": instrument.key}))
        assert "에스케이하이닉스" not in shown.partition('id="cancel-all"')[2]
        page.post(reverse("trading:order_cancel_all"), {"instrument": instrument.key})
        assert list(Order.objects.open()) == [kept]

    def test_an_instrument_nobody_knows_is_not_all_of_them(
        self, page: Client, account: BrokerAccount, instrument: Instrument
    ) -> None:
        scene.make_order(account, instrument)
        assert page.post(reverse("trading:order_cancel_all"), {"instrument": "KRX:999999"}).status_code == 404
        assert Order.objects.open().count() == 1

    def test_there_is_no_button_where_nothing_is_open(self, page: Client) -> None:
        assert "모두 취소" not in text(page.get(reverse("trading:order_list"))).partition("<main")[2]
        assert "취소할 주문이 없습니다" in text(page.get(reverse("trading:order_cancel_all")))

    def test_a_viewer_and_a_stranger_cancel_nothing(
        self, client: Client, user: User, account: BrokerAccount, instrument: Instrument
    ) -> None:
        scene.make_order(account, instrument)
        client.force_login(make.make_user())
        client.post(reverse("trading:order_cancel_all"))
        client.force_login(make.make_user(role=Role.VIEWER))
        assert client.post(reverse("trading:order_cancel_all")).status_code == 403
        assert Order.objects.open().count() == 1


def test_what_a_collar_means_is_said_beside_the_collar_alone(page: Client, stop: Order) -> None:
    Order.objects.filter(pk=stop.pk).update(collar_price=Decimal(72_000))
    shown = text(page.get(reverse("trading:order", args=[stop.pk])))
    assert shown.count("이 값의 지정가로 냅니다") == 1


def test_a_fill_worked_out_from_totals_says_so_in_words() -> None:
    assert pricing_words("totals") == "증권사의 누적 체결"


def test_a_changes_address_takes_posts_alone(page: Client, stop: Order) -> None:
    assert page.get(reverse("trading:order_change", args=[stop.pk])).status_code == 405
    assert not OrderChange.objects.exists()


def test_a_page_that_read_an_order_just_before_it_changed_looks_again(page: Client, user: User, stop: Order) -> None:
    """I29: the hint came before its stream was open, so the page's own stamp must be from before what it shows."""
    read: list[str] = []

    def change_once_read(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if '"trading_order"."id" =' in sql and not read:
            read.append(sql)
            Order.objects.filter(pk=stop.pk).update(version=F("version") + 1)
        return result

    with connection.execute_wrapper(change_once_read):
        shown = text(page.get(reverse("trading:order", args=[stop.pk])))
    assert read
    [stamp] = re.findall(r'data-stamp="(\w+)"', shown)
    assert stamp != state_stamp(user.pk)
    [again] = re.findall(r'data-stamp="(\w+)"', text(page.get(reverse("trading:order", args=[stop.pk]))))
    assert again == state_stamp(user.pk)
