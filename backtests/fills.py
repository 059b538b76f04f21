"""What happened: the fills of a run in the venue's integers, and the same in plain numbers."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from sys import byteorder
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from backtests.venue import Venue
from markets.bars import FloatArray, IntArray
from markets.types import Side
from strategies.evaluation import BoolArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_MICROSECOND = timedelta(microseconds=1)
ROOM = 2**50  # sums of AT_ONCE such numbers still fit into int64
AT_ONCE = 4096
SIDES = {True: Side.BUY, False: Side.SELL}

Whole = npt.NDArray[Any]  # whole numbers: int64, or Python's own where one of them needs more room


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


class Columns(NamedTuple):
    """Fills by column, each of shape (n,), in the units of `UnitFill`; `buys` says which side."""

    bar: IntArray
    at: IntArray
    cycle: IntArray
    signal: IntArray
    buys: BoolArray
    price: Whole
    quantity: Whole
    amount: Whole
    fee: Whole
    tax: Whole
    cash_after: Whole
    worse_by: FloatArray
    reason: list[str]

    @property
    def ways(self) -> IntArray:
        """1 for what was bought, -1 for what was sold."""
        return np.where(self.buys, 1, -1)

    @property
    def moved(self) -> Whole:
        """What each fill added to the cash: a purchase takes its amount, either side its fee and tax."""
        came: Whole = -self.amount * self.ways - self.fee - self.tax
        return came

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The fills as plain tuples in the order of `UnitFill`."""
        sides = [SIDES[bought] for bought in self.buys.tolist()]
        plain = [column if isinstance(column, list) else column.tolist() for column in self]
        return zip(*plain[:4], sides, *plain[5:], strict=True)

    def digest(self, into: "hashlib._Hash") -> None:
        """Add every column: numbers of a fixed size as their bytes, larger ones and words as text."""
        columns: Iterable[Any] = self
        said: list[bytes] = []
        for name, column in zip(self._fields, columns, strict=True):
            said.append(f"{name} {len(self.bar)} ".encode())
            said.append(_text(column) if isinstance(column, list) or column.dtype == object else _bytes(column))
        into.update(b"".join(said))


class Fills:
    """Fills in their order: added one by one, or many at once as columns."""

    __slots__ = ("_columns", "_count", "_parts")

    def __init__(self) -> None:
        self._parts: list[Columns | list[UnitFill]] = []
        self._count = 0
        self._columns: Columns | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[UnitFill]:
        for part in self._parts:
            yield from map(UnitFill._make, part.rows()) if isinstance(part, Columns) else part

    def add(self, fill: UnitFill) -> None:
        if not self._parts or isinstance(self._parts[-1], Columns):
            self._parts.append([])
        self._parts[-1].append(fill)  # type: ignore[union-attr]  # a list: looked at above
        self._count, self._columns = self._count + 1, None

    def extend(self, many: Columns) -> None:
        if len(many.bar):
            self._parts.append(many)
            self._count, self._columns = self._count + len(many.bar), None

    def since(self, place: int) -> list[UnitFill]:
        """The fills from a place on, which were added one by one."""
        singles = self._parts[-1] if self._parts and not isinstance(self._parts[-1], Columns) else []
        return singles[len(singles) - (self._count - place) :] if place < self._count else []

    def came_to(self, signal: int, since: int) -> None:
        """Say of the fills of an order that has ended, from a place on, where SIGNAL stood then."""
        told = self.since(since)
        if any(fill.signal != signal for fill in told):
            self._parts[-1][-len(told) :] = [fill._replace(signal=signal) for fill in told]  # type: ignore[index]
            self._columns = None

    @property
    def columns(self) -> Columns:
        if self._columns is None:
            self._columns = _joined([_settled(part) for part in self._parts])
        return self._columns


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


def whole_numbers(values: Iterable[int] | Whole) -> Whole:
    """Exact whatever their size: int64 where every one leaves ROOM for sums, else Python's own."""
    told = values if isinstance(values, np.ndarray) else list(values)
    if not len(told):
        return np.empty(0, dtype=np.int64)
    low, high = (told.min(), told.max()) if isinstance(told, np.ndarray) else (min(told), max(told))
    return np.asarray(told, dtype=np.int64 if low > -ROOM and high < ROOM else object)


def summed(values: Whole) -> int:
    """The exact sum: of so many at a time as int64 has room for."""
    return sum(int(values[start : start + AT_ONCE].sum()) for start in range(0, len(values), AT_ONCE))


def _settled(part: Columns | list[UnitFill]) -> Columns:
    if isinstance(part, Columns):
        return part
    told: list[Any] = list(zip(*part, strict=True))
    columns: list[Any] = [np.array(each, dtype=np.int64) for each in told[:4]]
    columns.append(np.array([side is Side.BUY for side in told[4]]))
    columns += [whole_numbers(each) for each in told[5:11]]
    return Columns._make([*columns, np.array(told[11], dtype=np.float64), list(told[12])])


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none: Any = np.empty(0, dtype=np.int64)
        return Columns(none, none, none, none, none.astype(bool), none, none, none, none, none, none, np.empty(0), [])
    *numbers, reasons = zip(*parts, strict=True)
    columns: list[Any] = [np.concatenate(each) for each in numbers]
    return Columns._make([*columns, [reason for each in reasons for reason in each]])


def _bytes(column: npt.NDArray[Any]) -> bytes:
    return (column if byteorder == "little" else column.astype(column.dtype.newbyteorder("<"))).tobytes()


def _text(column: list[str] | Whole) -> bytes:
    return "\n".join(column if isinstance(column, list) else map(str, column.tolist())).encode()
