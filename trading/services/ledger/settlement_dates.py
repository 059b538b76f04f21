"""Proceeds of sales that have not been settled: they buy again at once, but cannot leave the account yet (T+2).

Nothing is stored: what is receivable follows from the fills, the dated calendars and the time in the fills' own market.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import CharField, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.virtual import settlement
from markets import services as markets
from markets.calendars import Calendar
from markets.models import PriceFeed
from markets.types import Side, Source, market_day
from trading import ledger
from trading.models import Fill, Journal

SEOUL = timedelta(hours=9)


@dataclass(frozen=True, slots=True)
class Receivable:
    """Money of sales, after fees and taxes, that may be withdrawn from `settles_on` on."""

    settles_on: date
    currency: str
    amount: Decimal


def receivables(accounts: Collection[BrokerAccount]) -> dict[UUID, tuple[Receivable, ...]]:
    """What each virtual account is still owed, by day and currency, the next day first. Four queries for any number.

    Today is today in the market a sale was made in: a replay of 1998 settles in 1998. A sale from a later day than that
    belongs to an earlier run of that market and is settled.
    """
    calendars = {key: markets.calendar(key) for key in settlement.delaying_calendars()}
    days = _days()
    resets = last_resets(accounts)
    owed: dict[UUID, dict[tuple[date, str], Decimal]] = {account.pk: {} for account in accounts}
    for fill in _recent_sales(accounts, calendars, days, after_resets=bool(resets)):
        instrument, sold_on = fill.order.instrument, market_day(fill.at)
        settles_on = settlement.settles_on(calendars[instrument.calendar], sold_on)
        if not sold_on <= days[Source(instrument.source)] < settles_on:
            continue
        if resets and getattr(fill, "journal", 0) < resets.get(fill.broker_account_id, 0):
            continue
        sums, key = owed[fill.broker_account_id], (settles_on, instrument.currency)
        sums[key] = ledger.total((sums.get(key, Decimal(0)), fill.amount, -fill.fee, -fill.tax))
    return {account_id: _in_order(sums) for account_id, sums in owed.items()}


def last_resets(accounts: Collection[BrokerAccount]) -> dict[UUID, int]:
    """The journal with which each account began anew, for those that did: what was booked before is history."""
    resets = Journal.objects.filter(broker_account__in=accounts, kind="reset").order_by()
    return dict(resets.values_list("broker_account").annotate(Max("pk")))


def _days() -> dict[Source, date]:
    """Today in the market of every source; a source without a clock of its own lives now."""
    clocks = dict(PriceFeed.objects.values_list("source", "market_time"))
    now = timezone.now()
    return {source: market_day(clocks.get(source, now)) for source in Source}


def _recent_sales(
    accounts: Collection[BrokerAccount],
    calendars: Mapping[str, Calendar],
    days: Mapping[Source, date],
    *,
    after_resets: bool,
) -> QuerySet[Fill]:
    """The sales that can be waiting for their settlement, each with the number of its `journal` where that matters."""
    waiting = Q(pk__in=())
    for key, calendar in calendars.items():
        for source, today in days.items():
            earliest = datetime.combine(settlement.first_unsettled(calendar, today), time(), UTC) - SEOUL
            waiting |= Q(order__instrument__calendar=key, order__instrument__source=source, at__gte=earliest)
    sales = Fill.objects.filter(waiting, broker_account__in=accounts, order__side=Side.SELL)
    sales = sales.select_related("order__instrument").defer("order__facts")
    return sales.annotate(journal=Subquery(_journal_of_fill().values("pk")[:1])) if after_resets else sales


def _journal_of_fill() -> QuerySet[Journal]:
    source = Concat(Value("fill:"), Cast(OuterRef("pk"), CharField()))
    return Journal.objects.filter(kind="fill", source=source)


def _in_order(sums: dict[tuple[date, str], Decimal]) -> tuple[Receivable, ...]:
    return tuple(Receivable(day, currency, amount) for (day, currency), amount in sorted(sums.items()))
