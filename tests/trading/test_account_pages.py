"""An account's pages: opening one, money in and out, beginning anew, the statement in words and as a file (P04-P09, O07)."""

import csv
import re
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import reverse

from accounts.models import Role, User
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.trading import scene
from trading import services
from trading.models import Journal
from trading.services.ledger.audit import check_books
from trading.views.account_files import BYTE_ORDER_MARK

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock(price=70_000)


def address(account: BrokerAccount, name: str = "account") -> str:
    return reverse(f"trading:{name}", args=[account.pk])


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def typed(**values: str) -> dict[str, str]:
    return {"client_key": uuid4().hex} | values


def sell(account: BrokerAccount, instrument: Instrument, quantity: int) -> None:
    make.hold(account, instrument, quantity, 70_000)
    asked = {"side": Side.SELL, "quantity": Decimal(quantity), "limit_price": Decimal(70_000)}
    make.accept(make.place(account, instrument, **asked))
    services.match_virtual(instrument, make.make_book(instrument, 70_000))


# --- opening


def test_a_person_opens_several_accounts_from_the_page(page: Client, user: User) -> None:
    for name, currency, cash in (("첫째", "KRW", "1,000,000"), ("둘째", "BTC", "0.5")):
        sent = typed(name=name, currency=currency, opening_balance=cash)
        opened = page.post(reverse("trading:account_list"), sent)
        assert opened.status_code == 302
    found = {(each.account.name, each.currency, each.cash_available) for each in services.portfolios(user)}
    assert found == {("첫째", "KRW", Decimal(1_000_000)), ("둘째", "BTC", Decimal("0.5"))}


def test_a_double_click_opens_one_account(page: Client, user: User) -> None:
    """G06: the second click lands on the account the first has opened."""
    sent = typed(name="하나", currency="KRW", opening_balance="1000")
    first, second = (page.post(reverse("trading:account_list"), sent) for _click in range(2))
    assert first["Location"] == second["Location"] == address(BrokerAccount.objects.get())
    changed = page.post(reverse("trading:account_list"), sent | {"opening_balance": "2000"})
    assert changed.status_code == 422
    assert BrokerAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "필수 항목"),
        ({"name": "모의 있음"}, "이미 같은 이름이 있습니다."),
        ({"opening_balance": "천원"}, "숫자로 적어 주세요"),
        ({"opening_balance": "0"}, "이상이어야 합니다"),
        ({"opening_balance": "0.5"}, "가장 작은 단위"),
        ({"currency": "XXX"}, "올바르게 선택"),
        ({"client_key": ""}, "오래되었습니다"),
    ],
)
def test_what_cannot_be_an_account_comes_back_as_typed(
    page: Client, user: User, wrong: dict[str, str], said: str
) -> None:
    make.make_account(user, name="모의 있음")
    sent = typed(name="새 계좌", currency="KRW", opening_balance="1234567") | wrong
    response = page.post(reverse("trading:account_list"), sent)
    assert response.status_code == 422
    assert said in text(response)
    assert f'value="{sent["opening_balance"]}"' in text(response)
    assert BrokerAccount.objects.count() == 1


# --- in and out


def test_money_goes_in_and_out_once_per_form(page: Client, account: BrokerAccount) -> None:
    """P09, G06."""
    coming, going = typed(amount="500,000"), typed(amount="200000")
    for _click in range(2):
        assert page.post(address(account, "account_deposit"), coming)["Location"] == address(account)
        assert page.post(address(account, "account_withdraw"), going)["Location"] == address(account)
    assert make.balances(account)["available KRW"] == make.CASH + 300_000


def test_the_header_names_the_request_too(page: Client, account: BrokerAccount) -> None:
    """G06: `Idempotency-Key`, and another amount under the same key is refused."""
    for amount, status in (("100", 302), ("100", 302), ("200", 422)):
        response = page.post(
            address(account, "account_deposit"), {"amount": amount}, headers={"Idempotency-Key": "one request"}
        )
        assert response.status_code == status
    assert make.balances(account)["available KRW"] == make.CASH + 100


