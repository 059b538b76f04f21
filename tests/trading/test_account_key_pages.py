"""The pages on which a broker's key is registered, tried, replaced and taken away; and whose money a page says it is about."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from brokers.models import BrokerAccount, CallBudget, Credential
from brokers.protocol import Environment
from markets.models import Instrument
from markets.types import market_day
from tests import factories as make
from tests.brokers.kis_rows import make_kis_account
from tests.brokers.kis_venue import APP_KEY, APP_SECRET, NUMBER, open_at_venue, pointed_at
from tests.servers.kis.client import KisSandbox
from tests.trading import scene
from trading import reconcile
from trading.models import AccountReading
from trading.templatetags.environments import strip_of

pytestmark = pytest.mark.django_db
PASSWORD = "pass phrase for tests"
TYPED = {
    "name": "한투 모의",
    "environment": "paper",
    "account_number": NUMBER,
    "app_key": APP_KEY,
    "app_secret": APP_SECRET,
    "hts_id": "demo9",
    "password": PASSWORD,
}


@pytest.fixture
def venue(kis_process: KisSandbox, settings: Any) -> Iterator[KisSandbox]:
    kis_process.tell("reset", always=True)
    with pointed_at(kis_process, settings) as sandbox:
        open_at_venue(sandbox)
        yield sandbox


def address(account: BrokerAccount, name: str) -> str:
    return reverse(f"trading:{name}", args=[account.pk])


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_a_registered_key_is_tried_at_once_and_its_card_says_what_it_can_do(page: Client, venue: KisSandbox) -> None:
    """B08, G17."""
    response = page.post(reverse("trading:kis_register"), TYPED | {"expires_on": "2027-11-20"}, follow=True)
    shown = text_of(response)
    assert "증권사에 연결되었습니다" in shown
    for word in ("****0001-01", "****7788", "2027-11-20", "시세 조회", "실시간 접속", "출금"):
        assert word in shown
    assert 'data-environment="paper"' in shown
    assert BrokerAccount.objects.get().is_active


def test_an_account_says_when_its_figures_are_not_the_brokers_yet_or_no_longer(page: Client, venue: KisSandbox) -> None:
    """Nought won is a figure; that nobody has read it, or can read it now, is said beside it."""
    page.post(reverse("trading:kis_register"), TYPED)
    account = BrokerAccount.objects.get()
    assert "아직 읽지 않았습니다" in text_of(page.get(address(account, "account")))
    reconcile.reconcile_once(1, account=account)
    shown = text_of(page.get(address(account, "account")))
    assert ("아직 읽지 않았습니다" in shown, "읽지 못하고 있습니다" in shown) == (False, False)
    AccountReading.objects.update(failed_since=timezone.now(), failure="broker_read_incomplete")
    assert "읽지 못하고 있습니다" in text_of(page.get(address(account, "account")))


def test_what_was_typed_never_comes_back(page: Client) -> None:
    """I34: whatever is wrong with the form, and also where it is right."""
    for wrong in (
        {"name": ""},
        {"account_number": "12"},
        {"password": "wrong"},
        {"environment": "live"},
        {"hts_id": "a b"},
    ):
        shown = text_of(page.post(reverse("trading:kis_register"), TYPED | wrong))
        assert "field__errors" in shown or "notice" in shown
        for secret in (APP_KEY, APP_SECRET, NUMBER, "62000001", PASSWORD):
            assert secret not in shown
    assert not Credential.objects.exists()


def test_without_the_password_no_key_is_kept(page: Client) -> None:
    """I39."""
    response = page.post(reverse("trading:kis_register"), TYPED | {"password": "wrong"})
    assert response.status_code == 422
    assert "비밀번호가 맞지 않습니다" in text_of(response)
    assert not BrokerAccount.objects.exists()


def test_guessing_the_password_there_costs_what_it_costs_at_the_sign_in(page: Client) -> None:
    """I37."""
    codes = [
        page.post(reverse("trading:kis_register"), TYPED | {"password": f"wrong {n}"}).status_code for n in range(4)
    ]
    assert 429 in codes


def test_a_refusal_stands_beside_its_field(page: Client, user: User) -> None:
    response = page.post(reverse("trading:kis_register"), TYPED | {"account_number": "12345"})
    field = re.search(r'id="id_account_number_error">(.*?)</ul>', text_of(response), re.DOTALL)
    assert field is not None
    assert "열 자리" in field[1]


def test_a_real_account_is_registered_knowingly_and_only_where_the_server_allows_it(
    page: Client, venue: KisSandbox, settings: Any
) -> None:
    """B11."""
    open_at_venue(venue, "live", "61000001-01", "L" * 36, "l" * 180)
    real = TYPED | {
        "environment": "live",
        "account_number": "61000001-01",
        "app_key": "L" * 36,
        "app_secret": "l" * 180,
    }
    assert "실전 거래가 꺼져" in text_of(page.post(reverse("trading:kis_register"), real | {"knows_it_is_real": "on"}))
    settings.LIVE_TRADING = True
    assert "확인해 주세요" in text_of(page.post(reverse("trading:kis_register"), real))
    shown = text_of(page.post(reverse("trading:kis_register"), real | {"knows_it_is_real": "on"}, follow=True))
    assert 'data-environment="live"' in shown
    assert "진짜 돈으로 주문합니다" in shown
    settings.LIVE_TRADING = False
    shown = text_of(page.get(address(BrokerAccount.objects.get(), "account")))
    assert "실전 꺼짐" in shown
    assert "키 바꾸기" not in shown


@pytest.mark.parametrize("name", ["account_key", "account_key_check", "account_key_remove"])
def test_the_key_of_another_does_not_exist(client: Client, name: str) -> None:
    """I33."""
    account = make_kis_account()
    client.force_login(make.make_user())
    assert client.post(address(account, name), TYPED).status_code == 404
    if name != "account_key_check":
        assert client.get(address(account, name)).status_code == 404
    assert Credential.objects.count() == 1


def test_an_account_without_a_key_has_no_page_for_one(page: Client, user: User) -> None:
    account = make.make_account(user)
    assert page.get(address(account, "account_key")).status_code == 404
    assert page.post(address(account, "account_key_check")).status_code == 404


@pytest.mark.parametrize("name", ["account_key", "account_key_check", "account_key_remove", "kis_register"])
def test_a_viewer_changes_no_key(client: Client, name: str) -> None:
    viewer = make.make_user(role=Role.VIEWER)
    account = make_kis_account(viewer)
    client.force_login(viewer)
    url = reverse("trading:kis_register") if name == "kis_register" else address(account, name)
    assert client.post(url, TYPED).status_code == 403
    assert "키 바꾸기" not in text_of(client.get(address(account, "account")))


def test_a_stranger_is_sent_to_the_sign_in_page(client: Client) -> None:
    assert reverse("accounts:sign_in") in client.get(reverse("trading:kis_register"))["Location"]


def test_a_key_is_replaced_from_its_account(page: Client, user: User, venue: KisSandbox) -> None:
    page.post(reverse("trading:kis_register"), TYPED)
    account = BrokerAccount.objects.get()
    open_at_venue(venue, "paper", NUMBER, "R" * 32 + "0002", "r" * 180)
    fresh = TYPED | {"app_key": "R" * 32 + "0002", "app_secret": "r" * 180}
    shown = text_of(page.post(address(account, "account_key"), fresh, follow=True))
    assert "증권사에 연결되었습니다" in shown
    assert "****0002" in shown
    other = text_of(page.post(address(account, "account_key"), fresh | {"account_number": "62000009-01"}))
    assert "다른 계좌 번호" in other


def test_a_key_is_taken_away_with_the_password_alone(page: Client, venue: KisSandbox) -> None:
    page.post(reverse("trading:kis_register"), TYPED)
    account = BrokerAccount.objects.get()
    assert page.post(address(account, "account_key_remove"), {"password": "wrong"}).status_code == 422
    assert Credential.objects.kept().exists()
    assert page.get(address(account, "account_key_remove")).status_code == 200
    assert Credential.objects.kept().exists()


def test_a_taken_key_is_gone(page: Client, venue: KisSandbox) -> None:
    page.post(reverse("trading:kis_register"), TYPED)
    account = BrokerAccount.objects.get()
    shown = text_of(page.post(address(account, "account_key_remove"), {"password": PASSWORD}, follow=True))
    assert "키를 지웠습니다" in shown
    assert not Credential.objects.kept().exists()


def test_a_wrong_key_says_why_on_its_card(page: Client, venue: KisSandbox) -> None:
    shown = text_of(page.post(reverse("trading:kis_register"), TYPED | {"app_secret": "u" * 180}, follow=True))
    assert "앱 시크릿이 이 앱 키의 것이 아닙니다" in shown
    assert "쓸 수 없음" in shown


def test_a_key_that_ends_soon_warns(page: Client, user: User) -> None:
    """G17."""
    account = make_kis_account(user)
    today = market_day(timezone.now())
    for days, words in ((3, "3일 뒤 만료"), (0, "오늘 만료"), (-1, "만료되었습니다")):
        Credential.objects.update(expires_on=today + timedelta(days=days))
        assert words in text_of(page.get(address(account, "account")))
    Credential.objects.update(expires_on=today + timedelta(days=60))
    assert "60일 남음" in text_of(page.get(address(account, "account")))


def test_the_card_tells_the_last_use(page: Client, user: User) -> None:
    account = make_kis_account(user)
    CallBudget.objects.create(credential=account.credential, slots=1, at=0, last_call_at=make.NOW)
    assert "마지막 사용" in text_of(page.get(address(account, "account")))


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock(price=70_000)


def test_a_ticket_says_whose_money_it_moves(page: Client, user: User, instrument: Instrument) -> None:
    """B11: the badge in the ticket and the strip above the page are those of the account that is chosen."""
    url = reverse("trading:order_new") + f"?instrument={instrument.key}"
    live = make_kis_account(user, Environment.LIVE)
    shown = text_of(page.get(url))
    assert 'badge badge--live">실전</span>' in shown
    assert 'class="environment environment--live" data-environment="live"' in shown.split("<header")[0]
    make.make_account(user)
    BrokerAccount.objects.filter(pk=live.pk).update(is_active=False)
    shown = text_of(page.get(url))
    assert 'badge badge--virtual">모의</span>' in shown
    assert 'data-environment="virtual"' in shown.split("<header")[0]


def test_a_page_of_several_accounts_never_leaves_real_money_unsaid(
    page: Client, user: User, instrument: Instrument
) -> None:
    make.make_account(user)
    assert 'data-environment="virtual"' in text_of(page.get(reverse("trading:overview")))
    make_kis_account(user, Environment.LIVE)
    shown = text_of(page.get(reverse("trading:overview")))
    assert 'data-environment="mixed"' in shown
    assert "실전 계좌 있음" in shown
    assert "손익은 실제가 아닙니다" not in shown


@pytest.mark.parametrize(
    ("environments", "strip"),
    [
        (set(), "virtual"),
        ({"virtual"}, "virtual"),
        ({"virtual", "paper"}, "paper"),
        ({"live"}, "live"),
        ({"live", "virtual"}, "mixed"),
        ({"live", "paper", "virtual"}, "mixed"),
    ],
)
def test_the_strip_of_a_page(environments: set[str], strip: str) -> None:
    assert strip_of(environments) == strip
