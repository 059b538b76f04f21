"""What people see and may do on trading's pages: their own things, without scripts too, and never twice by a double click."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.trading import scene
from trading.models import Journal, Order, SwingPlan

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


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


def test_the_bare_address_leads_to_the_overview_or_to_the_sign_in_page(client: Client, user: User) -> None:
    """M01: also a line of JSON for a program that asks for it."""
    assert client.get("/")["Location"] == reverse("accounts:sign_in")
    assert client.get("/", headers={"accept": "application/json"}).json() == {"name": "Kairos", "status": "ok"}
    client.force_login(user)
    assert client.get("/")["Location"] == reverse("trading:overview")


PAGES = ["overview", "plan_list", "plan_new", "order_list", "order_new", "account_list"]


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_sent_to_the_sign_in_page(client: Client, name: str) -> None:
    address = reverse(f"trading:{name}")
    response = client.get(address)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('accounts:sign_in')}?next={address}")


def test_a_fragment_takes_a_signed_out_person_s_whole_page_to_the_sign_in_page(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/dashboard/"}
    response = client.get(reverse("trading:overview"), headers=headers)
    assert response["HX-Redirect"] == f"{reverse('accounts:sign_in')}?next=/dashboard/"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_for_a_newcomer_with_nothing(page: Client, name: str) -> None:
    response = page.get(reverse(f"trading:{name}"))
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_the_overview_shows_what_everything_is_worth(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    """W01, P07, G02: value, cash and the reservation of a working order, marked as a simulation."""
    scene.make_order(account, instrument, limit_price=Decimal(71_000))
    shown = text(page.get(reverse("trading:overview")))
    assert "10,000,000원" in shown
    assert "모의" in shown
    reserved = 10_000_000 - int(re.search(r"주문 가능</dt><dd>([\d,]+)원", shown)[1].replace(",", ""))  # type: ignore[index]
    assert 710_000 <= reserved <= 711_000


def test_currencies_stand_side_by_side_and_are_never_added(page: Client, user: User, account: BrokerAccount) -> None:
    make.make_account(user, "0.5", "BTC")
    shown = text(page.get(reverse("trading:overview")))
    assert "10,000,000원" in shown
    assert "0.50000000 BTC" in shown


@pytest.mark.parametrize("name", ["overview", "plan_list", "order_list"])
def test_a_page_asks_the_database_a_bounded_number_of_times(
    page: Client, user: User, instrument: Instrument, django_assert_max_num_queries: Any, name: str
) -> None:
    accounts = [make.make_account(user, name=f"모의 {n}") for n in range(3)]
    for n in range(12):
        plan = scene.make_plan(user, accounts[n % 3], instrument, name=f"오토 스윙 {n}")
        scene.make_look(plan)
        scene.make_order(accounts[n % 3], instrument)
    with django_assert_max_num_queries(MOST_QUERIES):
        assert page.get(reverse(f"trading:{name}")).status_code == 200


def test_the_plan_page_asks_the_database_a_bounded_number_of_times(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument, django_assert_max_num_queries: Any
) -> None:
    plan = scene.make_plan(user, account, instrument)
    for hours in range(60):
        scene.make_look(plan, hours)
    with django_assert_max_num_queries(MOST_QUERIES):
        page.get(reverse("trading:plan", args=[plan.pk]))


def test_an_order_goes_through_without_scripts(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    """O01: the ticket is a plain form; the answer is the order's own page."""
    assert "order-ticket" in text(page.get(reverse("trading:order_new"), {"instrument": instrument.key}))
    response = page.post(reverse("trading:order_place"), ticket(account, instrument))
    order = Order.objects.get()
    assert (response.status_code, response["Location"]) == (302, reverse("trading:order", args=[order.pk]))
    asked = ("buy", Decimal(10), Decimal(71_000), "pending")
    assert (order.side, order.quantity, order.limit_price, order.state) == asked
    assert "71,000" in text(page.get(response["Location"]))