def test_more_than_there_is_stays_typed(page: Client, account: BrokerAccount) -> None:
    response = page.post(address(account, "account_withdraw"), typed(amount="10,000,001"))
    assert response.status_code == 422
    assert "부족합니다" in text(response)
    assert 'value="10,000,001"' in text(response)
    assert make.balances(account)["available KRW"] == make.CASH


def test_what_is_not_settled_is_shown_and_stays(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    """T+2: Wednesday's sale, after fee and tax, can leave on Friday."""
    sell(account, instrument, 10)
    shown = text(page.get(address(account)))
    assert "결제를 기다리는 매도 대금" in shown
    assert "2026-03-06" in shown
    assert "698,495원" in shown
    refused = page.post(address(account, "account_withdraw"), typed(amount="9,500,000"))
    assert "2026-03-06부터 출금할 수 있습니다" in text(refused)
    assert page.post(address(account, "account_withdraw"), typed(amount="9,299,895")).status_code == 302


# --- beginning anew


def test_an_account_is_reset_from_its_page(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 3, 70_000)
    response = page.post(address(account, "account_reset"), typed(opening_balance="2,000,000", is_sure="on"))
    assert response["Location"] == address(account)
    assert make.balances(account)["available KRW"] == 2_000_000
    assert "초기화" in text(page.get(address(account)))


def test_a_reset_asks_whether_one_is_sure(page: Client, account: BrokerAccount) -> None:
    response = page.post(address(account, "account_reset"), typed(opening_balance="2,000,000"))
    assert response.status_code == 422
    assert "초기화하려면 확인해 주세요." in text(response)
    assert 'value="2,000,000"' in text(response)
    assert not Journal.objects.filter(kind="reset").exists()


def test_a_reset_says_which_plan_is_in_its_way(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    make.make_plan(account, instrument, name="돌아가는 것")
    response = page.post(address(account, "account_reset"), typed(opening_balance="1", is_sure="on"))
    assert response.status_code == 422
    assert "먼저 멈춰 주세요: 돌아가는 것" in text(response)


@pytest.mark.parametrize("name", ["account_withdraw", "account_reset"])
def test_nobody_else_moves_a_persons_money(client: Client, account: BrokerAccount, name: str) -> None:
    client.force_login(make.make_user())
    sent = typed(amount="1", opening_balance="1", is_sure="on")
    assert client.post(address(account, name), sent).status_code == 404
    viewer = make.make_user(role=Role.VIEWER)
    BrokerAccount.objects.update(user=viewer)
    client.force_login(viewer)
    assert client.post(address(account, name), sent).status_code == 403
    assert Journal.objects.count() == 1


# --- the statement


def test_a_statement_speaks_of_names_and_units(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 10, 70_000)
    shown = text(page.get(address(account)))
    assert "삼성전자 매수 금액" in shown
    assert "+10주" in shown
    assert "−700,105원" in shown
    assert instrument.key not in re.sub(r'(href|hx-get)="[^"]*"', "", shown)


def test_a_long_statement_has_pages(page: Client, account: BrokerAccount) -> None:
    for number in range(30):
        services.deposit(account, Decimal(number + 1), f"d{number}", make.NOW)
    assert "+30원" in text(page.get(address(account)))
    second = text(page.get(address(account), {"page": "2"}))
    assert "+1원" in second
    assert "+30원" not in second
    assert "2 / 2" in second


def test_pages_of_many_accounts_ask_as_often_as_of_one(
    page: Client, user: User, instrument: Instrument, django_assert_num_queries: Any
) -> None:
    def opened() -> None:
        account = make.make_account(user)
        make.hold(account, instrument, 3, 70_000)
        make.hold(account, scene.make_stock(f"{100000 + account.created_at.microsecond:06d}"), 1, 70_000)

    opened()
    with django_assert_num_queries(8):
        (one,) = services.portfolios(user)
    for _number in range(4):
        opened()
    with django_assert_num_queries(8):
        assert len(services.portfolios(user)) == 5
    assert services.portfolio(one.account) == one


# --- files


def rows(response: Any) -> list[list[str]]:
    content = b"".join(response.streaming_content).decode()
    assert content.startswith(BYTE_ORDER_MARK)
    assert content.count(BYTE_ORDER_MARK) == 1
    return list(csv.reader(StringIO(content.removeprefix(BYTE_ORDER_MARK))))


def test_the_statement_as_a_file_adds_up(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    """Every posting is a row, exact and without separators: by journal and unit they sum to zero."""
    sell(account, instrument, 10)
    response = page.get(address(account, "account_statement_csv"))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert "no-store" in response["Cache-Control"]
    head, *lines = rows(response)
    assert head == ["시장 시각", "번호", "구분", "항목", "종목", "금액 또는 수량", "단위", "근거"]
    sums: dict[tuple[str, str], Decimal] = {}
    for _at, number, _kind, _item, _key, amount, unit, _source in lines:
        sums[number, unit] = sums.get((number, unit), Decimal(0)) + Decimal(amount)
    assert len(lines) == sum(journal.postings.count() for journal in Journal.objects.all())
    assert not any(sums.values())
    assert ["2026-03-04 11:00:01+09:00", "삼성전자 매수 금액", "KRX:005930", "-700000", "KRW"] in [
        [line[0], *line[3:7]] for line in lines
    ]
    assert check_books().differences == ()


def test_a_file_of_any_length_is_whole(page: Client, account: BrokerAccount) -> None:
    """More journals than are read at once, and more lines than are written at once."""
    for number in range(520):
        services.deposit(account, Decimal(number + 1), f"d{number}", make.NOW)
    _head, *lines = rows(page.get(address(account, "account_statement_csv")))
    amounts = [Decimal(line[5]) for line in lines if line[3] == "주문 가능"]
    assert amounts == [*map(Decimal, range(520, 0, -1)), make.CASH]


def test_orders_and_fills_as_files(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    """O07."""
    sell(account, instrument, 10)
    make.place(account, instrument, quantity=Decimal(1), limit_price=Decimal(60_000))
    head, *orders = rows(page.get(address(account, "account_orders_csv")))
    column = {name: number for number, name in enumerate(head)}
    told = [
        [order[column[name]] for name in ("종목", "매매 구분", "수량", "지정가", "상태", "체결 금액")]
        for order in orders
    ]
    assert told == [
        ["삼성전자", "매수", "1", "60000", "전송 대기", "0"],
        ["삼성전자", "매도", "10", "70000", "체결", "700000"],
        ["삼성전자", "매수", "10", "70000", "체결", "700000"],
    ]
    _head, sale, _purchase = rows(page.get(address(account, "account_fills_csv")))
    assert sale[5:12] == ["매도", "10", "70000", "700000", "105", "1400", "KRW"]
    assert sale[12] == "매수 호가 70,000"


def test_a_file_speaks_the_readers_language(page: Client, account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 1, 70_000)
    page.post(reverse("set_language"), {"language": "en"})
    _head, *lines = rows(page.get(address(account, "account_fills_csv")))
    assert lines[0][4] == "Samsung Electronics"


@pytest.mark.parametrize("name", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_name_never_becomes_a_formula(
    page: Client, account: BrokerAccount, instrument: Instrument, name: str
) -> None:
    make.hold(account, instrument, 1, 70_000)
    Instrument.objects.update(name_ko=name)
    _head, fill = rows(page.get(address(account, "account_fills_csv")))
    assert fill[4] == f"'{name}"
    assert Decimal(fill[8]) == 70_000, "numbers stay numbers"


@pytest.mark.parametrize("name", ["account_statement_csv", "account_orders_csv", "account_fills_csv"])
def test_a_file_is_its_owners_alone(client: Client, account: BrokerAccount, name: str) -> None:
    client.force_login(make.make_user())
    assert client.get(address(account, name)).status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_a_file_is_streamed_by_the_asynchronous_server_too() -> None:
    """Piece by piece: Django would gather a plain iterator in memory there, and warn."""
    user = await sync_to_async(make.make_user)()
    account = await sync_to_async(make.make_account)(user)
    client = AsyncClient()
    await client.aforce_login(user)
    response: Any = await client.get(address(account, "account_statement_csv"))
    assert isinstance(response.asgi_request, ASGIRequest)
    assert response.is_async
    pieces = [piece async for piece in response]
    assert len(pieces) == 2
    assert pieces[0].decode().startswith(BYTE_ORDER_MARK)
    await sync_to_async(connections.close_all)()  # those of the thread that did the asking
