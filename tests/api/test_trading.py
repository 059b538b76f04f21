"""Accounts, plans, strategies, the market, stops and limits through the API: the same services, the same rights."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from strategies.library.swing import swing_document
from tests import factories as make
from tests.api.conftest import PASSWORD, Api, signed_in
from tests.trading import scene
from trading.models import SwingPlan

V1 = "/api/v1"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def stock(db: None) -> Instrument:
    return scene.make_stock()


@pytest.fixture
def account(trader: User, stock: Instrument) -> BrokerAccount:
    return make.make_account(trader)


def test_a_virtual_account_is_opened_once_per_key_and_its_money_is_exact(api: Api, stock: Instrument) -> None:
    body = {"name": "모의", "opening_balance": "1000000"}
    made = [api.post(f"{V1}/broker-accounts/", body, Idempotency_Key="open-1") for _time in range(2)]
    assert [each.status_code for each in made] == [201, 201]
    assert made[0].json() == made[1].json()
    address = made[0]["Location"]
    paid = api.post(f"{address}deposit/", {"amount": "500"}, Idempotency_Key="pay-1")
    assert (paid.status_code, paid.json()["kind"]) == (201, "deposit")
    assert api.get(f"{address}balance/").json()["cash_available"] == "1000500"
    api.post(f"{address}withdraw/", {"amount": "1500"}, Idempotency_Key="pay-2")
    rows = api.get(f"{V1}/deposits/").json()["results"]
    assert [(row["kind"], row["amount"]) for row in rows] == [
        *(("withdrawal", "-1500"), ("deposit", "500"), ("deposit", "1000000")),
    ]
    reset = api.post(f"{address}reset/", {"opening_balance": "7"}, Idempotency_Key="reset-1")
    assert (reset.status_code, api.get(f"{address}balance/").json()["total_value"]) == (201, "7")


def test_holdings_and_the_summary_add_up(api: Api, account: BrokerAccount, stock: Instrument) -> None:
    make.hold(account, stock, 10, 71_000)
    (position,) = api.get(f"{V1}/broker-accounts/{account.pk}/positions/").json()["results"]
    assert (position["instrument"], position["quantity"], position["cost"]) == ("KRX:005930", "10", "710000")
    summary = api.get(f"{V1}/portfolio/summary/").json()
    (total,) = summary["totals"]
    assert Decimal(total["total_value"]) == Decimal(total["cash_available"]) + Decimal(total["positions_value"])
    assert summary["positions"] == [position]
    (*_before, day) = api.get(f"{V1}/portfolio/history/?days=30").json()["results"]
    assert Decimal(day["total_value"]) == Decimal(total["total_value"])
    assert Decimal(day["realised"]) < 0  # the fee
    statistics = api.get(f"{V1}/portfolio/statistics/").json()
    assert (statistics["orders"], statistics["by_currency"][0]["bought"]) == (1, "710000")


def test_a_kis_account_is_connected_sealed_and_shown_masked(api: Api, stock: Instrument) -> None:
    """B09, G17: nothing of a key comes back beyond its last four characters."""
    body = {
        "name": "한투",
        "environment": "paper",
        "account_number": "12345678-01",
        "api_key": "PSabcdefghijklmnopqrstuvwxyz01234567",
        "secret_key": "c2VjcmV0" * 20,
    }
    answer = api.post(f"{V1}/broker-accounts/register/", body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["key"], shown["account_number"], shown["state"]) == ("****4567", "****5678-01", "unchecked")
    for text in (body["api_key"], body["secret_key"], "12345678"):
        assert text.encode() not in answer.content
    key = api.get(f"{V1}/broker-accounts/{shown['broker_account']}/key/")
    assert key.json() == shown
    assert api.get(f"{V1}/broker-accounts/{make.make_account(make.make_user()).pk}/key/").status_code == 404


def test_keys_need_a_fresh_proof(api: Api, db: None) -> None:
    """I39."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11), tick=False):
        assert code_of(api.post(f"{V1}/broker-accounts/register/", {})) == (403, "step_up_required")


def plan_body(account: BrokerAccount, **fields: Any) -> dict[str, Any]:
    return {
        "name": "첫 계획",
        "broker_account": str(account.pk),
        "instrument": "KRX:005930",
        "budget": "1000000",
    } | fields


