"""An order as its sender wants it, before anything is looked up: who asks, for what, under which key."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from brokers import services as brokers
from brokers.errors import BrokerNotConfigured
from brokers.models import BrokerAccount
from brokers.protocol import Abilities, Division, Environment, OrderType, TimeInForce
from markets.models import Instrument
from markets.rules import RuleViolation, require_number
from markets.types import Side
from trading.errors import NotAllowed, OrderRefused
from trading.models import Order, SwingPlan
from trading.services.ledger import books
from trading.services.ordering.idempotency import check_key, fingerprint


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
    stop_price: Decimal | None = None
    plan: SwingPlan | None = None
    step: int | None = None
    replaces: Order | None = None  # the ended order of which this is the changed rest
    ends_at: datetime | None = None  # market time at which it is over, where that is before its time in force says
    division: Division = Division.PLAIN

    @property
    def is_planned_stop(self) -> bool:
        """Whether a plan waits here at a level of its rule: reckoned, not typed."""
        return self.plan is not None and self.stop_price is not None

    @property
    def fingerprint(self) -> str:
        """The same for the same wish, however often it is sent."""
        ends = () if self.ends_at is None else (self.ends_at.isoformat(),)
        division = () if self.division is Division.PLAIN else (self.division.value,)
        return fingerprint(
            "order",
            str(self.broker_account.pk),
            self.instrument.key,
            self.side,
            _written(self.quantity),
            self.order_type,
            _written(self.limit_price),
            _written(self.stop_price),
            self.time_in_force,
            str(self.plan.pk) if self.plan else None,
            self.step,
            *ends,
            *division,
        )

    def plain(self) -> "Asked":
        """The same wish with its numbers as short as they can be written, so that 10 and 10.0 are one wish.

        Raises OrderRefused for numbers no venue could take, before anything is done that could grow with them.
        """
        check_prices(self.order_type, self.limit_price, self.stop_price)
        return replace(
            self,
            quantity=plain_number(self.quantity, "quantity"),
            limit_price=None if self.limit_price is None else plain_number(self.limit_price, "limit_price"),
            stop_price=None if self.stop_price is None else plain_number(self.stop_price, "stop_price"),
        )


def check_rights(asked: Asked) -> None:
    """Raise NotAllowed for who may not trade, OrderRefused for an account, instrument or key that cannot be used."""
    if not asked.user.may_trade:
        raise NotAllowed
    check_account(asked.user, asked.broker_account)
    if not asked.instrument.is_active:
        raise OrderRefused("instrument_not_tradable", instrument=asked.instrument.key)
    check_key(asked.client_key)


def check_account(user: User, account: BrokerAccount) -> None:
    """Raise OrderRefused unless the account is the person's own, in use, and may trade: a live one only where allowed."""
    if account.user_id != user.pk or not account.is_active:
        raise OrderRefused("unknown_account")
    if account.environment == Environment.LIVE and not settings.LIVE_TRADING:
        raise OrderRefused("live_trading_off")
    abilities_of(account)


def check_currency(account: BrokerAccount, instrument: Instrument) -> None:
    """Raise OrderRefused where the account has none of the money the instrument is bought with: no buy could be paid."""
    needed = instrument.currency
    if needed == account.currency or any(books.held(account, [needed]).values()):
        return
    raise OrderRefused("currency_not_held", currency=needed, held=account.currency)


def abilities_of(account: BrokerAccount) -> Abilities:
    """What the account's venue can do. Raises OrderRefused where no adapter serves it."""
    try:
        return brokers.abilities(account)
    except BrokerNotConfigured as e:
        raise OrderRefused(e.code, broker=account.broker) from e


def divisions_of(account: BrokerAccount) -> frozenset[Division]:
    """How the account's venue takes orders; plain ones alone where it cannot be asked."""
    try:
        return brokers.abilities(account).divisions
    except BrokerNotConfigured:
        return frozenset({Division.PLAIN})


def check_prices(order_type: OrderType, limit_price: Decimal | None, stop_price: Decimal | None) -> None:
    """Raise OrderRefused for a limit or stop order without its price, or any other with one."""
    if (order_type is OrderType.LIMIT) != (limit_price is not None):
        raise OrderRefused("limit_price_missing" if limit_price is None else "limit_price_without_limit")
    if (order_type is OrderType.STOP) != (stop_price is not None):
        raise OrderRefused("stop_price_missing" if stop_price is None else "stop_price_without_stop")


def plain_number(value: Decimal, field: str) -> Decimal:
    """A positive number of at most 18 digits either side of the point, without end zeros. Raises OrderRefused."""
    try:
        text = format(require_number(value, field), "f")
    except RuleViolation as e:
        raise OrderRefused(e.code, field=field) from e
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _written(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")