def test_a_double_click_is_one_order(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    """G06: the key was made with the page."""
    typed = ticket(account, instrument)
    answers = [page.post(reverse("trading:order_place"), typed) for _ in range(2)]
    assert Order.objects.count() == 1
    assert answers[0]["Location"] == answers[1]["Location"]


def test_the_same_ticket_with_another_content_is_told_and_gets_a_new_key(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    typed = ticket(account, instrument)
    page.post(reverse("trading:order_place"), typed)
    response = page.post(reverse("trading:order_place"), typed | {"quantity": "11"})
    assert response.status_code == 422
    assert "이미 다른 내용으로 보낸 주문" in text(response)
    assert typed["client_key"] not in text(response)
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"quantity": "열 주"}, "숫자로 적어 주세요"),
        ({"quantity": ""}, "필수"),
        ({"limit_price": ""}, "지정가를 적어 주세요"),
        ({"limit_price": "71,050"}, "호가 단위(100)"),
        ({"limit_price": "120,000"}, "가격 제한폭"),
        ({"quantity": "0.5"}, "매매 단위"),
        ({"quantity": "1000"}, "주문 가능 금액이 부족합니다. 필요 71,"),
        ({"side": "sell"}, "매도 가능 수량이 부족합니다. 필요 10, 가능 0"),
    ],
)
def test_a_refused_ticket_says_why_and_keeps_what_was_typed(
    page: Client, account: BrokerAccount, instrument: Instrument, typed: dict[str, str], said: str
) -> None:
    asked = ticket(account, instrument, **typed)
    response = page.post(reverse("trading:order_place"), asked)
    shown = text(response)
    assert response.status_code == 422
    assert said in shown
    if asked["quantity"]:
        assert f'value="{asked["quantity"]}"' in shown
    assert not Order.objects.exclude(state="denied").exists()


