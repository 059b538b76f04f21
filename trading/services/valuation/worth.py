"""What a person's accounts were worth day by day, each currency for itself: read from the books and the stored daily bars."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models.functions import TruncDate

from brokers.models import BrokerAccount
from markets import services as markets
from markets.models import ExactSum, Instrument, StoredBar
from markets.types import Interval, from_epoch, market_day
from trading import ledger, worth
from trading.models import Posting
from trading.services.valuation.standing import SEOUL, standings
from trading.sizing import to_decimal
from trading.worth import DayWorth, Movements

Values = Mapping[UUID, Decimal | None]  # of accounts, now; None: something held has no price
OWN = [ledger.AVAILABLE, ledger.RESERVED]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Worth:
    """One currency's evenings, oldest first. The last one is now, at last prices."""

    currency: str
    days: list[DayWorth]

    @property
    def today(self) -> Decimal | None:
        """What this day has brought so far; None before there is a day to compare with."""
        if len(self.days) < 2:
            return None
        before, now = self.days[-2:]
        return now.value - before.value - now.flow


def worth_by_day(accounts: Collection[BrokerAccount], days: int, values: Values | None = None) -> list[Worth]:
    """The last `days` of these accounts, won first; a currency in which nothing ever moved is left out.

    As many queries as for one account: what moved, the daily closes, and where everything stands now (`values`, where
    that has been read already).
    """
    by_currency: dict[str, list[BrokerAccount]] = defaultdict(list)
    for account in accounts:
        by_currency[account.currency].append(account)
    found = [_of_currency(currency, own, days, values) for currency, own in by_currency.items()]
    return sorted((each for each in found if each.days), key=lambda each: (each.currency != "KRW", each.currency))


def _of_currency(currency: str, accounts: list[BrokerAccount], days: int, values: Values | None) -> Worth:
    movements = _movements(currency, accounts)
    if not movements:
        return Worth(currency, [])
    instruments = _instruments({key for each in movements for key in each.units or ()})
    times = {source: markets.market_time(source) for source in {each.source for each in instruments.values()}}
    today = max([movements[-1].on, *(market_day(at) for at in times.values())])
    since = max(movements[0].on, today - timedelta(days=days - 1))
    evenings = worth.worth_by_day(movements, _closes(instruments, since), since, today)
    if values is None:
        values = {pk: standing.value for pk, standing in standings(accounts).items()}
    return Worth(currency, _with_now(evenings, movements, [values[each.pk] for each in accounts], today))


def _movements(currency: str, accounts: Iterable[BrokerAccount]) -> list[Movements]:
    """Per market day, in one query: cash, money paid in, units."""
    moved = Posting.objects.filter(journal__broker_account__in=list(accounts), bucket__in=[*OWN, ledger.EXTERNAL])
    sums = (
        moved.order_by()
        .values_list(TruncDate("journal__at", tzinfo=SEOUL), "bucket", "asset")
        .annotate(ExactSum("amount"))
    )
    cash: dict[date, Decimal] = defaultdict(Decimal)
    paid: dict[date, Decimal] = defaultdict(Decimal)
    units: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for on, bucket, asset, amount in sums:
        if asset == currency and bucket == ledger.EXTERNAL:
            paid[on] -= amount
        elif asset == currency:
            cash[on] += amount
        elif bucket in OWN:
            units[on][asset] += amount
    return [
        Movements(on, cash[on], paid[on], dict(units[on])) for on in sorted(cash.keys() | paid.keys() | units.keys())
    ]


def _instruments(keys: Collection[str]) -> dict[str, Instrument]:
    symbols = {key.partition(":")[2] for key in keys}
    return {each.key: each for each in Instrument.objects.filter(symbol__in=symbols) if each.key in keys}


def _closes(instruments: dict[str, Instrument], since: date) -> dict[str, dict[date, Decimal]]:
    """Daily closes from a while before `since`, so that its first day has one."""
    keys = {(each.pk, each.source): key for key, each in instruments.items()}
    earliest = int(datetime.combine(since - timedelta(days=30), time(), SEOUL).timestamp())
    bars = StoredBar.objects.filter(
        instrument__in=[each.pk for each in instruments.values()], interval=Interval.D1, closed_at__gte=earliest
    )
    closes: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for instrument, source, closed_at, close in bars.order_by("closed_at").values_list(
        "instrument_id", "source", "closed_at", "close"
    ):
        if key := keys.get((instrument, source)):
            closes[key][market_day(from_epoch(closed_at - 1))] = to_decimal(close)
    return closes


def _with_now(
    evenings: list[DayWorth], movements: list[Movements], values: list[Decimal | None], today: date
) -> list[DayWorth]:
    """This evening has not come yet: it stands at last prices, as the pages show them."""
    if None in values:
        return evenings
    before = [day for day in evenings if day.on != today]
    paid_in = sum((each.paid_in for each in movements), ZERO)
    flow = paid_in - before[-1].paid_in if before else paid_in
    return [*before, DayWorth(today, sum((each for each in values if each is not None), ZERO), paid_in, flow)]