def test_a_plan_is_registered_once_changed_paused_resumed_and_stopped(
    api: Api, account: BrokerAccount, stock: Instrument
) -> None:
    """W01–W05."""
    rule = {"kind": "swing", "parameters": {"short_ema": 7, "adx_threshold": 20}}
    made = api.post(f"{V1}/swing-plans/", plan_body(account, rule=rule), Idempotency_Key="plan-1")
    assert made.status_code == 201, made.content
    again = api.post(f"{V1}/swing-plans/", plan_body(account, rule=rule), Idempotency_Key="plan-1")
    assert again.json()["id"] == made.json()["id"]
    other = api.post(f"{V1}/swing-plans/", plan_body(account, interval="1d"), Idempotency_Key="plan-1")
    assert code_of(other) == (422, "idempotency_mismatch")
    address, seen = made["Location"], made["ETag"]
    assert (made.json()["signal"], made.json()["mode"], made.json()["strategy"]) == (0, "on", "swing")
    changed = api.patch(address, {"budget": "2000000"}, If_Match=seen)
    assert (changed.status_code, changed.json()["budget"]) == (200, "2000000"), changed.content
    assert changed.json()["strategy_version"] == made.json()["strategy_version"]
    assert code_of(api.patch(address, {"budget": "3"}, If_Match=seen)) == (412, "changed_meanwhile")
    assert api.post(f"{address}pause/").json()["mode"] == "off"
    assert code_of(api.post(f"{address}evaluate-now/")) == (422, "plan_is_off")
    assert api.post(f"{address}resume/").json()["mode"] == "on"
    stopped = api.post(f"{address}stop/", {"sell": False}).json()
    assert (stopped["plan"]["mode"], stopped["sale"]) == ("off", None)
    config = api.get(f"{V1}/swing-plans/configs/").json()["results"][0]
    assert (config["symbols"], config["timeframe"], config["mode"]) == (["005930"], "1h", "off")
    assert (config["rsi_oversold"], config["rsi_overbought"], config["stop_loss_pct"]) == (30, 70, 7)


def test_two_edits_of_what_was_read_once_do_not_overwrite_one_another(
    api: Api, trader: User, account: BrokerAccount, stock: Instrument
) -> None:
    from trading import services
    from trading.errors import PlanRefused
    from trading.plan_rules import ChosenRule

    plan = scene.make_plan(trader, account, stock)
    seen = SwingPlan.objects.get(pk=plan.pk)
    terms: dict[str, Any] = {
        "name": "a",
        "first_share": Decimal("0.5"),
        "repeat": True,
        "cooldown_bars": 5,
        "mode": "on",
    }
    rule = ChosenRule("swing", swing_document(), {}, plan.strategy_version_id)
    services.edit_plan(trader, plan.pk, parameters=rule, budget=Decimal(5_000_000), as_seen=seen, **terms)
    with pytest.raises(PlanRefused, match="changed_meanwhile"):
        services.edit_plan(trader, plan.pk, parameters=rule, budget=Decimal(6_000_000), as_seen=seen, **terms)


def test_rules_out_of_bounds_are_told_field_by_field(api: Api, account: BrokerAccount) -> None:
    rule = {"kind": "swing", "parameters": {"short_ema": 50, "medium_ema": 20}}
    answer = api.post(f"{V1}/swing-plans/", plan_body(account, rule=rule), Idempotency_Key="plan-1")
    assert code_of(answer) == (422, "document_invalid")
    assert answer.json()["detail"]["fields"]["medium_ema"][0]["code"] == "not_increasing"


def test_looks_are_listed_with_what_they_saw(api: Api, trader: User, account: BrokerAccount, stock: Instrument) -> None:
    """G01."""
    plan = scene.make_plan(trader, account, stock)
    for hours in range(3):
        scene.make_look(plan, hours)
    first = api.get(f"{V1}/swing-plans/{plan.pk}/evaluations/?limit=2").json()
    assert [row["outcome"] for row in first["results"]] == ["hold", "hold"]
    assert first["results"][0]["detail"]["row"]["conditions"][0]["passed"] is True
    rest = api.get(f"{V1}/swing-plans/{plan.pk}/evaluations/?limit=2&cursor={first['next_cursor']}").json()
    assert len(rest["results"]) == 1
    assert api.get(f"{V1}/swing-plans/{plan.pk}/fills/").json() == {"results": []}


