"""From a broker's running totals to executions: what has been filled since we last booked. Pure.

Totals only grow, so news that is late, repeated or lost changes nothing that the next reading does not put right (I6).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from brokers.protocol import FillReport, ListedOrder
from brokers.virtual import costs
from markets.types import InstrumentRules, Side, market_day

PRICE_UNIT = Decimal("1e-18")  # as fine as a price is stored; the money itself is exact
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Execution:
    """One booked fill, as far as the costs of the next depend on it."""

    key: str
    quantity: Decimal
    amount: Decimal
    at: datetime


class TotalsContradict(ValueError):
    """The totals told cannot follow from what was told before. `code` says how."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def fills_told(
    row: ListedOrder, booked: Sequence[Execution], rules: InstrumentRules, at: datetime
) -> tuple[FillReport, ...]:
    """The executions that bring our books to what the broker lists; none where they are there already.

    A venue's own executions are taken as they are; from totals alone one is worked out, of what they have grown by. `at` is
    its time. Raises TotalsContradict.
    """
    if row.fills:
        return _executions(row, {fill.key for fill in booked}, _quantity(booked))
    quantity = row.filled_quantity - _quantity(booked)
    if quantity <= 0:
        return ()
    amount = row.filled_amount - sum((fill.amount for fill in booked), Decimal(0))
    if amount < 0:
        raise TotalsContradict("amount_fell")
    return (_growth(row, quantity, amount, booked, rules, at),)


def _executions(row: ListedOrder, known: Collection[str], booked: Decimal) -> tuple[FillReport, ...]:
    new = sum((fill.quantity for fill in row.fills if fill.key not in known), Decimal(0))
    if new and booked + new > row.filled_quantity:
        raise TotalsContradict("executions_exceed_total")
    return row.fills


def _growth(
    row: ListedOrder,
    quantity: Decimal,
    amount: Decimal,
    booked: Sequence[Execution],
    rules: InstrumentRules,
    at: datetime,
) -> FillReport:
    side = Side(row.side)
    # Costs are a share of the money, whatever the number of units it was paid for: one unit of all of it is exact.
    state = costs.charge_state(rules, side, [costs.Fill(fill.amount, ONE, market_day(fill.at)) for fill in booked])
    charge, _after = costs.incremental_charges(rules, side, state, costs.Fill(amount, ONE, market_day(at)))
    price = _WIDE.divide(amount, quantity).quantize(PRICE_UNIT, context=_WIDE)
    return FillReport(
        key=f"{row.key}:{format(row.filled_quantity.normalize(), 'f')}",
        quantity=quantity,
        price=price,
        amount=amount,
        fee=charge.fee,
        tax=charge.tax,
        at=at,
        pricing="totals",
        synthetic=True,
    )


def _quantity(booked: Sequence[Execution]) -> Decimal:
    return sum((fill.quantity for fill in booked), Decimal(0))
