"""Opening virtual accounts and reading what an account is worth."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Instrument, LatestQuote
from markets.services import market_time
from markets.types import Source
from trading import ledger
from trading.errors import NotAllowed, OrderRefused
from trading.models import Balance, Journal
from trading.services import books

ZERO = Decimal(0)

LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class PositionView:
    """One holding at its last price. `value` and `unrealised` are None while there is no price."""

    instrument: Instrument
    quantity: Decimal
    reserved: Decimal
    cost: Decimal
    price: Decimal | None

    @property
    def average_cost(self) -> Decimal:
        return self.cost / self.quantity

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else self.price * self.quantity

    @property
    def unrealised(self) -> Decimal | None:
        return None if self.value is None else self.value - self.cost

    @property
    def unrealised_rate(self) -> Decimal | None:
        return None if self.unrealised is None or not self.cost else self.unrealised / self.cost


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One account in its own currency, exact. Holdings in other currencies are listed, never added at a guessed rate."""

    account: BrokerAccount
    currency: str
    cash_available: Decimal
    cash_reserved: Decimal
    deposited: Decimal
    realised: Decimal  # after fees and taxes
    positions: tuple[PositionView, ...]

    @property
    def positions_value(self) -> Decimal:
        own = (position for position in self.positions if position.instrument.currency == self.currency)
        return sum((position.cost if position.value is None else position.value for position in own), ZERO)

    @property
    def unrealised(self) -> Decimal:
        own = (position for position in self.positions if position.instrument.currency == self.currency)
        return sum((position.unrealised or ZERO for position in own), ZERO)

    @property
    def total_value(self) -> Decimal:
        return self.cash_available + self.cash_reserved + self.positions_value

    @property
    def profit(self) -> Decimal:
        return self.total_value - self.deposited

    @property
    def profit_rate(self) -> Decimal:
        return self.profit / self.deposited if self.deposited else ZERO


@transaction.atomic
def open_virtual_account(
    user: User, name: str, opening_balance: Decimal, currency: str = "KRW", at: datetime | None = None
) -> BrokerAccount:
    """A virtual account with play money in it. Raises NotAllowed for viewers, OrderRefused for a bad amount."""
    if not user.may_trade:
        raise NotAllowed
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise OrderRefused("name_missing")
    if currency not in ledger.CASH_DECIMALS:
        raise OrderRefused("unknown_currency", currency=currency)
    try:
        with transaction.atomic():
            account = BrokerAccount.objects.create(
                user=user, name=name, broker="virtual", environment=Environment.VIRTUAL, currency=currency
            )
    except IntegrityError as e:
        raise OrderRefused("name_taken") from e
    books.deposit(account, opening_balance, f"opening:{account.pk}", at or market_time(Source.SIMULATOR))
    return account


def portfolio(account: BrokerAccount) -> Portfolio:
    """Cash, holdings and profit of one account, in three queries."""
    amounts = {
        (bucket, asset): amount
        for bucket, asset, amount in Balance.objects.filter(broker_account=account).values_list(
            "bucket", "asset", "amount"
        )
    }

    def of(bucket: str) -> Decimal:
        return amounts.get((bucket, account.currency), ZERO)

    return Portfolio(
        account=account,
        currency=account.currency,
        cash_available=of(ledger.AVAILABLE),
        cash_reserved=of(ledger.RESERVED),
        deposited=-of(ledger.EXTERNAL),
        realised=-of(ledger.REALISED) - of(ledger.FEES) - of(ledger.TAX),
        positions=tuple(_positions(amounts)),
    )


def positions_in(user: User, instrument: Instrument) -> list[tuple[BrokerAccount, PositionView]]:
    """What each of a person's accounts holds of one instrument, in three queries."""
    accounts = {account.pk: account for account in BrokerAccount.objects.for_user(user).active()}
    cost = ledger.position_bucket(instrument.key)
    rows = Balance.objects.filter(broker_account__in=accounts).filter(Q(asset=instrument.key) | Q(bucket=cost))
    held: dict[UUID, dict[str, Decimal]] = {}
    for account_id, bucket, amount in rows.values_list("broker_account_id", "bucket", "amount"):
        held.setdefault(account_id, {})[bucket] = amount
    quote = LatestQuote.objects.filter(instrument=instrument).first()
    views = {
        account_id: PositionView(
            instrument=instrument,
            quantity=of.get(ledger.AVAILABLE, ZERO) + of.get(ledger.RESERVED, ZERO),
            reserved=of.get(ledger.RESERVED, ZERO),
            cost=of.get(cost, ZERO),
            price=quote.price if quote else None,
        )
        for account_id, of in held.items()
    }
    return [(accounts[account_id], view) for account_id, view in views.items() if view.quantity]


def statement(account: BrokerAccount) -> QuerySet[Journal]:
    """Everything booked on an account, newest first, with its postings."""
    return Journal.objects.filter(broker_account=account).order_by("-id").prefetch_related("postings")


def _positions(amounts: dict[tuple[str, str], Decimal]) -> list[PositionView]:
    held = {
        asset: amount + amounts.get((ledger.RESERVED, asset), ZERO)
        for (bucket, asset), amount in amounts.items()
        if bucket == ledger.AVAILABLE and ":" in asset
    }
    symbols = {asset.partition(":")[2] for asset, quantity in held.items() if quantity}
    by_key = {i.key: i for i in Instrument.objects.filter(symbol__in=symbols)} if symbols else {}
    quotes = {quote.instrument_id: quote for quote in LatestQuote.objects.filter(instrument__in=by_key.values())}
    return [
        PositionView(
            instrument=instrument,
            quantity=held[key],
            reserved=amounts.get((ledger.RESERVED, key), ZERO),
            cost=amounts.get((ledger.position_bucket(key), instrument.currency), ZERO),
            price=quotes[instrument.pk].price if instrument.pk in quotes else None,
        )
        for key, instrument in sorted(by_key.items())
        if held.get(key)
    ]
