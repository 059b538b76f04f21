"""Orders and fills as the API shows them, and the trade read model of the sources (O06)."""

from decimal import Decimal
from typing import Any

import orjson
from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api.fields import Answer, NumberText
from accounts.models import User
from brokers.protocol import Division, OrderType, TimeInForce
from markets.models.fields import exact
from markets.types import Side
from trading.api.rows import select
from trading.lifecycle import OrderState
from trading.models import Fill
from trading.templatetags.reasons import sentence

SIDES = [each.value for each in Side]
TYPES = [each.value for each in OrderType]
TIMES_IN_FORCE = [each.value for each in TimeInForce]
DIVISIONS = [each.value for each in Division if each is not Division.OTHER]
STATES = [each.value for each in OrderState]

EXACT = ("quantity", "limit_price", "stop_price", "filled_quantity", "filled_amount", "fee", "tax")
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


def order_row(row: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    """An order's columns, its facts still JSON, as they are shown: the same dict, for there are many of them.

    `said` keeps the sentences that need no facts from row to row: most orders of a list say the same.
    """
    row["instrument"] = f"{row.pop('venue')}:{row.pop('symbol')}"
    row["facts"] = facts = {} if row["facts"] == "{}" else orjson.loads(row["facts"])
    row["message"] = sentence(row["reason"], facts) if facts else _said(row["reason"], said)
    filled = row["filled_quantity"]
    row["average_price"] = None if filled == "0" else _average(row["filled_amount"], filled)
    return row


def _said(code: str, said: dict[str, str]) -> str:
    if code not in said:
        said[code] = sentence(code)
    return said[code]


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
