"""From a decision to a quantity: where indicators' float64 meets money's Decimal. Rounding never raises the risk."""

from decimal import ROUND_FLOOR, Decimal, localcontext
from math import isfinite

from trading.errors import TradingError

_DIGITS = 60  # enough that no product of two money amounts is rounded


class SizingInvalid(TradingError):
    """A quantity cannot be computed from these numbers; nothing is guessed in their place."""

    code = "sizing_invalid"


def to_decimal(value: float) -> Decimal:
    """The number a float64 shows itself as: 0.1 becomes Decimal("0.1"). Raises SizingInvalid for NaN and infinity."""
    if not isfinite(value):
        raise SizingInvalid("not a finite number", value=str(value))
    return Decimal(repr(float(value)))


def size_buy(
    *,
    budget: Decimal,
    share: Decimal,
    price: Decimal,
    fee_rate: Decimal,
    lot: Decimal,
    min_quantity: Decimal,
    min_amount: Decimal,
    already_spent: Decimal,
) -> Decimal:
    """The most whole lots that `share` of the budget, and what is left of it, pay for, fees included.

    `price` is the worst price the order may fill at; amounts are in the instrument's currency, rates fractions. Zero
    when that is less than the instrument's minimum quantity or amount. Raises SizingInvalid for senseless numbers.
    """
    _refuse_not_finite(budget, share, price, fee_rate, lot, min_quantity, min_amount, already_spent)
    _refuse_unless(
        budget=budget >= 0,
        share=0 < share <= 1,
        price=price > 0,
        fee_rate=fee_rate >= 0,
        lot=lot > 0,
        min_quantity=min_quantity >= 0,
        min_amount=min_amount >= 0,
        already_spent=already_spent >= 0,
    )
    with localcontext(prec=_DIGITS):
        spendable = min(budget * share, budget - already_spent)
        lot_cost = lot * price * (1 + fee_rate)
        lots = _whole(spendable / lot_cost) if spendable > 0 else Decimal(0)
        if lots * lot_cost > spendable:  # the division may have been rounded up
            lots -= 1
        quantity = lots * lot
        return quantity if quantity >= min_quantity and quantity * price >= min_amount else Decimal(0)


def size_sell(*, held: Decimal, lot: Decimal) -> Decimal:
    """The whole position, as far as it is made of whole lots. Raises SizingInvalid for a negative holding."""
    _refuse_not_finite(held, lot)
    _refuse_unless(held=held >= 0, lot=lot > 0)
    with localcontext(prec=_DIGITS):
        return _whole(held / lot) * lot


def _whole(lots: Decimal) -> Decimal:
    return lots.to_integral_value(rounding=ROUND_FLOOR)


def _refuse_not_finite(*numbers: Decimal) -> None:
    if not all(number.is_finite() for number in numbers):
        raise SizingInvalid("not a finite number")


def _refuse_unless(**checks: bool) -> None:
    for name, holds in checks.items():
        if not holds:
            raise SizingInvalid(f"{name} makes no sense", field=name)
