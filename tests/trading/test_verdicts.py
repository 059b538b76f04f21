"""Why not, before anything is sent: the ticket's cost comes with what the order would be denied for, and nothing is written."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from markets.models import Instrument
from markets.types import Side
from tests.trading import scene
from trading import services
from trading.lifecycle import OrderState
from trading.models import IdempotencyKey, Journal, Order
from trading.services.ordering.asked import Asked
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def wish(user: User, account: BrokerAccount, instrument: Instrument) -> Asked:
    return Asked(
        user,
        account,
        instrument,
        Side.BUY,
        Decimal(10),
        OrderType.LIMIT,
        Decimal(71_000),
        TimeInForce.DAY,
        "just asking",
    )


def estimate(page: Client, account: BrokerAccount, instrument: Instrument, **typed: Any) -> str:
    form = {
        "instrument": instrument.key,
        "broker_account": str(account.pk),
        "side": "buy",
        "order_type": "limit",
        "quantity": "10",
        "limit_price": "71,000",
        "time_in_force": "day",
    }
    answer = page.post(reverse("trading:order_estimate"), form | typed, headers={"HX-Request": "true"})
    return re.sub(r"\s+", " ", answer.content.decode())


def test_an_order_that_may_go_has_nothing_against_it(wish: Asked) -> None:
    assert services.objection_to(wish) is None


def test_asking_writes_nothing(wish: Asked) -> None:
    before = Journal.objects.count()
    services.objection_to(replace(wish, quantity=Decimal(1_000_000)))
    assert (Order.objects.count(), IdempotencyKey.objects.count(), Journal.objects.count()) == (0, 0, before)


def test_a_halt_and_a_sale_of_what_is_not_held_are_told(user: User, wish: Asked) -> None:
    sale = services.objection_to(replace(wish, side=Side.SELL))
    assert sale is not None
    assert sale.code == "insufficient_quantity"
    halts.latch("user", str(user.pk), "halted", "by_hand", by=user)
    halted = services.objection_to(wish)
    assert halted is not None
    assert halted.code == "halted"


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("quantity", [1, 139, 140, 141, 400])  # ten million won buy a hundred and forty, less the fee
def test_what_is_told_is_what_placing_says(wish: Asked, quantity: int, side: Side) -> None:
    """The same words at the same moment, so that nobody is sent on an errand."""
    asked = replace(wish, quantity=Decimal(quantity), side=side)
    objection = services.objection_to(asked)
    order = services.place_order(
        user=asked.user,
        broker_account=asked.broker_account,
        instrument=asked.instrument,
        side=side,
        quantity=asked.quantity,
        order_type=asked.order_type,
        limit_price=asked.limit_price,
        client_key=f"{quantity} {side} {Order.objects.count()}",
    )
    assert (order.state == OrderState.DENIED) == (objection is not None)
    assert order.reason == (objection.code if objection else "")


def test_the_ticket_shows_the_cost_and_what_stands_against_it(
    page: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    enough = estimate(page, account, instrument)
    assert "내는 금액" in enough
    assert "부족합니다" not in enough
    too_much = estimate(page, account, instrument, quantity="1,000")
    assert "내는 금액" in too_much
    assert "주문 가능 금액이 부족합니다" in too_much
    assert not Order.objects.exists()