def test_documents_are_kept_read_as_sentences_and_taken_out_and_in(api: Api, db: None) -> None:
    """T02, G14, G16."""
    document = swing_document(name="my rule").as_data()
    kept = api.post(f"{V1}/strategies/", {"document": document})
    assert kept.status_code == 201, kept.content
    assert api.post(f"{V1}/strategies/", {"document": document}).json()["id"] == kept.json()["id"]
    assert (
        kept.json()["sentences"] == api.post(f"{V1}/strategies/sentences/", {"document": document}).json()["sentences"]
    )
    versions = api.get(f"{V1}/strategies/{kept.json()['strategy']}/versions/").json()["results"]
    assert [row["number"] for row in versions] == [1]
    assert api.get(f"{V1}/strategies/versions/{kept.json()['id']}/").json()["document"] == kept.json()["document"]
    (listed,) = [row for row in api.get(f"{V1}/strategies/").json()["results"] if row["is_own"]]
    assert listed["name"] == "my rule"
    assert code_of(api.post(f"{V1}/strategies/", {"document": {"name": "x"}})) == (422, "document_invalid")
    assert {each["key"] for each in api.get(f"{V1}/strategies/library/").json()["results"]} >= {"swing", "basic", "rsi"}


def test_a_strategy_is_renamed_put_away_and_taken_out_of_the_archive(api: Api, db: None) -> None:
    """T02, G16."""
    kept = api.post(f"{V1}/strategies/", {"document": swing_document(name="my rule").as_data()}).json()
    url = f"{V1}/strategies/{kept['strategy']}/"
    renamed = api.patch(url, {"name": "another name"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "another name"), renamed.content
    assert code_of(api.patch(url, {"name": ""})) == (400, "invalid_request")
    assert code_of(api.patch(url, {"kind": "swing"})) == (400, "invalid_request")
    other = api.post(f"{V1}/strategies/", {"document": swing_document(name="taken").as_data()})
    assert code_of(api.patch(url, {"name": "taken"})) == (422, "strategy_name_taken")
    assert api.delete(url).status_code == 204
    assert api.delete(url).status_code == 204
    listed = [row["id"] for row in api.get(f"{V1}/strategies/").json()["results"] if row["is_own"]]
    assert listed == [other.json()["strategy"]]
    assert api.get(url).json()["archived_at"] is not None
    assert api.get(f"{V1}/strategies/versions/{kept['id']}/").json()["document"] == kept["document"]
    assert api.post(f"{url}restore/").json()["archived_at"] is None
    assert len(api.get(f"{V1}/strategies/").json()["results"]) == 2


def test_a_kis_file_comes_in_and_goes_out(api: Api, db: None) -> None:
    from strategies.kis_yaml import write_kis_yaml
    from strategies.library.shelf import LIBRARY

    content = write_kis_yaml(LIBRARY["rsi"].build()).text
    brought = api.post(f"{V1}/strategies/import/", {"content": content})
    assert brought.status_code == 201, brought.content
    out = api.get(f"{V1}/strategies/versions/{brought.json()['id']}/kis-yaml/")
    assert (out.status_code, out["Content-Type"]) == (200, "application/yaml; charset=utf-8")
    assert code_of(api.post(f"{V1}/strategies/import/", {"content": "a: [1"})) == (422, "document_invalid")


def test_the_market_is_found_priced_and_watched(api: Api, stock: Instrument) -> None:
    """D03, D06, P08."""
    pair = make.make_btc_pair()
    assert [each["key"] for each in api.get(f"{V1}/instruments/?q=ㅅㅅㅈㅈ").json()["results"]] == ["KRX:005930"]
    quote = api.get(f"{V1}/instruments/KRX:005930/quote/").json()
    assert (quote["price"], quote["source"], quote["is_stale"]) == ("71000", "simulator", False)
    assert api.get(f"{V1}/instruments/{pair.key}/").json()["symbol"] == "ETH/BTC"
    assert api.get(f"{V1}/instruments/UPBIT:ETH%2FBTC/").status_code == 200
    assert api.get(f"{V1}/instruments/{pair.key}/quote/").status_code == 404
    assert api.get(f"{V1}/instruments/KRX:005930/order-book/").json()["bids"] == []
    assert api.get(f"{V1}/instruments/KRX:005930/bars/?interval=1d&limit=5").json()["bars"] == []
    for _time in range(2):
        assert api.put(f"{V1}/watchlists/{pair.key}/").status_code == 200
    assert [each["key"] for each in api.get(f"{V1}/watchlists/").json()["results"]] == [pair.key]
    assert api.delete(f"{V1}/watchlists/{pair.key}/").status_code == 204
    assert api.get(f"{V1}/watchlists/").json()["results"] == []


def test_stopping_takes_one_request_and_letting_go_a_fresh_proof(
    api: Api, trader: User, account: BrokerAccount
) -> None:
    """G04, I39."""
    address = f"{V1}/broker-accounts/{account.pk}/halt/"
    latch = api.post(address, {"mode": "halted"})
    assert (latch.status_code, latch.json()["mode"]) == (200, "halted")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11), tick=False):
        assert code_of(api.delete(address, If_Match=latch["ETag"])) == (403, "step_up_required")
        api.post(f"{V1}/auth/step-up", {"password": PASSWORD})
        assert code_of(api.delete(address, If_Match='"0"')) == (412, "changed_meanwhile")
        assert api.delete(address, If_Match=latch["ETag"]).json()["mode"] == "active"
    body = {"scope": "user", "target": str(trader.pk), "mode": "reduce_only"}
    stopped = api.post(f"{V1}/halts/", body).json()
    assert stopped["mode"] == "reduce_only"
    rows = {row["scope"]: row for row in api.get(f"{V1}/halts/").json()["results"]}
    assert rows["account"]["above"]["mode"] == "reduce_only"
    assert code_of(api.post(f"{V1}/halts/", body | {"scope": "site", "target": ""})) == (403, "not_allowed")
    freed = {"scope": "user", "target": str(trader.pk), "version": stopped["version"]}
    assert api.post(f"{V1}/halts/release/", freed).json()["mode"] == "active"


