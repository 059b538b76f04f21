"""Orders and fills as the API shows them, and the trade read model of the sources (O06)."""

from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api.fields import Answer, NumberText
from accounts.models import User
from brokers.protocol import Division, OrderType, TimeInForce
from markets.models.fields import exact
from markets.types import Side
from trading.api.rows import select
from trading.lifecycle import OrderState
from trading.models import Fill, Order
from trading.templatetags.reasons import sentence

SIDES = [each.value for each in Side]
TYPES = [each.value for each in OrderType]
TIMES_IN_FORCE = [each.value for each in TimeInForce]
DIVISIONS = [each.value for each in Division if each is not Division.OTHER]
STATES = [each.value for each in OrderState]

EXACT = ("quantity", "limit_price", "stop_price", "filled_quantity", "filled_amount", "fee", "tax")
PLAIN = (
    *("id", "broker_account_id", "instrument__venue", "instrument__symbol", "instrument__currency", "side"),
    *(
        "order_type",
        "time_in_force",
        "division",
        "purpose",
        "plan_id",
        "step",
        "state",
        "reason",
        "facts",
        "cancel_requested",
    ),
    *("replaces_id", "market_at", "created_at", "expires_at", "finished_at", "version"),
)
SAME = (
    *(
        "id",
        "side",
        "order_type",
        "time_in_force",
        "division",
        "purpose",
        "step",
        "state",
        "reason",
        "cancel_requested",
    ),
    *("market_at", "created_at", "expires_at", "finished_at", "version"),
)
FILL_EXACT = ("quantity", "price", "amount", "fee", "tax")
FILL_PLAIN = (
    *("id", "key", "order_id", "order__side", "order__instrument__venue", "order__instrument__symbol"),
    *("order__instrument__currency", "pricing", "at", "created_at"),
)


class OrderAnswer(Answer):
    """`state` moves as the broker reports; `unknown` and `ambiguous` mean that we are still asking it."""

    id = serializers.UUIDField()
    broker_account = serializers.UUIDField()
    instrument = serializers.CharField()
    currency = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    order_type = serializers.ChoiceField(choices=TYPES)
    time_in_force = serializers.ChoiceField(choices=TIMES_IN_FORCE)
    division = serializers.ChoiceField(choices=DIVISIONS)
    quantity = NumberText()
    limit_price = NumberText(allow_null=True)
    stop_price = NumberText(allow_null=True)
    filled_quantity = NumberText()
    filled_amount = NumberText()
    average_price = NumberText(allow_null=True, help_text="Rounded to 8 decimals; null before the first fill.")
    fee = NumberText()
    tax = NumberText()
    purpose = serializers.ChoiceField(choices=["manual", "entry", "exit"])
    plan = serializers.UUIDField(allow_null=True)
    step = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField(help_text="A code; empty where there is none.")
    message = serializers.CharField(help_text="The reason in the reader's language.")
    facts = serializers.DictField()
    cancel_requested = serializers.BooleanField()
    replaces = serializers.UUIDField(allow_null=True)
    market_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(help_text="Grows with every change; the ETag.")


class OrdersAnswer(Answer):
    results = OrderAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class FillAnswer(Answer):
    id = serializers.IntegerField()
    key = serializers.CharField(help_text="The broker's own; unique within the account.")
    order = serializers.UUIDField()
    instrument = serializers.CharField()
    currency = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    quantity = NumberText()
    price = NumberText()
    amount = NumberText()
    fee = NumberText()
    tax = NumberText()
    pricing = serializers.CharField(help_text="How a virtual fill was priced.")
    at = serializers.DateTimeField(help_text="Market time.")


class FillsAnswer(Answer):
    results = FillAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def orders_of(user: User) -> QuerySet[Any]:
    return _columns().filter(user=user)


@cache
def _columns() -> QuerySet[Any]:
    """What is read of every order. Put together once, and never evaluated itself: it is a third of the query's making."""
    return select(Order.objects.all(), PLAIN, EXACT)


def order_shown(user: User, order_id: UUID) -> dict[str, Any]:
    """One own order. Raises Order.DoesNotExist."""
    return order_row(orders_of(user).get(pk=order_id))


def order_row(row: dict[str, Any]) -> dict[str, Any]:
    filled = row["filled_quantity_text"]
    shown = {name: row[name] for name in SAME}
    shown.update({name: row[f"{name}_text"] for name in EXACT})
    shown["broker_account"], shown["plan"] = row["broker_account_id"], row["plan_id"]
    shown["instrument"] = f"{row['instrument__venue']}:{row['instrument__symbol']}"
    shown["currency"], shown["replaces"], shown["facts"] = row["instrument__currency"], row["replaces_id"], row["facts"]
    shown["average_price"] = None if filled == "0" else _average(row["filled_amount_text"], filled)
    shown["message"] = sentence(row["reason"], row["facts"]) if row["reason"] else ""
    return shown


def fills_of(user: User) -> QuerySet[Any]:
    return select(Fill.objects.filter(order__user=user), FILL_PLAIN, FILL_EXACT)


def fill_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "key": row["key"],
        "order": row["order_id"],
        "instrument": f"{row['order__instrument__venue']}:{row['order__instrument__symbol']}",
        "currency": row["order__instrument__currency"],
        "side": row["order__side"],
        **{name: row[f"{name}_text"] for name in FILL_EXACT},
        "pricing": row["pricing"],
        "at": row["at"],
    }


def etag(version: int) -> str:
    return f'"{version}"'


def _average(amount: str, quantity: str) -> str:
    return format(exact(round(Decimal(amount) / Decimal(quantity), 8)), "f")
