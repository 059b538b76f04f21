"""What one market day has brought: the day's sales, and what is still held, against where the day began. Pure.

The loss of a day is measured in money, not against what units once cost: a share that lost half its price last year and
has not moved today has lost nothing today. What was held when the day began counts from its base price (the close before),
what was bought today from what was paid; fees and taxes of the day are part of it.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from markets.types import Side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Traded:
    """The executions of one day in one instrument. `paid` and `received` are money with fees and taxes."""

    bought: Decimal = ZERO
    paid: Decimal = ZERO
    sold: Decimal = ZERO
    received: Decimal = ZERO

    def with_fill(self, side: Side, quantity: Decimal, amount: Decimal, costs: Decimal) -> "Traded":
        """One execution more; `costs` are its fee and tax."""
        if side is Side.BUY:
            return replace(self, bought=self.bought + quantity, paid=self.paid + amount + costs)
        return replace(self, sold=self.sold + quantity, received=self.received + amount - costs)


def result(units: Decimal, traded: Traded, price: Decimal, base: Decimal) -> Decimal:
    """Profit (+) or loss (−) since the day began, realised and open, of one instrument of which `units` are held now."""
    at_first = units - traded.bought + traded.sold
    return units * price + traded.received - traded.paid - at_first * base


def loss_rate(result: Decimal, before: Decimal) -> Decimal:
    """A day's loss as a fraction of what the account was worth when the day began; 0 for a profit.

    Money paid in during the day counts as if it had been there. An account that had nothing has lost all of it.
    """
    if result >= 0:
        return ZERO
    return -result / before if before > 0 else Decimal(1)
