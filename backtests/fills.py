"""What happened: the fills of a run in the venue's integers, and the same in plain numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

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


@dataclass(slots=True, eq=False)
class Fills:
    """Fills by column, in the order and units of `UnitFill`: sums over many of them are sums over lists."""

    bar: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    cycle: list[int] = field(default_factory=list)
    signal: list[int] = field(default_factory=list)
    side: list[Side] = field(default_factory=list)
    price: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    amount: list[int] = field(default_factory=list)
    fee: list[int] = field(default_factory=list)
    tax: list[int] = field(default_factory=list)
    cash_after: list[int] = field(default_factory=list)
    worse_by: list[float] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.bar)

    def __iter__(self) -> Iterator[UnitFill]:
        return map(UnitFill._make, self.rows())

    def __getitem__(self, place: int) -> UnitFill:
        return UnitFill._make(column[place] for column in self.columns())

    def columns(self) -> list[list[Any]]:
        return [getattr(self, name) for name in UnitFill._fields]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns(), strict=True)

    def add(self, fill: UnitFill) -> None:
        for column, value in zip(self.columns(), fill, strict=True):
            column.append(value)

    def ways(self) -> list[int]:
        """1 for what was bought, -1 for what was sold."""
        return [1 if side is Side.BUY else -1 for side in self.side]


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