def test_limits_are_set_one_by_one(api: Api, account: BrokerAccount) -> None:
    address = f"{V1}/broker-accounts/{account.pk}/limits/"
    names = {row["name"] for row in api.get(address).json()["results"]}
    assert "order_amount" in names
    assert api.put(f"{address}order_amount/", {"value": "1000000"}).json()["value"] == "1000000"
    assert api.delete(f"{address}order_amount/").json()["value"] is None
    assert api.put(f"{address}nothing/", {"value": "1"}).status_code == 404


def test_what_a_person_has_to_see_is_listed_and_closed(api: Api, trader: User) -> None:
    from trading.services.safeguards.alerts import raise_alert

    alert = raise_alert("unknown_too_long", "order:1", trader.pk)
    (row,) = api.get(f"{V1}/notifications/?is_open=true").json()["results"]
    assert (row["id"], row["times"]) == (alert.pk, 1)
    assert api.post(f"{V1}/notifications/{alert.pk}/seen/").json()["closed_at"] is not None
    assert api.get(f"{V1}/notifications/?is_open=true").json()["results"] == []
    assert signed_in(make.make_user()).post(f"{V1}/notifications/{alert.pk}/seen/").status_code == 404


def test_the_system_is_for_admins(api: Api, admin: User, stock: Instrument) -> None:
    staff = signed_in(admin)
    for part in ("processes", "queues", "feeds"):
        assert code_of(api.get(f"{V1}/system/{part}/")) == (403, "not_permitted")
        assert staff.get(f"{V1}/system/{part}/").status_code == 200


def test_trades_leave_as_a_file_after_a_fresh_proof(api: Api, account: BrokerAccount, stock: Instrument) -> None:
    make.hold(account, stock, 1, 71_000)
    answer = api.get(f"{V1}/portfolio/trades.csv")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert (len(lines), lines[0].split(",")[0]) == (2, "id")
