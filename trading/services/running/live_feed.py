"""What the feed of a real market reads and writes in the database: who needs which prices, and whose orders have moved."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.protocol import Environment
from brokers.simulator.replay import stored_bars
from brokers.simulator.universe import UNIVERSE
from markets import services as markets
from markets.models import Instrument, StoredBar, WatchlistItem
from markets.services.demand import Seen
from markets.types import Bar, Interval, Source
from trading import ledger
from trading.lifecycle import OPEN
from trading.models import AccountReading, Balance, Order, SwingPlan
from trading.services.ordering.orders import ring_dispatch

KRX = "KRX"
SIMULATED = frozenset(each.key for each in UNIVERSE)


@dataclass(frozen=True, slots=True)
class Need:
    """Somebody needs the trades of an instrument, by its key, or its book in depth."""

    instrument: str
    in_depth: bool = False


def take_up() -> list[Instrument]:
    """Make the real market the one that supplies KRX's instruments, unless one is being replayed; all it supplies now.

    A price of the simulated market next to an account at a broker would be worse than none.
    """
    others = Instrument.objects.active().filter(venue=KRX).exclude(source__in=[Source.KIS, Source.REPLAY])
    if found := list(others):
        markets.take_over(found, Source.KIS)
    return supplied()


def supplied() -> list[Instrument]:
    return list(Instrument.objects.active().filter(venue=KRX, source=Source.KIS))


def give_back() -> tuple[int, int]:
    """The real market has nobody to tell it any more: how many instruments another source takes, how many none.

    The simulated market takes up what it knows, unless an account at a broker could be guided by its prices: one in use, or
    one that still holds the instrument. What is left keeps its last price, shown as old, and nothing is traded on it.
    """
    orphans = supplied()
    if not orphans:
        return 0, 0
    simulated = _free_of_brokers([each for each in orphans if each.key in SIMULATED])
    taken = {each.pk for each in simulated}
    others = [each for each in orphans if each.pk not in taken]
    with transaction.atomic():
        if simulated:
            markets.take_over(simulated, Source.SIMULATOR)
        if others:
            markets.leave_without_source(others)
    return len(simulated), len(others)


def _free_of_brokers(instruments: list[Instrument]) -> list[Instrument]:
    wired = BrokerAccount.objects.exclude(environment=Environment.VIRTUAL)
    if wired.filter(is_active=True).exists():
        return []
    held = Balance.objects.filter(broker_account__in=wired, amount__gt=0).values_list("asset", flat=True)
    at_stake = set(held.distinct())
    return [each for each in instruments if each.key not in at_stake]


def needed(instruments: Collection[Instrument], seen: Seen) -> list[Need]:
    """What somebody needs of these instruments, the most important first; in an order that stays as it is.

    First where money is at stake (orders, running plans, holdings), then what is looked at, then watchlists.
    """
    keys = {instrument.pk: instrument.key for instrument in instruments}
    ours = set(keys.values())
    held = Balance.objects.filter(asset__in=ours, bucket__in=[ledger.AVAILABLE, ledger.RESERVED], amount__gt=0)
    at_stake = [
        *_of(Order.objects.filter(state__in=sorted(OPEN)), keys),
        *_of(SwingPlan.objects.running(), keys),
        *held.order_by("asset").values_list("asset", flat=True).distinct(),
    ]
    resting = _of(Order.objects.working().filter(broker_account__environment=Environment.VIRTUAL), keys)
    looked_at = sorted(ours & (set(seen.quotes) | seen.trades))
    watched = _of(WatchlistItem.objects.filter(user__is_active=True), keys)
    needs = [Need(key) for key in (*at_stake, *looked_at)]
    needs += [Need(key, in_depth=True) for key in (*sorted(ours & seen.books), *resting)]
    return list(dict.fromkeys([*needs, *(Need(key) for key in watched)]))


def tell_nothing(offset: timedelta) -> None:
    """Write down that no key listens, where the last state of one would mislead."""
    markets.beat(Source.KIS, timezone.now() + offset, state={"keys": []})


def minutes_kept(since: datetime) -> dict[str, list[Bar]]:
    """The minutes of the live series from `since` on, by instrument, oldest first."""
    rows = StoredBar.objects.filter(source=Source.KIS, interval=Interval.M1, opened_at__gte=int(since.timestamp()))
    columns = ("instrument_id", "opened_at", "closed_at", "open", "high", "low", "close", "volume")
    kept: dict[int, list[Any]] = defaultdict(list)
    for instrument_id, *row in rows.order_by("opened_at").values_list(*columns):
        kept[instrument_id].append(row)
    keys = {instrument.pk: instrument.key for instrument in Instrument.objects.filter(pk__in=kept)}
    return {keys[pk]: list(stored_bars(keys[pk], Interval.M1, found)) for pk, found in kept.items()}


def ring(owners: Collection[UUID]) -> None:
    """Have these accounts read at once: something happened to their orders. Told twice it is one reading."""
    now = timezone.now()
    with transaction.atomic():
        AccountReading.objects.filter(broker_account__in=owners).update(rung_at=now)
        ring_dispatch()


def _of(rows: "QuerySet[Any]", keys: Mapping[int, str]) -> list[str]:
    """The keys of the instruments these rows are about."""
    found = (
        rows.filter(instrument__in=keys).order_by("instrument_id").values_list("instrument_id", flat=True).distinct()
    )
    return [keys[pk] for pk in found]
