"""A real account's books begin with what the broker holds, so that it uses the very ledger a virtual one does (I21)."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers import services as brokers
from brokers.models import BrokerAccount
from brokers.protocol import Holdings
from markets.models import Instrument
from trading import adjustments, ledger
from trading.errors import TradingError
from trading.ledger import Line
from trading.models import Journal
from trading.services.ledger import books

OPENING = "opening"


class CostUnknown(TradingError):
    """Units cannot be taken into our books without what they cost, and in which money."""

    code = "average_price_unknown"


def open_books(account: BrokerAccount, open_account: brokers.OpenAccount = brokers.open_broker) -> Journal | None:
    """Take what the broker holds into our books as the account's first booking; None where they are open already.

    Raises brokers.errors.ReadIncomplete and its like where the broker cannot be asked, CostUnknown where it tells no average
    price.
    """
    return book_opening(account.pk, open_account(account).holdings(), timezone.now())


def book_opening(account_id: UUID, holdings: Holdings, at: datetime) -> Journal | None:
    """`open_books` with what was read; None where anything has been booked on the account."""
    return None if _are_open(account_id) else _book_opening(account_id, holdings, at)


def _are_open(account_id: UUID) -> bool:
    return Journal.objects.filter(broker_account=account_id).exists()


@transaction.atomic
def _book_opening(account_id: UUID, holdings: Holdings, at: datetime) -> Journal | None:
    account = books.lock_account(account_id)
    if _are_open(account_id):
        return None
    lines = [line for currency, amount in holdings.cash.items() for line in adjustments.cash_in(currency, amount)]
    for key, quantity in holdings.units.items():
        lines += units_in(account, key, quantity, holdings.average_price.get(key)) if quantity else []
    return books.book(account, "adjustment", f"{OPENING}:{account.pk}", at, lines, {})


def units_in(account: BrokerAccount, key: str, quantity: Decimal, average_price: Decimal | None) -> list[Line]:
    """The postings by which units come into the books. Raises CostUnknown."""
    if average_price is None:
        raise CostUnknown(instrument=key)
    currency, decimals = money_of(account, key)
    return adjustments.units_in(key, quantity, currency, adjustments.cost_of(average_price, quantity, decimals))


def money_of(account: BrokerAccount, key: str) -> tuple[str, int]:
    """The currency an instrument is paid in, with its decimals; the account's own where we do not know the instrument."""
    try:
        instrument = Instrument.objects.by_key(key)
    except (Instrument.DoesNotExist, ValueError):
        return account.currency, ledger.CASH_DECIMALS[account.currency]
    return instrument.currency, instrument.cash_decimals
