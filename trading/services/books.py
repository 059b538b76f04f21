"""Booking: the only code that writes journals, postings and balances. The caller holds the account's lock."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from brokers.models import BrokerAccount
from trading import ledger
from trading.errors import BooksDoNotBalance
from trading.ledger import Line
from trading.models import Balance, Fill, Journal, Posting

Held = Mapping[tuple[str, str], Decimal]  # (bucket, asset) → amount; a missing one is zero


def lock_account(account_id: UUID) -> BrokerAccount:
    """The account row, locked until the transaction ends: bookings of one account happen one after another.

    Who merely refers to the row (a new plan, a new order elsewhere) need not wait.
    """
    return BrokerAccount.objects.select_for_update(no_key=True).get(pk=account_id)


def held(account: BrokerAccount, assets: Collection[str] | None = None) -> Held:
    """What every bucket holds of these assets, or of all."""
    rows = Balance.objects.filter(broker_account=account)
    rows = rows if assets is None else rows.filter(asset__in=assets)
    return {(bucket, asset): amount for bucket, asset, amount in rows.values_list("bucket", "asset", "amount")}


def book(account: BrokerAccount, kind: str, source: str, at: datetime, lines: list[Line], before: Held) -> Journal:
    """Write one journal with its postings and move the balances on from `before`, what its assets held till now.

    Raises BooksDoNotBalance before anything is written where lines do not sum to zero or a balance of ours would fall
    below it, and IntegrityError for a `source` already booked.
    """
    moved = _moved(account, lines, before)
    journal = Journal.objects.create(broker_account=account, kind=kind, source=source, at=at)
    Posting.objects.bulk_create(
        Posting(journal=journal, bucket=line.bucket, asset=line.asset, amount=line.amount) for line in lines
    )
    Balance.objects.bulk_create(
        moved, update_conflicts=True, unique_fields=["broker_account", "bucket", "asset"], update_fields=["amount"]
    )
    return journal


def require_sound(lines: list[Line], before: Held) -> dict[tuple[str, str], Decimal]:
    """What the touched buckets hold after `lines`. Raises BooksDoNotBalance where they may not be booked."""
    if wrong := ledger.imbalance(lines):
        raise BooksDoNotBalance(f"not zero: {wrong}")
    after: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        key = (line.bucket, line.asset)
        after[key] = ledger.total((after.get(key, before.get(key, Decimal(0))), line.amount))
    for (bucket, asset), amount in after.items():
        if amount < 0 and ledger.is_owned(bucket):
            raise BooksDoNotBalance(f"{bucket} {asset} would be {amount}")
    return after


def _moved(account: BrokerAccount, lines: list[Line], before: Held) -> list[Balance]:
    after = sorted(require_sound(lines, before).items())
    return [
        Balance(broker_account=account, bucket=bucket, asset=asset, amount=amount) for (bucket, asset), amount in after
    ]


def fill_source(fill: Fill) -> str:
    """What the journal of a fill is known by."""
    return f"fill:{fill.pk}"


def is_booked(kind: str, source: str) -> bool:
    """Whether this very booking has been made."""
    return Journal.objects.filter(kind=kind, source=source).exists()
