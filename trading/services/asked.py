"""An order as its sender wants it, before anything is looked up: who asks, for what, under which key."""

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from brokers import services as brokers
from brokers.errors import BrokerNotConfigured
from brokers.models import BrokerAccount
from brokers.protocol import Abilities, Environment, OrderType, TimeInForce
from markets.models import Instrument
from markets.rules import RuleViolation, require_number
from markets.types import Side
from trading.errors import NotAllowed, OrderRefused
from trading.models import SwingPlan

LONGEST_KEY = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish for an order."""

    user: User
    broker_account: BrokerAccount
    instrument: Instrument
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None
    time_in_force: TimeInForce
    client_key: str
    plan: SwingPlan | None = None
    step: int | None = None

    @property
    def fingerprint(self) -> str:
        """The same for the same wish: a repeated key with another fingerprint is a mistake, not a retry."""
        wish = [
            str(self.broker_account.pk),
            self.instrument.key,
            self.side,
            format(self.quantity, "f"),
            self.order_type,
            format(self.limit_price, "f") if self.limit_price is not None else None,
            self.time_in_force,
            str(self.plan.pk) if self.plan else None,
            self.step,
        ]
        return hashlib.sha256(json.dumps(wish).encode()).hexdigest()

    def plain(self) -> "Asked":
        """The same wish with its numbers as short as they can be written, so that 10 and 10.0 are one wish.

        Raises OrderRefused for numbers no venue could take, before anything is done that could grow with them.
        """
        check_limit(self.order_type, self.limit_price)
        limit = None if self.limit_price is None else plain_number(self.limit_price, "limit_price")
        return replace(self, quantity=plain_number(self.quantity, "quantity"), limit_price=limit)


def check_rights(asked: Asked) -> None:
    """Raise NotAllowed for who may not trade, OrderRefused for an account, instrument or key that cannot be used."""
    if not asked.user.may_trade:
        raise NotAllowed
    check_account(asked.user, asked.broker_account)
    if not asked.instrument.is_active:
        raise OrderRefused("instrument_not_tradable", instrument=asked.instrument.key)
    if not 0 < len(asked.client_key) <= LONGEST_KEY or not asked.client_key.isprintable():
        raise OrderRefused("bad_client_key")


def check_account(user: User, account: BrokerAccount) -> None:
    """Raise OrderRefused unless the account is the person's own, in use, and may trade: a live one only where allowed."""
    if account.user_id != user.pk or not account.is_active:
        raise OrderRefused("unknown_account")
    if account.environment == Environment.LIVE and not settings.LIVE_TRADING:
        raise OrderRefused("live_trading_off")
    abilities_of(account)


def abilities_of(account: BrokerAccount) -> Abilities:
    """What the account's venue can do. Raises OrderRefused where no adapter serves it."""
    try:
        return brokers.abilities(account)
    except BrokerNotConfigured as e:
        raise OrderRefused(e.code, broker=account.broker) from e


def check_limit(order_type: OrderType, limit_price: Decimal | None) -> None:
    """Raise OrderRefused for a limit order without its price, or a market order with one."""
    if (order_type is OrderType.LIMIT) != (limit_price is not None):
        raise OrderRefused("limit_price_missing" if limit_price is None else "limit_price_without_limit")


def plain_number(value: Decimal, field: str) -> Decimal:
    """A positive number of at most 18 digits either side of the point, without end zeros. Raises OrderRefused."""
    try:
        text = format(require_number(value, field), "f")
    except RuleViolation as e:
        raise OrderRefused(e.code, field=field) from e
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
