"""Keeping what a venue lists as instruments: new ones are added, known ones follow, none is taken away."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from django.db import transaction

from markets.models import Instrument
from markets.types import InstrumentKind, Source

KRX: dict[str, Any] = {"venue": "KRX", "currency": "KRW", "calendar": "krx", "price_limit_rate": Decimal("0.3")}
TICK_TABLES = {InstrumentKind.STOCK: "krx-stock", InstrumentKind.ETF: "krx-etf"}
FOLLOWED = ("name_ko", "kind", "tick_table", "lot", "min_quantity")
AT_ONCE = 500


class ListedShare(Protocol):
    """One share or fund of the Korean exchange, as whoever read the list tells it."""

    @property
    def symbol(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> InstrumentKind: ...

    @property
    def lot(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """How many instruments were new, how many changed, and how many stood there as they are."""

    added: int
    changed: int
    same: int


@transaction.atomic
def keep_krx(listed: Iterable[ListedShare], source: Source) -> Kept:
    """Add what is new, its prices to come from `source`; of what is known, the name and what orders keep to follow.

    Who supplies a known instrument's prices, and whether it may be traded, stays: people decide that.
    """
    known = {each.symbol: each for each in Instrument.objects.filter(venue=KRX["venue"])}
    fresh: list[Instrument] = []
    changed: list[Instrument] = []
    same = 0
    for each in listed:
        facts = _facts(each)
        instrument = known.get(each.symbol)
        if instrument is None:
            fresh.append(Instrument(**KRX, **facts, symbol=each.symbol, name_en=each.name, source=source))
        elif any(getattr(instrument, name) != facts[name] for name in FOLLOWED):
            for name in FOLLOWED:
                setattr(instrument, name, facts[name])
            changed.append(instrument)
        else:
            same += 1
    Instrument.objects.bulk_create(fresh, batch_size=AT_ONCE)
    Instrument.objects.bulk_update(changed, FOLLOWED, batch_size=AT_ONCE)
    return Kept(len(fresh), len(changed), same)


def _facts(each: ListedShare) -> dict[str, Any]:
    lot = Decimal(each.lot)
    return {
        "name_ko": each.name,
        "kind": each.kind.value,
        "tick_table": TICK_TABLES[each.kind],
        "lot": lot,
        "min_quantity": lot,
    }
