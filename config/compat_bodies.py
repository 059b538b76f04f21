"""What the five systems Kairos grew out of send, read as strictly as our own, and what is meant by it."""

import hashlib
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.api.fields import NUMBER_PATTERN, NumberText, Secret, Strict, Text, Whole, detail
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest
from brokers.models import BrokerAccount
from markets.models import Instrument
from trading.api.own import named_account, require_factor_for
from trading.errors import OrderRefused
from trading.models import AliasDefaults

SYMBOL = r"^[A-Za-z0-9._:/-]{1,48}$"


@extend_schema_field({"anyOf": [{"type": "number"}, {"type": "string", "pattern": NUMBER_PATTERN}]})
class LooseNumber(NumberText):
    """A number as the sources write it: a JSON number, read exactly as it stands, or our text."""

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, str | int | Decimal):
            raise ValidationError([detail("not_a_number")])
        return super().to_internal_value(data if isinstance(data, str) else _written(data))


class LooseWord(serializers.ChoiceField):
    """`BUY`, `Buy` and `buy` are one word there."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        word: str = super().to_internal_value(data.lower())
        return word


class Symbol(serializers.RegexField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(SYMBOL, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class SymbolOrder(Strict):
    """AutoDash's, Futures' and StocKing's order. Without an account the person's default one is meant."""

    symbol = Symbol()
    side = LooseWord(choices=["buy", "sell"])
    order_type = LooseWord(choices=["market", "limit"], default="market")
    quantity = LooseNumber()
    price = LooseNumber(required=False, allow_null=True)
    account = Text(max_length=36, required=False)


class StockOrder(Strict):
    """The PRD's order: `order_type` says the side there (C20); with a price it is a limit order."""

    stock_code = Symbol()
    order_type = LooseWord(choices=["buy", "sell"])
    quantity = LooseNumber()
    price = LooseNumber(required=False, allow_null=True)
    account = Text(max_length=36, required=False)


class SwingBody(Strict):
    """The PRD's plan. `obv_threshold` counts as there, in raw units (C17)."""

    short_term = Whole(min_value=2, max_value=100, default=5)
    medium_term = Whole(min_value=3, max_value=200, default=20)
    long_term = Whole(min_value=4, max_value=300, default=60)
    rsi_threshold = LooseNumber(default=Decimal(30))
    adx_threshold = LooseNumber(default=Decimal(25))
    obv_threshold = LooseNumber(default=Decimal(1000))
    symbol = Symbol(required=False)
    account = Text(max_length=36, required=False)
    budget = LooseNumber(required=False)
    name = Text(max_length=64, required=False)


class KeysBody(Strict):
    """The PRD's and AutoDash's keys. Nothing is ever taken for a live account that does not say so."""

    account_number = Secret(max_length=16)
    api_key = Secret(max_length=128)
    secret_key = Secret(max_length=512)
    exchange = LooseWord(choices=["kis"], default="kis")
    environment = LooseWord(choices=["paper", "live"], default="paper")
    name = Text(max_length=64, required=False)


def account_of(request: ApiRequest, asked: dict[str, Any]) -> BrokerAccount:
    """The account a request names, or the person's default one. Raises OrderRefused, Problem where there is neither."""
    if "account" in asked:
        try:
            return named_account(request, UUID(asked["account"]))
        except ValueError:
            raise OrderRefused("unknown_account") from None
    account = defaults_of(request).broker_account
    if account is None or not account.is_active:
        raise Problem("default_account_missing")
    account.user = request.user
    require_factor_for(request, account)
    return account


def instrument_of(text: str) -> Instrument:
    """By key, or by a symbol that one market alone has. Raises OrderRefused."""
    venue, colon, symbol = text.partition(":")
    known = Instrument.objects.active()
    found = list(known.filter(venue=venue, symbol=symbol) if colon else known.filter(symbol=text)[:2])
    if len(found) != 1:
        raise OrderRefused("unknown_instrument")
    return found[0]


def key_of(request: ApiRequest, longest: int) -> str:
    """The sender's key where there is one: the literal requests know none, and then each is a request of its own."""
    sent = request.headers.get("Idempotency-Key", "")
    return hashlib.sha256(sent.encode()).hexdigest()[:longest] if sent else uuid4().hex


def defaults_of(request: ApiRequest) -> AliasDefaults:
    row = AliasDefaults.objects.filter(user=request.user).select_related("broker_account", "instrument").first()
    return row or AliasDefaults(user=request.user)


def _written(number: int | Decimal) -> str:
    """A JSON number as text; what is beyond any market stays too long to be one."""
    if isinstance(number, Decimal) and not -60 < number.adjusted() < 60:
        raise ValidationError([detail("too_large")])
    return format(number, "f")
