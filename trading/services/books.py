"""Booking: the only code that writes journals, postings and balances. The caller holds the account's lock."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from brokers.models import BrokerAccount
from brokers.protocol import Environment
from trading import ledger
from trading.errors import BooksDoNotBalance, OrderRefused
from trading.events import publish_account_changed
from trading.ledger import Line
from trading.models import Balance, Journal, Posting


def lock_account(account_id: object) -> BrokerAccount:
    """The account row, locked until the transaction ends: bookings of one account happen one after another."""
    return BrokerAccount.objects.select_for_update().get(pk=account_id)


def book(account: BrokerAccount, kind: str, source: str, at: datetime, lines: list[Line]) -> Journal | None:
    """Write one journal with its postings and move the balances. None if this very thing was booked before.

    Raises BooksDoNotBalance before anything is written where lines do not sum to zero or a balance of ours would fall below it.
    """
    if Journal.objects.filter(kind=kind, source=source).exists():
        return None
    if wrong := ledger.imbalance(lines):
        raise BooksDoNotBalance(f"{kind} {source}: {wrong}")
    moved = _moved_balances(account, lines)
    journal = Journal.objects.create(broker_account=account, kind=kind, source=source, at=at)
    Posting.objects.bulk_create(
        Posting(journal=journal, bucket=line.bucket, asset=line.asset, amount=line.amount) for line in lines
    )
    Balance.objects.bulk_create(
        moved, update_conflicts=True, unique_fields=["broker_account", "bucket", "asset"], update_fields=["amount"]
    )
    return journal


def _moved_balances(account: BrokerAccount, lines: list[Line]) -> list[Balance]:
    assets = {line.asset for line in lines}
    held = Balance.objects.filter(broker_account=account, asset__in=assets).values_list("bucket", "asset", "amount")
    amounts = {(bucket, asset): amount for bucket, asset, amount in held}
    for line in lines:
        key = (line.bucket, line.asset)
        amounts[key] = amounts.get(key, Decimal(0)) + line.amount
    touched = sorted({(line.bucket, line.asset) for line in lines})
    for bucket, asset in touched:
        if amounts[bucket, asset] < 0 and ledger.is_owned(bucket):
            raise BooksDoNotBalance(f"{bucket} {asset} would be {amounts[bucket, asset]}")
    return [
        Balance(broker_account=account, bucket=bucket, asset=asset, amount=amounts[bucket, asset])
        for bucket, asset in touched
    ]


def balance(account: BrokerAccount, bucket: str, asset: str) -> Decimal:
    """What one bucket holds now; zero where nothing was ever booked."""
    amount = Balance.objects.filter(broker_account=account, bucket=bucket, asset=asset).values_list("amount", flat=True)
    return next(iter(amount), Decimal(0))


@transaction.atomic
def deposit(account: BrokerAccount, amount: Decimal, source: str, at: datetime) -> Journal | None:
    """Put play money into a virtual account (P09). Raises OrderRefused for anything but a positive amount on one."""
    if account.environment != Environment.VIRTUAL:
        raise OrderRefused("not_a_virtual_account")
    if not amount.is_finite() or amount <= 0:
        raise OrderRefused("bad_number", value=str(amount))
    journal = book(lock_account(account.pk), "deposit", source, at, ledger.deposit(account.currency, amount))
    transaction.on_commit(lambda: publish_account_changed(account.pk, account.user_id))
    return journal
