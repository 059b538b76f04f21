"""Play money into a virtual account and out of it (P09). What sales have brought may leave once it is settled."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from uuid import uuid5

from django.db import transaction

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets import services as markets
from markets.rules import RuleViolation, require_number
from markets.types import Source
from trading import ledger
from trading.errors import NotAllowed, OrderRefused
from trading.events import publish_account_changed
from trading.ledger import Line
from trading.models import Journal
from trading.services.ledger import books
from trading.services.ledger.settlement_dates import Receivable, receivables
from trading.services.ordering import idempotency

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Withdrawable:
    """What of an account's free cash may leave it now: all that is not the proceeds of unsettled sales."""

    available: Decimal
    receivables: tuple[Receivable, ...]  # in the account's currency, the next day first

    @property
    def receivable(self) -> Decimal:
        return ledger.total(each.amount for each in self.receivables)

    @property
    def amount(self) -> Decimal:
        return max(self._settled, ZERO)

    def possible_on(self, amount: Decimal) -> date:
        """The day on which `amount`, not more than is available, will have been settled. Raises ValueError for more."""
        settled = self._settled
        for each in self.receivables:
            settled = ledger.total((settled, each.amount))
            if amount <= settled:
                return each.settles_on
        raise ValueError(f"{amount} is more than {self.available}")

    @property
    def _settled(self) -> Decimal:
        return ledger.total((self.available, -self.receivable))


def pay_in(user: User, account: BrokerAccount, amount: Decimal, key: str) -> Journal:
    """A person's deposit, once per `key`. Raises NotAllowed, OrderRefused, SameKeyOtherRequest."""
    return _once(user, account, "deposit", amount, key)


def pay_out(user: User, account: BrokerAccount, amount: Decimal, key: str) -> Journal:
    """A person's withdrawal, once per `key`. Raises as `pay_in` and `withdraw` do."""
    return _once(user, account, "withdrawal", amount, key)


@transaction.atomic
def deposit(account: BrokerAccount, amount: Decimal, source: str, at: datetime) -> Journal | None:
    """Put play money into a virtual account; None where this very `source` was booked before.

    Raises OrderRefused for anything but a positive amount, whole in the currency's smallest unit, on a virtual account.
    """
    check_amount(account, amount)
    account = books.lock_account(account.pk)
    return _transfer(account, "deposit", source, at, ledger.deposit(account.currency, amount))


@transaction.atomic
def withdraw(account: BrokerAccount, amount: Decimal, source: str, at: datetime) -> Journal | None:
    """Take play money out of a virtual account, as `deposit` puts it in.

    Raises OrderRefused insufficient_cash where less is free, not_settled_yet where it is free but not settled.
    """
    check_amount(account, amount)
    account = books.lock_account(account.pk)
    if not books.is_booked("withdrawal", source):
        _require_withdrawable(withdrawable(account), amount)
    return _transfer(account, "withdrawal", source, at, ledger.withdrawal(account.currency, amount))


def withdrawable(account: BrokerAccount) -> Withdrawable:
    """How much could be withdrawn now, and when more can."""
    available = books.held(account, [account.currency]).get((ledger.AVAILABLE, account.currency), ZERO)
    owed = receivables([account])[account.pk]
    return Withdrawable(available, tuple(each for each in owed if each.currency == account.currency))


def check_amount(account: BrokerAccount, amount: Decimal) -> None:
    """Raise OrderRefused for an account that is not virtual, or an amount its currency cannot be counted in."""
    if account.environment != Environment.VIRTUAL:
        raise OrderRefused("not_a_virtual_account")
    decimals = ledger.CASH_DECIMALS.get(account.currency)
    if decimals is None:
        raise OrderRefused("unknown_currency", currency=account.currency)
    try:
        number = require_number(amount, "amount")
    except RuleViolation as e:
        raise OrderRefused("bad_amount", field="amount") from e
    if number % Decimal((0, (1,), -decimals)):
        raise OrderRefused("bad_amount", field="amount")


def source_of(account: BrokerAccount, key: str) -> str:
    """What a person's booking is known by: the same for the same key, however long that is."""
    return f"person:{account.pk}:{uuid5(account.pk, key).hex}"


def check_owner(user: User, account: BrokerAccount) -> None:
    """Raise NotAllowed for who may not trade, OrderRefused for an account that is another person's or out of use."""
    if not user.may_trade:
        raise NotAllowed
    if account.user_id != user.pk or not account.is_active:
        raise OrderRefused("unknown_account")


@transaction.atomic
def _once(user: User, account: BrokerAccount, kind: str, amount: Decimal, key: str) -> Journal:
    idempotency.check_key(key)
    check_owner(user, account)
    check_amount(account, amount)
    account = books.lock_account(account.pk)
    source = source_of(account, key)
    wish = idempotency.fingerprint(kind, str(account.pk), format(amount.normalize(), "f"))
    if idempotency.claim_key(user, key, wish, {kind: source}) is None:
        move = {"deposit": deposit, "withdrawal": withdraw}[kind]
        move(account, amount, source, markets.market_time(Source.SIMULATOR))
    return Journal.objects.get(kind=kind, source=source)


def _require_withdrawable(free: Withdrawable, amount: Decimal) -> None:
    if amount > free.available:
        raise OrderRefused("insufficient_cash", needed=amount, available=free.available)
    if amount > free.amount:
        raise OrderRefused(
            "not_settled_yet",
            needed=amount,
            available=free.amount,
            receivable=free.receivable,
            settles_on=free.possible_on(amount).isoformat(),
        )


def _transfer(account: BrokerAccount, kind: str, source: str, at: datetime, lines: list[Line]) -> Journal | None:
    if books.is_booked(kind, source):
        return None
    journal = books.book(account, kind, source, at, lines, books.held(account, [account.currency]))
    transaction.on_commit(partial(publish_account_changed, account.pk, account.user_id))
    return journal
