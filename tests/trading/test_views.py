"""What an outsider reads without knowing our code: the views of reliability.md §5, after real orders on either database."""

# ruff: noqa: S608 (the names in these statements are our own)

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, ReportStatus
from markets.models import Instrument
from tests import factories as make
from trading import services
from trading.models import Fill, Halt, Order, PlanEvaluation, SignalStep, SwingPlan

pytestmark = pytest.mark.django_db
COLUMNS = {
    "v_orders": "id user_id broker_account environment instrument side quantity price client_id broker_key state filled"
    " sent_at plan cycle step",
    "v_fills": "id order_id quantity price fee at",
    "v_postings": "journal account asset amount",
    "v_balances": "account asset amount",
    "v_signal": "plan cycle from_signal to_signal at",
    "v_decisions": "plan bar_closed_at outcome",
    "v_halts": "scope mode reason at",
}


def read(view: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def exact(amount: Any) -> Decimal:
    """An amount as its database gives it: never a float."""
    assert isinstance(amount, Decimal if connection.vendor == "postgresql" else str)
    return Decimal(amount)


def facts(*amounts: int) -> list[Decimal]:
    return list(map(Decimal, amounts))


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def plan(account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return make.make_plan(account, instrument)


@pytest.fixture
def bought(account: BrokerAccount, instrument: Instrument, plan: SwingPlan) -> Order:
    """A plan's buy of ten, filled in two parts."""
    asked = {"quantity": Decimal(10), "limit_price": Decimal(70_000), "plan": plan, "step": 1}
    order = make.accept(make.place(account, instrument, **asked))
    fills = (make.make_fill(order, "a", 4, 70_000, 42), make.make_fill(order, "b", 6, 69_900, 63))
    services.apply_report(order.pk, OrderReport(ReportStatus.ACCEPTED, fills=fills), make.NOW)
    return make.fresh(order)


@pytest.mark.parametrize("view", COLUMNS)
def test_every_view_has_exactly_its_columns(view: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view}")
        assert [column[0] for column in cursor.description] == COLUMNS[view].split()


def test_an_order_can_be_followed(bought: Order, plan: SwingPlan) -> None:
    assert bought.sent_at is not None
    (row,) = read("v_orders")
    assert [exact(row.pop(name)) for name in ("quantity", "price", "filled")] == facts(10, 70_000, 10)
    assert row == {
        "id": str(bought.pk),
        "user_id": str(bought.user_id),
        "broker_account": str(bought.broker_account_id),
        "environment": "virtual",
        "instrument": "KRX:005930",
        "side": "buy",
        "client_id": bought.client_id,
        "broker_key": bought.broker_order_key,
        "state": "filled",
        "sent_at": iso(bought.sent_at),
        "plan": str(plan.pk),
        "cycle": 1,
        "step": 1,
    }


def test_an_order_of_a_person_that_has_not_left_has_no_plan_price_or_time(
    account: BrokerAccount, instrument: Instrument
) -> None:
    make.place(account, instrument)
    (row,) = read("v_orders")
    assert [row[name] for name in ("plan", "cycle", "step", "price", "sent_at", "broker_key")] == [None] * 5 + [""]
    assert row["state"] == "pending"
    assert exact(row["filled"]) == 0


def test_fills_are_told_one_by_one(bought: Order) -> None:
    rows = read("v_fills")
    told = [[exact(row[name]) for name in ("quantity", "price", "fee")] for row in rows]
    assert told == [facts(4, 70_000, 42), facts(6, 69_900, 63)]
    assert {row["order_id"] for row in rows} == {str(bought.pk)}
    assert [row["id"] for row in rows] == list(Fill.objects.order_by("pk").values_list("pk", flat=True))
    assert {row["at"] for row in rows} == {iso(Fill.objects.first().at)}  # type: ignore[union-attr]


def test_postings_sum_to_zero_and_to_the_balances(bought: Order, account: BrokerAccount) -> None:
    """What `check_books` says can be reckoned from outside (I16, I17)."""
    journals: dict[tuple[int, str], Decimal] = {}
    accounts: dict[tuple[str, str], Decimal] = {}
    for row in read("v_postings"):
        amount = exact(row["amount"])
        journals[row["journal"], row["asset"]] = journals.get((row["journal"], row["asset"]), Decimal(0)) + amount
        accounts[row["account"], row["asset"]] = accounts.get((row["account"], row["asset"]), Decimal(0)) + amount
    assert set(journals.values()) == {0}
    balances = {(row["account"], row["asset"]): exact(row["amount"]) for row in read("v_balances")}
    assert balances == accounts
    assert balances[f"{account.pk}:position:KRX:005930", "KRW"] == 4 * 70_000 + 6 * 69_900
    assert balances[f"{account.pk}:available", "KRX:005930"] == 10


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite would add amounts as floats")
def test_the_books_are_checked_by_two_statements(bought: Order) -> None:
    """docs/database.md gives them to whoever checks from outside."""
    text = (Path(__file__).parents[2] / "docs" / "database.md").read_text(encoding="utf-8")
    statements = re.findall(r"^(SELECT .* FROM v_postings .*);", text, flags=re.MULTILINE)
    assert len(statements) == 2
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            assert cursor.fetchall() == []
        cursor.execute("UPDATE trading_balance SET amount = amount + 1 WHERE bucket = 'fees'")
        cursor.execute(statements[1])
        assert len(cursor.fetchall()) == 1


def test_signal_and_decisions_can_be_followed(bought: Order, plan: SwingPlan) -> None:
    PlanEvaluation.objects.create(
        plan=plan, bar_closed_at=make.NOW, market_at=make.NOW, signal=0, outcome="buy_first", order=bought
    )
    step = SignalStep.objects.get()
    assert read("v_signal") == [
        {"plan": str(plan.pk), "cycle": 1, "from_signal": 0, "to_signal": 1, "at": iso(step.at)}
    ]
    assert read("v_decisions") == [
        {"plan": str(plan.pk), "bar_closed_at": "2026-03-04T02:00:00.000000Z", "outcome": "buy_first"}
    ]


def test_halts_name_their_scope(account: BrokerAccount) -> None:
    Halt.objects.filter(scope="site").delete()
    Halt.objects.create(scope="site", target="", mode="active")
    Halt.objects.create(scope="account", target=str(account.pk), mode="halted", reason="daily_loss", at=make.NOW)
    assert sorted(read("v_halts"), key=lambda row: row["scope"]) == [
        {
            "scope": f"account:{account.pk}",
            "mode": "halted",
            "reason": "daily_loss",
            "at": "2026-03-04T02:00:00.000000Z",
        },
        {"scope": "site", "mode": "active", "reason": "", "at": None},
    ]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a collation of ours is SQLite's alone")
def test_a_tool_without_our_collation_can_sort_by_an_amount(bought: Order) -> None:
    """`sqlite3` on the command line knows nothing of Kairos."""
    assert sorts_by_our_collation("trading_order", "quantity")
    for view, column in (("v_orders", "quantity"), ("v_fills", "price"), ("v_balances", "amount")):
        assert not sorts_by_our_collation(view, column)


def sorts_by_our_collation(table: str, column: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN SELECT {column} FROM {table} ORDER BY {column}")
        return "kairos_decimal" in str(cursor.fetchall())
