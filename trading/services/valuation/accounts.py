"""Opening virtual accounts and reading what an account is worth."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Instrument, LatestQuote
from markets.services import market_time
from markets.types import Source
from trading import ledger
from trading.errors import NotAllowed, OrderRefused
from trading.models import Balance
from trading.services.ledger import transfers
from trading.services.ledger.settlement_dates import Receivable, receivables
from trading.services.ledger.transfers import Withdrawable
from trading.services.ordering import idempotency

ZERO = Decimal(0)
Amounts = Mapping[tuple[str, str], Decimal]  # (bucket, asset) → amount
Priced = tuple[Instrument, Decimal | None]  # with its last price

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
    receivables: tuple[Receivable, ...] = ()  # of sales not settled yet, in this currency: part of the available cash

    @property
    def withdrawable(self) -> Decimal:
        return Withdrawable(self.cash_available, self.receivables).amount

    @property
    def receivable(self) -> Decimal:
        return Withdrawable(self.cash_available, self.receivables).receivable

    @property
    def positions_value(self) -> Decimal:
        own = (position for position in self.positions if position.instrument.currency == self.currency)
        return sum((position.cost if position.value is None else position.value for position in own), ZERO)

    @property
    def unrealised(self) -> Decimal:
        own = (position for position in self.positions if position.instrument.currency == self.currency)
        return sum((position.unrealised or ZERO for position in own), ZERO)

    @property
    def known_value(self) -> Decimal | None:
        """The total; None while something held in its own currency has no price."""
        own = (position for position in self.positions if position.instrument.currency == self.currency)
        return None if any(position.value is None for position in own) else self.total_value

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
    user: User,
    name: str,
    opening_balance: Decimal,
    currency: str = "KRW",
    at: datetime | None = None,
    key: str | None = None,
) -> BrokerAccount:
    """A virtual account with play money in it; under the same `key` the same account.

    Raises NotAllowed for viewers, OrderRefused for a bad name, currency or amount, SameKeyOtherRequest.
    """
    if not user.may_trade:
        raise NotAllowed
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise OrderRefused("name_missing")
    if currency not in ledger.CASH_DECIMALS:
        raise OrderRefused("unknown_currency", currency=currency)
    account = BrokerAccount(
        id=uuid4(), user=user, name=name, broker="virtual", environment=Environment.VIRTUAL, currency=currency
    )
    transfers.check_amount(account, opening_balance)
    if key is not None and (earlier := _opened_before(account, opening_balance, key)):
        return earlier
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as e:
        raise OrderRefused("name_taken") from e
    transfers.deposit(account, opening_balance, f"opening:{account.pk}", at or market_time(Source.SIMULATOR))
    return account


def _opened_before(account: BrokerAccount, opening_balance: Decimal, key: str) -> BrokerAccount | None:
    idempotency.check_key(key)
    amount = format(opening_balance.normalize(), "f")
    wish = idempotency.fingerprint("open_virtual_account", account.name, account.currency, amount)
    earlier = idempotency.claim_key(account.user, key, wish, {"account": str(account.pk)})
    return BrokerAccount.objects.get(pk=earlier["account"]) if earlier else None


def portfolio(account: BrokerAccount) -> Portfolio:
    """Cash, holdings and profit of one account."""
    return _portfolios([account])[0]


def portfolios(user: User) -> list[Portfolio]:
    """All of a person's accounts, oldest first, those out of use included. As many queries as for one."""
    return _portfolios(list(BrokerAccount.objects.for_user(user)))


def _portfolios(accounts: Collection[BrokerAccount]) -> list[Portfolio]:
    if not accounts:
        return []
    amounts: dict[UUID, dict[tuple[str, str], Decimal]] = {account.pk: {} for account in accounts}
    rows = Balance.objects.filter(broker_account__in=accounts)
    for account_id, bucket, asset, amount in rows.values_list("broker_account_id", "bucket", "asset", "amount"):
        amounts[account_id][bucket, asset] = amount
    priced = _priced({asset for of in amounts.values() for (_bucket, asset), amount in of.items() if amount})
    owed = receivables(accounts)
    return [_portfolio(account, amounts[account.pk], priced, owed[account.pk]) for account in accounts]


def _portfolio(
    account: BrokerAccount, amounts: Amounts, priced: Iterable[Priced], owed: Iterable[Receivable]
) -> Portfolio:
    def of(bucket: str) -> Decimal:
        return amounts.get((bucket, account.currency), ZERO)

    return Portfolio(
        account=account,
        currency=account.currency,
        cash_available=of(ledger.AVAILABLE),
        cash_reserved=of(ledger.RESERVED),
        deposited=-of(ledger.EXTERNAL),
        realised=-of(ledger.REALISED) - of(ledger.FEES) - of(ledger.TAX),
        positions=tuple(_positions(amounts, priced)),
        receivables=tuple(each for each in owed if each.currency == account.currency),
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


def _priced(assets: Collection[str]) -> list[Priced]:
    """The instruments among these assets with their last prices, by key."""
    symbols = {asset.partition(":")[2] for asset in assets if ":" in asset}
    instruments = [each for each in Instrument.objects.filter(symbol__in=symbols) if each.key in assets]
    quotes = LatestQuote.objects.filter(instrument__in=instruments).values_list("instrument_id", "price")
    prices = dict(quotes) if instruments else {}
    return [(each, prices.get(each.pk)) for each in sorted(instruments, key=lambda each: each.key)]


def _positions(amounts: Amounts, priced: Iterable[Priced]) -> Iterable[PositionView]:
    for instrument, price in priced:
        key = instrument.key
        free, reserved = (amounts.get((bucket, key), ZERO) for bucket in (ledger.AVAILABLE, ledger.RESERVED))
        if free + reserved:
            cost = amounts.get((ledger.position_bucket(key), instrument.currency), ZERO)
            yield PositionView(instrument, free + reserved, reserved, cost, price)
