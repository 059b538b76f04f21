"""Every literal address of the requirements answers, with its literal keys: a client of any of the five systems may come."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from brokers.models import BrokerAccount
from tests import factories as make
from tests.api.alias_scene import alias_person, filled
from tests.api.aliases import EXPECTED, REQUIREMENTS, SECOND_WAVE, SOCKETS, Alias, aliases
from tests.api.conftest import Api, signed_in
from trading.models import AliasDefaults, Order, SwingPlan

pytestmark = pytest.mark.skipif(not REQUIREMENTS.exists(), reason="the requirements are not beside this repository")
LISTED = aliases() if REQUIREMENTS.exists() else []
FIRST_WAVE = [each for each in LISTED if each.id not in SECOND_WAVE and each.path.partition("?")[0] not in SOCKETS]


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def person(db: None) -> User:
    return alias_person()


@pytest.fixture
def account(person: User) -> BrokerAccount:
    return BrokerAccount.objects.get(user=person)


def test_every_address_of_the_requirements_is_expected_here() -> None:
    """M: what the requirements name is walked below, or waits by its id."""
    paths = {(each.method, each.path.partition("?")[0]) for each in FIRST_WAVE}
    assert paths == set(EXPECTED)
    assert {each.id for each in LISTED} >= set(SECOND_WAVE)


@pytest.mark.parametrize("alias", FIRST_WAVE, ids=lambda each: f"{each.id} {each.method} {each.path}")
def test_a_literal_request_gets_its_literal_keys(alias: Alias, person: User) -> None:
    bare = alias.path.partition("?")[0]
    expected, api = EXPECTED[alias.method, bare], signed_in(person)
    body = expected.body
    if body == {"refresh_token": "{refresh_token}"}:
        body = {"refresh_token": api.refresh_token}
    client = api if expected.signed_in else Api()
    path = filled(bare, lambda address, sent: api.post(address, sent).json()) + expected.query
    answer = client.send(alias.method, path, body, {"Accept": "application/json"})
    assert answer.status_code == expected.status, answer.content[:500]
    if expected.keys:
        assert expected.keys <= set(answer.json())


def test_the_prd_order_says_its_side_as_its_type(person: User) -> None:
    """C20: without a price at the market, with one at a limit."""
    api = signed_in(person)
    body = {"stock_code": "005930", "order_type": "buy", "quantity": 2}
    assert api.post("/stocks/order", body).json()["message"] == "주문 성공"
    api.post("/stocks/order", body | {"price": "70500"})
    told = Order.objects.order_by("created_at").values_list("side", "order_type", "limit_price")
    assert list(told) == [("buy", "market", None), ("buy", "limit", Decimal(70_500))]


def test_a_key_makes_of_a_literal_order_one_order(person: User) -> None:
    api = signed_in(person)
    body = {"stock_code": "005930", "order_type": "buy", "quantity": 2}
    ids = {api.post("/stocks/order", body, Idempotency_Key="k").json()["order_id"] for _time in range(2)}
    assert len(ids) == 1


def test_the_prd_plan_uses_the_defaults_and_its_raw_threshold(person: User, account: BrokerAccount) -> None:
    """W01, C15, C17."""
    sent = {"short_term": 5, "medium_term": 20, "long_term": 60, "obv_threshold": 1000}
    assert signed_in(person).post("/swing/register", sent).json() == {"message": "오토 스윙 등록 성공"}
    plan = SwingPlan.objects.get()
    assert (plan.broker_account, plan.budget) == (account, Decimal(1_000_000))
    assert plan.strategy_version.settings["obv_mode"] == "raw"
    assert plan.strategy_version.settings["obv_threshold"] == 1000


@pytest.mark.parametrize(
    ("left_out", "code"),
    [
        ("broker_account", "default_account_missing"),
        ("instrument", "default_instrument_missing"),
        ("budget", "default_budget_missing"),
    ],
)
def test_without_a_default_nothing_is_guessed(person: User, left_out: str, code: str) -> None:
    """C15."""
    AliasDefaults.objects.update(**{left_out: None})
    assert code_of(signed_in(person).post("/swing/register", {})) == (422, code)
    assert not SwingPlan.objects.exists()


def test_what_is_wrong_with_a_swing_is_told_in_the_words_it_was_sent_in(person: User) -> None:
    """W01: who sent `medium_term` has never heard of our `medium_ema`."""
    answer = signed_in(person).post("/swing/register", {"short_term": 50, "medium_term": 20})
    assert (answer.status_code, answer.json()["code"]) == (422, "document_invalid")
    assert answer.json()["detail"]["fields"] == {
        "medium_term": [{"code": "not_increasing", "message": "차례로 커져야 합니다: short_term < medium_term"}]
    }
    assert not SwingPlan.objects.exists()


def test_the_swing_status_is_told_in_a_word_and_as_stored(person: User, account: BrokerAccount) -> None:
    """W02, C16."""
    api = signed_in(person)
    assert api.get("/swing/status").json()["signal"] is None
    plan = make.make_plan(account, AliasDefaults.objects.get().instrument)  # type: ignore[arg-type]
    SwingPlan.objects.filter(pk=plan.pk).update(signal=2)
    shown = api.get("/swing/status").json()
    assert (shown["signal"], shown["signal_code"], shown["plans"][0]["symbol"]) == ("buy", 2, "005930")


def test_keys_without_an_environment_are_never_live_ones(person: User) -> None:
    """G07: nothing real by a default."""
    body = {"account_number": "1234567801", "api_key": "PS" + "a1" * 17, "secret_key": "s" * 180}
    assert signed_in(person).post("/accounts/register", body).status_code == 201
    assert BrokerAccount.objects.get(user=person, broker="kis").environment == "paper"


@pytest.mark.parametrize("number", [1e400, "1e3", True, None, [], "NaN"])
def test_a_literal_number_is_read_exactly_or_not_at_all(person: User, number: Any) -> None:
    body = {"stock_code": "005930", "order_type": "buy", "quantity": number}
    raw = b'{"stock_code": "005930", "order_type": "buy", "quantity": 1e400}' if number == 1e400 else body
    assert signed_in(person).post("/stocks/order", raw).status_code == 400
    assert not Order.objects.exists()


def test_defaults_are_a_persons_own(person: User, account: BrokerAccount) -> None:
    address = "/api/v1/swing-plans/defaults/"
    other = signed_in(make.make_user())
    body = {"broker_account": str(account.pk), "instrument": None, "budget": None}
    assert code_of(other.put(address, body)) == (422, "unknown_account")
    assert other.get(address).json() == {"broker_account": None, "instrument": None, "budget": None}
    kept = signed_in(person).put(address, body | {"instrument": "KRX:005930", "budget": "500"}).json()
    assert kept == {"broker_account": str(account.pk), "instrument": "KRX:005930", "budget": "500"}


def test_the_page_of_orders_is_found_without_its_slash(person: User) -> None:
    answer = signed_in(person).get("/orders", Accept="text/html,*/*")
    assert (answer.status_code, answer["Location"]) == (302, "/orders/")


def test_leverage_is_what_a_cash_account_has_and_nothing_above(person: User) -> None:
    """O03."""
    api, address = signed_in(person), "/api/v1/trading/leverage/005930"
    assert api.post(address, {"leverage": 1}).json()["leverage"] == 1
    refused = api.post(address, {"leverage": 5})
    assert code_of(refused) == (422, "leverage_not_available")
    assert refused.json()["detail"] == {"leverage": 5, "max_leverage": 1}
    assert "1배" in refused.json()["message"]
    assert api.post(address, {"leverage": 0}).status_code == 400
    assert code_of(api.post("/api/v1/trading/leverage/999999", {"leverage": 1})) == (422, "unknown_instrument")


def test_a_draft_is_a_document_that_can_be_kept(person: User) -> None:
    """T10, G14: our own schema, our own sentences."""
    api = signed_in(person)
    drafted = api.post("/ai_strategy/generate", {"prompt": "스윙으로, 손절 3%", "name": "my swing"}).json()
    assert (drafted["based_on"], drafted["provider"], drafted["understood"]) == (
        "swing",
        "offline",
        ["스윙", "손절 3%"],
    )
    kept = api.post("/api/v1/strategies/", {"document": drafted["spec"]})
    assert kept.status_code == 201
    assert kept.json()["sentences"] == drafted["sentences"]
    assert code_of(api.post("/ai_strategy/generate", {"prompt": "make me rich"})) == (422, "wish_not_understood")
