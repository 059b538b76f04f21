"""Booking: the only code that writes journals, postings and balances. The caller holds the account's lock."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from brokers.models import BrokerAccount
from markets.models import Statements
from trading import ledger
from trading.errors import BooksDoNotBalance
from trading.ledger import Line
from trading.models import Balance, Fill, Journal, Posting

ACCOUNTS, BALANCES = Statements(BrokerAccount), Statements(Balance)
JOURNALS, POSTINGS = Statements(Journal), Statements(Posting)
Held = Mapping[tuple[str, str], Decimal]  # (bucket, asset) → amount; a missing one is zero


class Booking(NamedTuple):
    """One journal to be written: its lines, and what their assets held till now."""

    account: BrokerAccount
    kind: str
    source: str
    at: datetime
    lines: Sequence[Line]
    before: Held


def lock_account(account_id: UUID) -> BrokerAccount:
    """The account row, locked until the transaction ends: bookings of one account happen one after another.

    Who merely refers to the row (a new plan, a new order elsewhere) need not wait.
    """
    account = ACCOUNTS.first("id = %s", [account_id], lock="FOR NO KEY UPDATE")
    if account is None:
        raise BrokerAccount.DoesNotExist
    return account


def lock_accounts(account_ids: Collection[UUID]) -> dict[UUID, BrokerAccount]:
    """Several account rows locked until the transaction ends, each in its turn by key: who locks like this never waits in a
    circle, and everybody else locks one."""
    places = ", ".join(["%s"] * len(account_ids))
    rows = ACCOUNTS.read(f"id IN ({places}) ORDER BY id", sorted(account_ids), lock="FOR NO KEY UPDATE")
    return {row.pk: row for row in rows}


def held(account: BrokerAccount, assets: Collection[str] | None = None) -> Held:
    """What every bucket holds of these assets, or of all."""
    condition, values = "broker_account_id = %s", [account.pk, *(assets or ())]
    if assets is not None:
        condition += f" AND asset IN ({', '.join(['%s'] * len(assets)) or 'NULL'})"
    return {(row.bucket, row.asset): row.amount for row in BALANCES.read(condition, values)}


def held_by(account_ids: Collection[UUID], assets: Collection[str]) -> dict[UUID, Held]:
    """What every bucket of each of these accounts holds of these assets, in one statement."""
    accounts, kinds = (", ".join(["%s"] * len(each)) for each in (account_ids, assets))
    rows = BALANCES.read(f"broker_account_id IN ({accounts}) AND asset IN ({kinds})", [*account_ids, *assets])
    found: dict[UUID, dict[tuple[str, str], Decimal]] = {account_id: {} for account_id in account_ids}
    for row in rows:
        found[row.broker_account_id][row.bucket, row.asset] = row.amount
    return dict(found)


def book(account: BrokerAccount, kind: str, source: str, at: datetime, lines: list[Line], before: Held) -> Journal:
    """Write one journal with its postings and move the balances on from `before`, what its assets held till now.

    Raises BooksDoNotBalance before anything is written where lines do not sum to zero or a balance of ours would fall
    below it, and IntegrityError for a `source` already booked.
    """
    return book_all([Booking(account, kind, source, at, lines, before)])[0]


def book_all(bookings: Sequence[Booking]) -> Sequence[Journal]:
    """`book` for several accounts, each of them once, by three statements for all."""
    moved = [row for each in bookings for row in _moved(each.account, each.lines, each.before)]
    journals = JOURNALS.insert_all_numbered(
        [Journal(broker_account=each.account, kind=each.kind, source=each.source, at=each.at) for each in bookings]
    )
    postings = [
        Posting(journal=journal, bucket=line.bucket, asset=line.asset, amount=line.amount)
        for journal, each in zip(journals, bookings, strict=True)
        for line in each.lines
    ]
    if postings:  # none where an account that held nothing began anew
        POSTINGS.insert(postings)
        BALANCES.insert(moved, "ON CONFLICT (broker_account_id, bucket, asset) DO UPDATE SET amount = EXCLUDED.amount")
    return journals


def require_sound(lines: Sequence[Line], before: Held) -> dict[tuple[str, str], Decimal]:
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


def _moved(account: BrokerAccount, lines: Sequence[Line], before: Held) -> list[Balance]:
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
