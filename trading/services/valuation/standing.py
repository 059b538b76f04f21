"""Where accounts stand now, several at once: worth, what each instrument makes of it, and what the market day has brought."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from brokers.models import BrokerAccount
from markets import services as markets
from markets.models import ExactSum, Instrument, LatestQuote
from markets.types import Side, market_day
from trading import day_result, ledger
from trading.day_result import Traded
from trading.models import Balance, Fill, SwingPlan

ZERO = Decimal(0)
SEOUL = ZoneInfo("Asia/Seoul")


@dataclass(slots=True)
class Standing:
    """One account in its own currency, at last prices. `value` is None while something held has no price."""

    account: BrokerAccount
    cash: Decimal = ZERO  # free
    reserved: Decimal = ZERO  # set aside for open buys
    units: dict[int, Decimal] = field(default_factory=dict)  # by instrument
    worth: dict[int, Decimal | None] = field(default_factory=dict)

    @property
    def positions(self) -> Decimal | None:
        worths = list(self.worth.values())
        return None if None in worths else sum((worth for worth in worths if worth is not None), ZERO)

    @property
    def value(self) -> Decimal | None:
        return None if self.positions is None else self.cash + self.reserved + self.positions


@dataclass(frozen=True, slots=True)
class DayLoss:
    """What the market day has cost, as fractions of the account's value when it began; None: a price is not known."""

    account: Decimal | None
    plans: dict[UUID, Decimal | None]


@dataclass(frozen=True, slots=True)
class _Price:
    now: Decimal
    base: Decimal


def standings(accounts: Iterable[BrokerAccount]) -> dict[UUID, Standing]:
    """Cash, units and worth of each account, in three queries for all of them."""
    found = {account.pk: Standing(account) for account in accounts}
    units: dict[UUID, dict[str, Decimal]] = {pk: defaultdict(Decimal) for pk in found}
    rows = Balance.objects.filter(broker_account__in=found, bucket__in=[ledger.AVAILABLE, ledger.RESERVED])
    for pk, bucket, asset, amount in rows.values_list("broker_account_id", "bucket", "asset", "amount"):
        standing = found[pk]
        if ":" in asset:
            units[pk][asset] += amount
        elif asset == standing.account.currency:
            standing.cash += amount if bucket == ledger.AVAILABLE else ZERO
            standing.reserved += amount if bucket == ledger.RESERVED else ZERO
    instruments = _instruments({key for own in units.values() for key, amount in own.items() if amount})
    quotes = LatestQuote.objects.in_bulk([instrument.pk for instrument in instruments.values()])
    for pk, standing in found.items():
        for key, amount in units[pk].items():
            instrument = instruments.get(key)
            if amount and instrument is not None and instrument.currency == standing.account.currency:
                standing.units[instrument.pk] = amount
                quote = quotes.get(instrument.pk)
                standing.worth[instrument.pk] = quote.price * amount if quote else None
    return found


def day_losses(standing: dict[UUID, Standing]) -> dict[UUID, DayLoss]:
    """What the market day has cost each of these accounts and their plans so far (see `trading.day_result`).

    The day is the Korean calendar day of each instrument's own market time.
    """
    days = _days(standing)
    traded = {plan for day in days.values() for plan in day.of_plans}
    own = SwingPlan.objects.filter(broker_account__in=standing)
    plans = list(own.filter(Q(held_quantity__gt=0) | Q(pk__in=traded)))
    held = {instrument for each in standing.values() for instrument in each.units}
    dealt = {instrument for day in days.values() for instrument in day.of_account}
    prices = _prices(held | dealt | {plan.instrument_id for plan in plans})
    return {
        pk: _day_loss(each, [plan for plan in plans if plan.broker_account_id == pk], days[pk], prices)
        for pk, each in standing.items()
    }


def _day_loss(standing: Standing, plans: list[SwingPlan], day: "_Day", prices: dict[int, _Price]) -> DayLoss:
    results = [
        _result(standing.units.get(instrument, ZERO), day.of_account.get(instrument, Traded()), prices.get(instrument))
        for instrument in standing.units.keys() | day.of_account.keys()
    ]
    of_plans = {
        plan.pk: _result(
            plan.held_quantity,
            day.of_plans.get(plan.pk, {}).get(plan.instrument_id, Traded()),
            prices.get(plan.instrument_id),
        )
        for plan in plans
    }
    whole = None if None in results else sum((each for each in results if each is not None), ZERO)
    before = None if whole is None or standing.value is None else standing.value - whole
    return DayLoss(_loss(whole, before), {pk: _loss(each, before) for pk, each in of_plans.items()})


def _loss(result: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if result is None or before is None else day_result.loss_rate(result, before)


def _result(units: Decimal, traded: Traded, price: _Price | None) -> Decimal | None:
    return None if price is None else day_result.result(units, traded, price.now, price.base)


@dataclass(slots=True)
class _Day:
    """What one account has traded today, by instrument, and each of its plans besides."""

    of_account: dict[int, Traded] = field(default_factory=lambda: defaultdict(Traded))
    of_plans: dict[UUID, dict[int, Traded]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Traded)))


def _days(standing: dict[UUID, Standing]) -> dict[UUID, _Day]:
    """The day of each account, in its own currency: one row per plan, instrument and side, however often it filled."""
    days = {pk: _Day() for pk in standing}
    groups = _fills_of_today(standing).values_list(
        "broker_account_id", "order__plan_id", "order__instrument_id", "order__instrument__currency", "order__side"
    )
    sums = groups.annotate(ExactSum("quantity"), ExactSum("amount"), ExactSum("fee"), ExactSum("tax"))
    for account, plan, instrument, currency, side, quantity, amount, fee, tax in sums:
        if currency != standing[account].account.currency:
            continue
        day = days[account]
        for traded in (day.of_account, day.of_plans[plan]) if plan else (day.of_account,):
            traded[instrument] = traded[instrument].with_fill(Side(side), quantity, amount, fee + tax)
    return days


def _fills_of_today(accounts: Iterable[UUID]) -> QuerySet[Fill]:
    sources = Instrument.objects.order_by().values_list("source", flat=True).distinct()
    begins = {source: day_start(markets.market_time(source)) for source in sources}
    if not begins:
        return Fill.objects.none()
    today = Q()
    for source, at in begins.items():
        today |= Q(order__instrument__source=source, at__gte=at)
    since = min(begins.values())
    return Fill.objects.filter(today, broker_account__in=list(accounts), at__gte=since).order_by()


def day_start(at: datetime) -> datetime:
    """The midnight in Korea before `at`: dated rules and days turn there."""
    return datetime.combine(market_day(at), time(), SEOUL)


def _prices(instruments: Iterable[int]) -> dict[int, _Price]:
    """Last price and base price of each. Where nothing has traded yet today, the last price is the base."""
    quotes = LatestQuote.objects.filter(instrument__in=list(instruments)).select_related("instrument")
    today = {source: market_day(markets.market_time(source)) for source in {q.instrument.source for q in quotes}}
    return {
        quote.instrument_id: _Price(
            quote.price, quote.base_price if market_day(quote.at) == today[quote.instrument.source] else quote.price
        )
        for quote in quotes
    }


def _instruments(keys: Iterable[str]) -> dict[str, Instrument]:
    symbols = {key.partition(":")[2] for key in keys}
    found = Instrument.objects.filter(symbol__in=symbols) if symbols else Instrument.objects.none()
    return {instrument.key: instrument for instrument in found}
