"""What happened: the fills of a run in the venue's integers, and the same in plain numbers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from backtests.venue import Venue
from markets.types import Side

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_MICROSECOND = timedelta(microseconds=1)


class UnitFill(NamedTuple):
    """One fill in units. `signal`: where SIGNAL stood once its order had ended. `worse_by`: above (a buy) or below (a sale)
    the traded price it was filled at, in units of price, with fractions where that price lay between two units."""

    bar: int
    at: int  # microseconds since 1970 UTC
    cycle: int
    signal: int
    side: Side
    price: int
    quantity: int
    amount: int
    fee: int
    tax: int
    cash_after: int
    worse_by: float
    reason: str


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill in plain numbers, in the currency of the instrument. `bar` is the place of the bar it happened in."""

    bar: int
    at: datetime
    cycle: int
    signal: int
    side: Side
    price: Decimal
    quantity: Decimal
    amount: Decimal
    fee: Decimal
    tax: Decimal
    cash_after: Decimal
    reason: str


def in_plain_numbers(fill: UnitFill, venue: Venue) -> Fill:
    return Fill(
        bar=fill.bar,
        at=EPOCH + fill.at * ONE_MICROSECOND,
        cycle=fill.cycle,
        signal=fill.signal,
        side=fill.side,
        price=venue.price(fill.price),
        quantity=venue.quantity(fill.quantity),
        amount=venue.cash(fill.amount),
        fee=venue.cash(fill.fee),
        tax=venue.cash(fill.tax),
        cash_after=venue.cash(fill.cash_after),
        reason=fill.reason,
    )
