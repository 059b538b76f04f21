"""What an adjustment books: units and cash the broker has and our books do not, or the other way round. Pure sums."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from trading import ledger
from trading.ledger import Line

_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)


def cash_in(currency: str, amount: Decimal) -> list[Line]:
    """Money that was there before our books began."""
    return ledger.deposit(currency, amount) if amount else []


def units_in(instrument: str, quantity: Decimal, currency: str, cost: Decimal) -> list[Line]:
    """Units that came from outside, with what they cost there: that money was never ours."""
    return [*ledger.deposit(instrument, quantity), *_cost(instrument, currency, cost)]


def units_out(instrument: str, quantity: Decimal, currency: str, cost: Decimal) -> list[Line]:
    """Units that have gone without a sale of ours, and their share of the position's cost with them."""
    return [*ledger.withdrawal(instrument, quantity), *_cost(instrument, currency, -cost)]


def cost_of(average_price: Decimal, quantity: Decimal, cash_decimals: int) -> Decimal:
    """What units cost at the broker's average price, in the currency's unit."""
    unit = Decimal((0, (1,), -cash_decimals))
    return _WIDE.multiply(average_price, quantity).quantize(unit, context=_WIDE)


def _cost(instrument: str, currency: str, cost: Decimal) -> list[Line]:
    if not cost:
        return []
    return [
        Line(ledger.EXTERNAL, currency, -cost),
        Line(ledger.position_bucket(instrument), currency, cost),
    ]
