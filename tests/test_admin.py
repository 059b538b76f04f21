"""The admin shows everything and changes no fact: financial rows cannot be added, edited or deleted there."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role, User
from brokers.models import BrokerAccount
from markets.models import Instrument, LatestQuote, PriceFeed, TradingDay
from strategies.models import Strategy, StrategyVersion
from trading.models import (
    AccountReading,
    Alert,
    Balance,
    BooksCheck,
    BrokerOrder,
    Fill,
    Halt,
    IdempotencyKey,
    Journal,
    Order,
    OrderAttempt,
    OrderChange,
    OrderEvent,
    PlanEvaluation,
    PositionDifference,
    Posting,
    RiskLimit,
    SignalStep,
    SwingPlan,
    System,
)

NOW = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
FACTS = [
    Order, Fill, Journal, Balance, SwingPlan, PlanEvaluation, Strategy, StrategyVersion, PriceFeed, LatestQuote,
    Halt, RiskLimit, Alert, BooksCheck, System, BrokerOrder, AccountReading, PositionDifference, IdempotencyKey, OrderChange,
]  # fmt: skip
INLINE_FACTS = [OrderAttempt, OrderEvent, Posting, SignalStep]
KEPT = [User, BrokerAccount, Instrument]
OURS = {"accounts", "markets", "brokers", "strategies", "trading"}


@pytest.fixture
def boss(client: Client, db: None) -> User:
    user = User.objects.create_user("boss@example.com", None, role=Role.ADMIN)
    client.force_login(user)
    return user


def trade(number: int) -> Order:
    """One person with one of everything a filled order leaves behind."""
    user = User.objects.create_user(f"trader{number}@example.com", None)
    account = BrokerAccount.objects.create(user=user, name=f"모의 {number}", broker="virtual", environment="virtual")
    instrument = Instrument.objects.create(
        venue="KRX", symbol=f"{number:06}", name_ko="종목", name_en="Stock", kind="stock", currency="KRW",
        tick_table="krx", calendar="krx",
    )  # fmt: skip
    LatestQuote.objects.create(
        instrument=instrument, source="simulator", at=NOW, received_at=NOW, price=100, base_price=99, day_volume=5
    )
    strategy = Strategy.objects.create(user=user, name="스윙")
    version = StrategyVersion.objects.create(strategy=strategy, number=1, document={}, version_hash="0" * 64)
    plan = SwingPlan.objects.create(
        user=user, broker_account=account, instrument=instrument, strategy_version=version, name="오토", interval="1h",
        budget=1000, watches_from=NOW,
    )  # fmt: skip
    order = Order.objects.create(
        user=user, broker_account=account, instrument=instrument, plan=plan, side="buy", quantity=10,
        order_type="limit", limit_price=100, time_in_force="day", state="filled", client_key="key",
        request_hash="0" * 64, client_id=f"client-{number}", filled_quantity=10, filled_amount=1000, market_at=NOW,
    )  # fmt: skip
    OrderAttempt.objects.create(order=order, number=1, fence=1)
    OrderEvent.objects.create(order=order, state="filled", origin="broker", market_at=NOW)
    Fill.objects.create(
        order=order, broker_account=account, key="f1", quantity=10, price=100, amount=1000, fee=0, tax=0, at=NOW
    )
    journal = Journal.objects.create(broker_account=account, kind="fill", source=f"{order.pk}:f1", at=NOW)
    for bucket, amount in (("available", -1000), ("position:KRX:005930", 1000)):
        Posting.objects.create(journal=journal, bucket=bucket, asset="KRW", amount=amount)
    Balance.objects.create(broker_account=account, bucket="available", asset="KRW", amount=Decimal("123456789012.5"))
    PlanEvaluation.objects.create(
        plan=plan, bar_closed_at=NOW, market_at=NOW, signal=0, outcome="buy_first", order=order
    )
    SignalStep.objects.create(plan=plan, cycle=1, from_signal=0, to_signal=1, order=order, at=NOW)
    keep_safe(order)
    return order


def keep_safe(order: Order) -> None:
    """One of everything that stands around an order: what stops it, what a broker listed, what was asked."""
    account = order.broker_account
    Halt.objects.create(scope="account", target=str(account.pk), mode="halted", by=order.user, at=NOW)
    RiskLimit.objects.create(scope="account", target=str(account.pk), name="order_amount", value=1000, since=NOW)
    Alert.objects.create(user=order.user, cause="unknown", subject=f"order:{order.pk}", opened_at=NOW, last_at=NOW)
    BooksCheck.objects.create(broker_account=account, at=NOW)
    System.objects.get_or_create(pk=1)
    BrokerOrder.objects.create(
        broker_account=account, key="b1", instrument="KRX:1", side="buy", quantity=10, order_type="limit",
        ordered_at=NOW, status="accepted", filled_quantity=0, filled_amount=0, order=order, first_seen_at=NOW,
        last_seen_at=NOW,
    )  # fmt: skip
    AccountReading.objects.create(broker_account=account, fence=1, asked_at=NOW)
    PositionDifference.objects.create(broker_account=account, instrument="KRX:1", ours=1, theirs=2, opened_at=NOW)
    IdempotencyKey.objects.create(user=order.user, key="key", request_hash="0" * 64)
    OrderChange.objects.create(order=order, quantity=5, client_key="change")


@pytest.fixture
def order(boss: User) -> Order:
    PriceFeed.objects.create(source="simulator", market_time=NOW, heartbeat_at=NOW)
    TradingDay.objects.create(day=date(2026, 1, 1), name="신정")
    return trade(1)


def address(model: type[Any], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def registered() -> Iterator[type[Any]]:
    return (model for model in admin.site._registry if model._meta.app_label in OURS)


def everything() -> list[tuple[Any, ...]]:
    """Every row of every fact, to see that nothing moved."""
    return [row for model in FACTS + INLINE_FACTS for row in model._default_manager.order_by("pk").values_list()]


def test_every_financial_model_is_on_show_or_beside_the_row_it_belongs_to() -> None:
    shown = set(registered())
    beside = {inline.model for model in shown for inline in admin.site._registry[model].inlines}
    assert set(FACTS) <= shown
    assert set(INLINE_FACTS) <= beside


def test_every_list_and_every_row_can_be_read(order: Order, client: Client) -> None:
    assert client.get("/admin/").status_code == 200
    for model in registered():
        assert client.get(address(model, "changelist")).status_code == 200, model
        for row in model._default_manager.all():
            assert client.get(address(model, "change", row.pk)).status_code == 200, row


def test_every_list_can_be_searched(order: Order, client: Client) -> None:
    for model in registered():
        if admin.site._registry[model].search_fields:
            assert client.get(address(model, "changelist"), {"q": "1"}).status_code == 200, model


@pytest.mark.parametrize("model", FACTS)
def test_facts_can_be_neither_added_nor_changed_nor_deleted(order: Order, client: Client, model: type[Any]) -> None:
    row, before = model._default_manager.first(), everything()
    assert row is not None
    fields = {field.name: "1" for field in model._meta.fields}
    answers = [
        client.get(address(model, "add")),
        client.post(address(model, "add"), fields),
        client.post(address(model, "change", row.pk), fields),
        client.get(address(model, "delete", row.pk)),
        client.post(address(model, "delete", row.pk), {"post": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    bulk = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    assert client.post(address(model, "changelist"), bulk).status_code in {200, 302}
    assert everything() == before


@pytest.mark.parametrize("model", KEPT)
def test_people_accounts_and_instruments_are_put_out_of_use_but_never_deleted(
    order: Order, client: Client, model: type[Any]
) -> None:
    row, count = model._default_manager.first(), model._default_manager.count()
    assert row is not None
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    client.post(
        address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )
    assert model._default_manager.count() == count


def test_no_list_asks_the_database_once_per_row(order: Order, client: Client) -> None:
    def queries() -> dict[str, int]:
        counts = {}
        for model in registered():
            with CaptureQueriesContext(
                connection,
            ) as captured:
                client.get(address(model, "changelist"))
            counts[model.__name__] = len(captured)
        return counts

    queries()  # content types are looked up once per process
    before = queries()
    for number in range(2, 6):
        trade(number)
    assert queries() == before


def test_an_account_can_be_renamed_but_keeps_owner_and_environment(order: Order, boss: User, client: Client) -> None:
    account = order.broker_account
    form = {"name": "새 이름", "is_active": "on", "environment": "live", "broker": "kis", "user": str(boss.pk)}
    assert client.post(address(BrokerAccount, "change", account.pk), form).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.environment, account.broker) == ("새 이름", "virtual", "virtual")
    assert account.user_id == order.user_id


def test_what_an_instrument_counts_in_is_fixed_once_it_exists(order: Order, client: Client) -> None:
    page = client.get(address(Instrument, "change", order.instrument_id))
    editable = set(page.context["adminform"].form.fields)
    assert {"name_ko", "is_active"} <= editable
    assert not editable & {"symbol", "currency", "lot", "price_decimals", "quantity_decimals", "cash_decimals"}


def test_a_role_is_given_and_taken_there_and_no_hash_is_shown(boss: User, client: Client) -> None:
    user = User.objects.create_user("jin@example.com", "correct horse battery")
    page = client.get(address(User, "change", user.pk))
    shown = page.content.decode()
    assert not any(part in shown for part in (user.password, *user.password.split("$")[2:]))
    form = {"email": user.email, "name": "jin", "role": "viewer", "is_active": "on", "language": "ko"}
    client.post(address(User, "change", user.pk), form | {"time_zone": "Asia/Seoul"})
    user.refresh_from_db()
    assert (user.role, user.name) == ("viewer", "jin")


def test_a_person_is_added_with_a_password_of_their_own(boss: User, client: Client) -> None:
    password = "correct horse battery"
    form = {"email": "New@Example.com", "name": "", "role": "viewer", "usable_password": "true"}
    answer = client.post(address(User, "add"), form | {"password1": password, "password2": password})
    assert answer.status_code == 302
    user = User.objects.get(email="new@example.com")
    assert (user.role, user.check_password(password)) == ("viewer", True)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TRADER])
def test_the_admin_is_closed_to_everybody_else(db: None, client: Client, role: Role) -> None:
    user = User.objects.create_user("jin@example.com", None, role=role)
    client.force_login(user)
    assert client.get("/admin/", follow=True).status_code == 403
    for model in registered():
        assert client.get(address(model, "changelist"), follow=True).status_code == 403


def test_the_front_page_tells_how_everything_is_and_ticks_off_the_seven_points_of_security(
    order: Order, client: Client
) -> None:
    """M02, A18: processes, queues, feeds, doubts, stops and people before the records."""
    page = client.get("/admin/").content.decode()
    for title in ("프로세스", "시세", "기다리는 일", "확인 중인 주문", "걸린 정지", "보안 점검"):
        assert f">{title}</h2>" in page, title
    ticks = page[page.index('aria-labelledby="ticks-title"') :]
    assert ticks.count(">됨</span>") + ticks.count(">안 됨</span>") == 7
    assert page.index("parts-title") < page.index("records-title")


def test_no_page_of_the_admin_needs_a_script_or_style_in_the_page(order: Order, client: Client) -> None:
    """The policy forbids them: `default-src 'self'`."""
    rows = [(model, model._default_manager.first()) for model in registered()]
    lists = [address(model, "changelist") for model, _row in rows]
    for path in ["/admin/", *lists, *(address(model, "change", row.pk) for model, row in rows if row is not None)]:
        page = client.get(path).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page), path
        assert " style=" not in page, path
        assert "onclick=" not in page, path
