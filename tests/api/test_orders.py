"""Orders through the API: placed once, followed, changed and canceled, each person their own."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.api.conftest import Api, signed_in
from tests.trading import scene
from trading import services
from trading.models import Fill, Order

ORDERS = "/api/v1/orders/"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def stock(db: None) -> Instrument:
    return scene.make_stock()


@pytest.fixture
def account(trader: User, stock: Instrument) -> BrokerAccount:
    return make.make_account(trader)


def limit_buy(account: BrokerAccount, **fields: Any) -> dict[str, Any]:
    body = {"broker_account": str(account.pk), "instrument": "KRX:005930", "side": "buy", "order_type": "limit"}
    return body | {"quantity": "10", "limit_price": "70500"} | fields


def place(api: Api, account: BrokerAccount, key: str = "key-1", **fields: Any) -> Any:
    return api.post(ORDERS, limit_buy(account, **fields), Idempotency_Key=key)


def test_an_order_is_placed_by_the_one_door_and_shown_as_it_stands(api: Api, account: BrokerAccount) -> None:
    answer = place(api, account)
    assert answer.status_code == 202
    shown = answer.json()
    assert (shown["state"], shown["quantity"], shown["limit_price"]) == ("pending", "10", "70500")
    order = Order.objects.get()
    assert answer["Location"] == f"{ORDERS}{order.pk}/"
    assert api.get(answer["Location"]).json() == shown
    assert order.reserved > 0


def test_the_same_key_is_the_same_order_and_with_another_body_a_mistake(api: Api, account: BrokerAccount) -> None:
    """G06."""
    first, again = place(api, account), place(api, account, quantity="10.0")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert code_of(place(api, account, quantity="11")) == (422, "idempotency_mismatch")
    assert Order.objects.count() == 1


@pytest.mark.parametrize("key", ["", "two words", "x" * 129, "é"])
def test_without_a_usable_key_nothing_is_placed(api: Api, account: BrokerAccount, key: str) -> None:
    answer = api.post(ORDERS, limit_buy(account), **({"Idempotency_Key": key} if key else {}))
    assert answer.status_code == 400
    assert answer.json()["code"].startswith("idempotency_key")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": 10},
        {"quantity": "1e3"},
        {"quantity": "NaN"},
        {"quantity": "10,000"},
        {"quantity": True},
        {"limit_prise": "70500"},
        {"side": "BUY"},
        {"instrument": "005930"},
        {"broker_account": "mine"},
        {"quantity": "1" * 30},
        {"limit_price": ["70500"]},
    ],
)
def test_what_is_misspelt_is_refused_and_never_guessed(api: Api, account: BrokerAccount, fields: Any) -> None:
    """security.md 2.2: a misspelt limit price must not become a market order."""
    assert code_of(place(api, account, **fields)) == (400, "invalid_request")
    assert not Order.objects.exists()


def test_refusals_say_why_in_a_sentence_and_for_programs(api: Api, account: BrokerAccount) -> None:
    answer = place(api, account, limit_price="70501")
    assert code_of(answer) == (422, "wrong_tick")
    assert answer.json()["detail"]["low"] == "70500"
    assert "70,500" in answer.json()["message"]


def test_what_our_limits_deny_is_told_as_such_and_kept(api: Api, account: BrokerAccount) -> None:
    answer = place(api, account, quantity="100000")
    assert code_of(answer) == (422, "insufficient_cash")
    assert answer.json()["detail"]["order"] == str(Order.objects.get(state="denied").pk)


def test_nobody_trades_on_anothers_account(account: BrokerAccount, stock: Instrument) -> None:
    other = signed_in(make.make_user())
    assert code_of(place(other, account)) == (422, "unknown_account")


def test_a_viewer_places_nothing(viewer: User, account: BrokerAccount) -> None:
    assert code_of(place(signed_in(viewer), account)) == (403, "not_allowed")


def test_live_accounts_need_a_second_factor(trader: User, api: Api, stock: Instrument, settings: Any) -> None:
    """security.md 6.3.3."""
    settings.LIVE_TRADING = True
    live = make.make_live_account(trader)
    assert code_of(place(api, live)) == (403, "second_factor_required")


def test_orders_are_listed_page_by_page_without_gaps_or_repeats(api: Api, account: BrokerAccount) -> None:
    placed = [place(api, account, key=f"key-{n}", quantity="1").json()["id"] for n in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        answer = api.get(f"{ORDERS}?limit=3{cursor}").json()
        seen += [row["id"] for row in answer["results"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert seen == placed[::-1]
    oldest = api.get(f"{ORDERS}?ordering=created_at&limit=2").json()["results"]
    assert [row["id"] for row in oldest] == placed[:2]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=W10", "state=lost", "ordering=id", "since=yesterday"],
)
def test_a_list_cannot_be_asked_for_in_a_way_it_does_not_know(api: Api, query: str) -> None:
    assert api.get(f"{ORDERS}?{query}").status_code == 400


def test_lists_are_narrowed(api: Api, account: BrokerAccount) -> None:
    place(api, account)
    other = make.make_instrument("000660")
    make.put_price(other, 120_000)
    sent = place(api, account, key="key-2", instrument="KRX:000660", limit_price="119000", quantity="1").json()
    found = api.get(f"{ORDERS}?instrument=KRX:000660&state=open&side=buy&broker_account={account.pk}").json()
    assert [row["id"] for row in found["results"]] == [sent["id"]]
    assert api.get(f"{ORDERS}?state=filled").json()["results"] == []


def test_an_order_is_changed_once_per_key_and_only_as_it_was_read(api: Api, account: BrokerAccount) -> None:
    sent = place(api, account)
    address, seen = sent["Location"], sent["ETag"]
    body = {"quantity": "5", "limit_price": "70600"}
    assert code_of(api.patch(address, body, Idempotency_Key="c-1", If_Match='"99"')) == (412, "changed_meanwhile")
    anew = api.patch(address, body, Idempotency_Key="c-1", If_Match=seen)
    assert (anew.status_code, anew.json()["replaces"], anew.json()["quantity"]) == (202, sent.json()["id"], "5")
    again = api.patch(address, body, Idempotency_Key="c-1", If_Match=seen)
    assert (again.status_code, again.json()["id"]) == (202, anew.json()["id"])


def test_orders_are_canceled_one_by_one_or_all_at_once(api: Api, account: BrokerAccount) -> None:
    addresses = [place(api, account, key=f"key-{n}", quantity="1")["Location"] for n in range(3)]
    assert api.post(f"{addresses[0]}cancel/").json()["state"] == "withdrawn"
    assert code_of(api.post(f"{addresses[0]}cancel/")) == (409, "order_not_open")
    assert api.post(f"{ORDERS}cancel-all/", {"instrument": "KRX:005930"}).json() == {"withdrawn": 2, "asked": 0}


def test_fills_and_trades_say_what_became_of_an_order(api: Api, account: BrokerAccount, stock: Instrument) -> None:
    """O06, O07: executed price, and the result of a sale after its costs."""
    make.hold(account, stock, 10, 71_000)
    sale = make.accept(make.place(account, stock, side="sell", quantity=Decimal(10), limit_price=Decimal(72_000)))
    services.match_virtual(stock, make.make_book(stock, 72_000))
    shown = api.get(f"{ORDERS}{sale.pk}/").json()
    assert (shown["state"], shown["average_price"], shown["filled_quantity"]) == ("filled", "72000", "10")
    (fill,) = api.get(f"{ORDERS}{sale.pk}/fills/").json()["results"]
    assert (fill["price"], fill["order"]) == ("72000", str(sale.pk))
    assert len(api.get(f"{ORDERS}fills/").json()["results"]) == Fill.objects.count()
    sold, bought = api.get("/api/v1/portfolio/trades/").json()["results"]
    assert Decimal(sold["pnl"]) == 10_000 - Decimal(shown["fee"]) - Decimal(shown["tax"])
    assert (sold["symbol"], sold["executed_price"], bought["pnl"]) == ("KRX:005930", "72000", None)
    assert set(sold) == {
        *("id", "user_id", "symbol", "side", "position_side", "order_type", "quantity", "price", "executed_price"),
        *("status", "strategy_name", "signal_source", "pnl", "created_at", "executed_at"),
    }


def test_an_estimate_places_nothing(api: Api, stock: Instrument) -> None:
    body = {"instrument": stock.key, "side": "buy", "order_type": "market", "quantity": "10"}
    told = api.post(f"{ORDERS}estimate/", body).json()
    assert Decimal(told["total"]) == Decimal(told["amount"]) + Decimal(told["fee"])
    assert not Order.objects.exists()


def test_a_list_costs_as_many_queries_however_long_it_is(
    api: Api, account: BrokerAccount, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        place(api, account, key=f"key-{number}", quantity="1")
    with django_assert_num_queries(2):  # who asks, and the rows
        assert len(api.get(ORDERS).json()["results"]) == 5
