"""What each instrument has brought a person: sums of fills and of the books' realised results, in two queries."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count

from accounts.models import User
from markets.models import ExactSum, Instrument
from markets.types import Side
from trading import ledger
from trading.models import Fill, Posting

ZERO = Decimal(0)


@dataclass(slots=True)
class InstrumentResult:
    """Since the beginning, all accounts together, in the instrument's currency; `realised` after fees and taxes."""

    instrument: Instrument
    fills: int = 0
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    fees: Decimal = ZERO
    taxes: Decimal = ZERO
    realised: Decimal = ZERO

    @property
    def costs(self) -> Decimal:
        return self.fees + self.taxes


def results_by_instrument(user: User) -> list[InstrumentResult]:
    """The one that brought most first."""
    found: dict[int, InstrumentResult] = {}
    groups = Fill.objects.filter(order__user=user).order_by().values_list("order__instrument_id", "order__side")
    sums = list(groups.annotate(Count("pk"), ExactSum("amount"), ExactSum("fee"), ExactSum("tax")))
    instruments = Instrument.objects.in_bulk({row[0] for row in sums})
    for instrument, side, fills, amount, fee, tax in sums:
        result = found.setdefault(instrument, InstrumentResult(instruments[instrument]))
        result.fills, result.fees, result.taxes = result.fills + fills, result.fees + fee, result.taxes + tax
        if side == Side.BUY:
            result.bought += amount
        else:
            result.sold += amount
    for key, gain in _gains(user):
        found[key].realised += gain
    for result in found.values():
        result.realised -= result.costs
    return sorted(found.values(), key=lambda result: -result.realised)


def _gains(user: User) -> Iterator[tuple[int, Decimal]]:
    """What sales brought above what their units had cost, by instrument."""
    source_of = dict(
        Fill.objects.filter(order__user=user, order__side=Side.SELL).values_list("pk", "order__instrument_id")
    )
    rows = Posting.objects.filter(
        journal__broker_account__user=user, journal__kind="fill", bucket=ledger.REALISED
    ).values_list("journal__source", "amount")
    gains: dict[int, Decimal] = defaultdict(Decimal)
    for source, amount in rows.iterator(chunk_size=2000):
        gains[source_of[int(source.removeprefix("fill:"))]] -= amount
    yield from gains.items()
