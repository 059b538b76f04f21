"""What was booked on an account, as people read it: names for keys, units beside quantities. Also as rows for a table file.

Rows come in pages by number, so that a file of any length needs the memory of one page.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from brokers.models import BrokerAccount
from markets.models import Instrument
from trading.models import Fill, Journal, Order, Posting

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting. `instrument` is what it counts units of (`is_units`) or what the money was paid for."""

    bucket: str  # without the instrument: external, available, reserved, position, fees, tax, realised
    asset: str  # a currency, or an instrument's key
    amount: Decimal
    instrument: Instrument | None

    @property
    def is_units(self) -> bool:
        return ":" in self.asset


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One journal: what happened, when (market time), and its lines."""

    journal: Journal
    lines: tuple[StatementLine, ...]

    @property
    def at(self) -> datetime:
        return self.journal.at


def statement(account: BrokerAccount) -> QuerySet[Journal]:
    """Everything booked on an account, newest first, with its postings."""
    return Journal.objects.filter(broker_account=account).order_by("-id").prefetch_related("postings")


def statement_entries(journals: Iterable[Journal]) -> list[StatementEntry]:
    """Journals as people read them, in one query for the names of all of them."""
    journals = list(journals)
    named = _instruments({key for each in journals for posting in each.postings.all() for key in _keys(posting)})
    return [StatementEntry(each, tuple(_line(posting, named) for posting in each.postings.all())) for each in journals]


def all_entries(account: BrokerAccount) -> Iterator[StatementEntry]:
    """The whole statement, newest first."""
    newest = statement(account)
    rows = list(newest[:AT_ONCE])
    while rows:
        yield from statement_entries(rows)
        rows = list(newest.filter(pk__lt=rows[-1].pk)[:AT_ONCE])


def all_orders(account: BrokerAccount) -> Iterator[Order]:
    """Every order of an account, newest first, with instrument and plan (O07)."""
    newest = Order.objects.filter(broker_account=account).select_related("instrument", "plan")
    newest = newest.order_by("-created_at", "-pk")
    rows = list(newest[:AT_ONCE])
    while rows:
        yield from rows
        last = rows[-1]
        older = Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)
        rows = list(newest.filter(older)[:AT_ONCE])


def all_fills(account: BrokerAccount) -> Iterator[Fill]:
    """Every execution of an account, newest first, with its order, instrument and plan (O07)."""
    newest = Fill.objects.filter(broker_account=account).select_related("order__instrument", "order__plan")
    rows = list(newest.order_by("-pk")[:AT_ONCE])
    while rows:
        yield from rows
        rows = list(newest.filter(pk__lt=rows[-1].pk).order_by("-pk")[:AT_ONCE])


def _keys(posting: Posting) -> Iterator[str]:
    for word in (posting.asset, posting.bucket.partition(":")[2]):
        if ":" in word:
            yield word


def _instruments(keys: Collection[str]) -> dict[str, Instrument]:
    symbols = {key.partition(":")[2] for key in keys}
    found = Instrument.objects.filter(symbol__in=symbols) if symbols else ()
    return {each.key: each for each in found if each.key in keys}


def _line(posting: Posting, named: dict[str, Instrument]) -> StatementLine:
    instrument = next((named[key] for key in _keys(posting) if key in named), None)
    return StatementLine(posting.bucket.partition(":")[0], posting.asset, posting.amount, instrument)
