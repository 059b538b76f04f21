"""The order list in SQL kept from call to call: the same rows as the ORM reads, whatever it is narrowed to, each their own."""

from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from accounts.api.problems import Problem
from accounts.models import User
from brokers.models import BrokerAccount
from tests import factories as make
from trading.api.order_lists import order_shown, orders_page
from trading.lifecycle import OPEN
from trading.models import Order
from trading.templatetags.reasons import sentence

pytestmark = pytest.mark.django_db
USUAL = {"limit": 50, "ordering": "-created_at"}


@pytest.fixture
def orders(trader: User) -> list[Order]:
    """Of two accounts and two instruments, one withdrawn, one denied, one filled; and one of somebody else."""
    first, second = make.make_account(trader), make.make_account(trader)
    samsung, hynix = make.make_instrument("005930"), make.make_instrument("000660")
    for each in (samsung, hynix):
        make.put_price(each, 70_000)
    placed = [make.place(first, samsung, quantity=Decimal(1)), make.place(first, hynix, quantity=Decimal(2))]
    placed += [make.place(second, samsung, quantity=Decimal(3)), make.place(second, hynix, quantity=Decimal(10**9))]
    make.place(make.make_account(make.make_user()), samsung, quantity=Decimal(4))
    Order.objects.filter(pk=placed[0].pk).update(
        filled_quantity=Decimal(1), filled_amount=Decimal("70000.5"), fee=Decimal("0.015")
    )
    return list(Order.objects.filter(user=trader).order_by("-created_at", "-id"))


def as_the_orm_reads(order: Order) -> dict[str, Any]:
    exact = ("quantity", "limit_price", "stop_price", "filled_quantity", "filled_amount", "fee", "tax")
    same = ("id", "side", "order_type", "time_in_force", "division", "purpose", "step", "state", "reason", "facts")
    times = ("market_at", "created_at", "expires_at", "finished_at", "version", "cancel_requested")
    average = order.average_price
    return {
        **{name: getattr(order, name) for name in (*same, *times)},
        **{name: None if (value := getattr(order, name)) is None else format(value, "f") for name in exact},
        "broker_account": order.broker_account_id,
        "plan": order.plan_id,
        "replaces": order.replaces_id,
        "instrument": order.instrument.key,
        "currency": order.instrument.currency,
        "message": sentence(order.reason, order.facts),
        "average_price": None if average is None else format(average, "f"),
    }


def test_every_column_is_what_the_orm_reads(trader: User, orders: list[Order]) -> None:
    assert {order.state for order in orders} >= {"pending", "denied"}
    told = orders_page(trader, USUAL)
    assert told == {"results": [as_the_orm_reads(order) for order in orders], "next_cursor": None}
    assert order_shown(trader, orders[0].pk) == as_the_orm_reads(orders[0])


def test_each_narrowing_and_every_pair_of_them_is_what_the_orm_finds(trader: User, orders: list[Order]) -> None:
    own = Order.objects.filter(user=trader)
    now, first = timezone.now(), orders[-1]
    ways: dict[str, tuple[Any, QuerySet[Order]]] = {
        "state": ("open", own.filter(state__in=OPEN)),
        "side": ("buy", own.filter(side="buy")),
        "instrument": ("KRX:000660", own.filter(instrument__symbol="000660")),
        "broker_account": (first.broker_account_id, own.filter(broker_account=first.broker_account_id)),
        "since": (first.created_at + timedelta(microseconds=1), own.exclude(pk=first.pk)),
        "until": (orders[0].created_at, own.exclude(pk=orders[0].pk)),
        "plan": (orders[0].pk, own.none()),
    }
    assert now >= orders[0].created_at
    for one, other in [*combinations(ways, 2), *((name, name) for name in ways)]:
        asked = {name: ways[name][0] for name in (one, other)}
        found = {row["id"] for row in orders_page(trader, USUAL | asked)["results"]}
        expected = {row.pk for row in ways[one][1]} & {row.pk for row in ways[other][1]}
        assert found == expected, asked


@pytest.mark.parametrize("ordering", ["-created_at", "created_at"])
def test_pages_follow_each_other_in_both_directions(trader: User, orders: list[Order], ordering: str) -> None:
    seen, query = [], {"limit": 1, "ordering": ordering}
    while True:
        told = orders_page(trader, query)
        seen += [row["id"] for row in told["results"]]
        if told["next_cursor"] is None:
            break
        query["cursor"] = told["next_cursor"]
    expected = [order.pk for order in orders]
    assert seen == (expected if ordering == "-created_at" else expected[::-1])


def test_the_text_is_kept_and_the_values_are_not(trader: User, orders: list[Order]) -> None:
    """Asked of another person, the same text shows none of the first one's orders."""
    other = make.make_user()
    account = BrokerAccount.objects.filter(user=trader).first()
    assert account is not None
    assert orders_page(trader, USUAL | {"broker_account": account.pk})["results"]
    assert orders_page(other, USUAL | {"broker_account": account.pk})["results"] == []
    with pytest.raises(Order.DoesNotExist):
        order_shown(other, orders[0].pk)


def test_a_cursor_of_another_list_is_refused(trader: User, orders: list[Order]) -> None:
    """Its places are of other kinds: numbers, where this list has times."""
    with pytest.raises(Problem, match="bad_cursor"):
        orders_page(trader, USUAL | {"cursor": "W1sidiIsNV0sWyJ2Iiw1XV0"})