def test_a_denied_order_stays_in_the_list_with_its_numbers(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    page.post(reverse("trading:order_place"), ticket(account, instrument, quantity="1000"))
    shown = text(page.get(reverse("trading:order_list")))
    assert "한도 거부" in shown
    assert "가능 10,000,000" in shown


def test_the_estimate_names_fee_and_tax_before_anything_is_sent(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    asked = ticket(account, instrument, side="sell")
    shown = text(page.post(reverse("trading:order_estimate"), asked, headers={"HX-Request": "true"}))
    assert "710,000원" in shown
    assert "수수료" in shown
    assert "세금" in shown
    assert "받는 금액" in shown
    assert Order.objects.count() == 0


def test_a_working_order_is_called_back_by_its_owner_alone(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    order = scene.make_order(account, instrument)
    assert page.get(reverse("trading:order_cancel", args=[order.pk])).status_code == 405
    page.post(reverse("trading:order_cancel", args=[order.pk]))
    order.refresh_from_db()
    assert order.state == "withdrawn"
    again = page.post(reverse("trading:order_cancel", args=[order.pk]))
    assert again.status_code == 409
    assert "이미 끝난 주문" in text(again)


def test_another_person_s_things_do_not_exist(
    client: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    """G09: not found, whether looked at or acted on; nothing moves."""
    order, plan = scene.make_order(account, instrument), scene.make_plan(user, account, instrument)
    client.force_login(make.make_user("other@example.com"))
    for name, key in (("order", order.pk), ("plan", plan.pk), ("account", account.pk)):
        assert client.get(reverse(f"trading:{name}", args=[key])).status_code == 404
    acts = [("order_cancel", order.pk), ("plan_pause", plan.pk), ("plan_resume", plan.pk), ("plan_evaluate", plan.pk)]
    for name, key in [*acts, ("account_deposit", account.pk)]:
        assert client.post(reverse(f"trading:{name}", args=[key]), {"amount": "1"}).status_code == 404
    assert client.post(reverse("trading:order_place"), ticket(account, instrument)).status_code == 422
    order.refresh_from_db()
    plan.refresh_from_db()
    assert (order.state, plan.mode, Order.objects.count()) == ("pending", "on", 1)
    for name in ("overview", "order_list", "plan_list", "account_list"):
        assert str(account.name) not in text(client.get(reverse(f"trading:{name}")))


@pytest.mark.parametrize("name", ["order", "plan", "account"])
def test_what_never_was_is_not_found(page: Client, name: str) -> None:
    assert page.get(reverse(f"trading:{name}", args=[uuid4()])).status_code == 404


def test_a_viewer_reads_and_nothing_else(
    client: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    """A07: no button to press, and the refusal behind it stands."""
    order, plan = scene.make_order(account, instrument), scene.make_plan(user, account, instrument)
    User.objects.filter(pk=user.pk).update(role=Role.VIEWER)
    client.force_login(User.objects.get(pk=user.pk))
    for name, key in (("order", order.pk), ("plan", plan.pk), ("account", account.pk)):
        shown = text(client.get(reverse(f"trading:{name}", args=[key])))
        assert 'method="post"' not in shown.partition('<main class="page')[2]
    for name, key in (("order_cancel", order.pk), ("plan_pause", plan.pk), ("account_deposit", account.pk)):
        data = {"amount": "1", "client_key": uuid4().hex}
        assert client.post(reverse(f"trading:{name}", args=[key]), data).status_code == 403
    assert client.post(reverse("trading:order_place"), ticket(account, instrument)).status_code == 403
    assert client.get(reverse("trading:plan_new")).status_code == 403
    assert (Order.objects.count(), SwingPlan.objects.filter(mode="on").count()) == (1, 1)


def test_every_change_needs_the_token_of_its_page(user: User, account: BrokerAccount, instrument: Instrument) -> None:
    """I41."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    order = scene.make_order(account, instrument)
    for name, arguments in (("order_place", []), ("order_cancel", [order.pk]), ("plan_new", []), ("market_speed", [])):
        assert strict.post(reverse(f"trading:{name}", args=arguments)).status_code == 403


def test_reading_changes_nothing(page: Client, user: User, account: BrokerAccount, instrument: Instrument) -> None:
    order, plan = scene.make_order(account, instrument), scene.make_plan(user, account, instrument)
    before = (Journal.objects.count(), order.version, plan.version)
    for name in PAGES:
        page.get(reverse(f"trading:{name}"))
    for name, key in (("order", order.pk), ("plan", plan.pk), ("account", account.pk)):
        page.get(reverse(f"trading:{name}", args=[key]))
    order.refresh_from_db()
    plan.refresh_from_db()
    assert (Journal.objects.count(), order.version, plan.version) == before


def test_the_order_list_is_narrowed_by_state_and_instrument(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    other = scene.make_stock("000660", 70_000, "에스케이하이닉스")
    scene.make_order(account, instrument)
    scene.make_order(account, other, limit_price=Decimal(70_000))
    listed = reverse("trading:order_list")
    table = {"HX-Request": "true"}
    assert "에스케이하이닉스" in text(page.get(listed, headers=table))
    assert "에스케이하이닉스" not in text(page.get(listed, {"instrument": instrument.key}, headers=table))
    assert "삼성전자" not in text(page.get(listed, {"state": "filled"}, headers=table))
    assert page.get(listed, {"state": "nonsense", "page": "x", "instrument": ":"}).status_code == 200


def test_an_instruments_page_shows_what_the_persons_own_accounts_hold_of_it(client: Client) -> None:
    """P07."""
    user, instrument = make.make_user(), scene.make_stock()
    account = make.make_account(user, name="보유 계좌")
    make.hold(account, instrument, 7, 70_000)
    client.force_login(user)
    page = client.get(f"/markets/KRX/{instrument.symbol}/").content.decode()
    assert "보유 계좌" in page
    assert "70,000" in page  # what each had cost
    client.force_login(make.make_user())
    assert "보유 계좌" not in client.get(f"/markets/KRX/{instrument.symbol}/").content.decode()
