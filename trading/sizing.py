"""From a decision to a quantity: where indicators' float64 meets money's Decimal. Rounding never raises the risk.

Reckoned in fractions, which round nothing: the one rounding is down, to whole lots.
"""

from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from math import floor, isfinite

from trading.errors import TradingError

_DIGITS = 60  # more than any quantity has


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
    spendable = min(Fraction(budget) * Fraction(share), Fraction(budget) - Fraction(already_spent))
    lots = max(0, floor(spendable / (Fraction(lot) * Fraction(price) * (1 + Fraction(fee_rate)))))
    quantity = _times(lots, lot)
    enough = quantity >= min_quantity and Fraction(quantity) * Fraction(price) >= Fraction(min_amount)
    return quantity if enough else Decimal(0)


def most_within(*, rate: Decimal, worth: Decimal, price: Decimal, held: Decimal, lot: Decimal) -> Decimal:
    """How many more units, in whole lots, keep a position within `rate` of the account's `worth` at `price`.

    `held` counts what the position is already. Raises SizingInvalid for senseless numbers.
    """
    _refuse_not_finite(rate, worth, price, held, lot)
    _refuse_unless(rate=0 < rate <= 1, price=price > 0, held=held >= 0, lot=lot > 0)
    room = Fraction(rate) * Fraction(worth) / Fraction(price) - Fraction(held)
    return _times(max(0, floor(room / Fraction(lot))), lot)


def level_price(level: float, decimals: int) -> Decimal:
    """The lowest price with so many decimals that reaches `level`, a price to the fifteen digits a float64 is sure of.

    Raises SizingInvalid for what is no price.
    """
    price = to_decimal(float(f"{level:.15g}")) if isfinite(level) else to_decimal(level)
    _refuse_unless(level=price > 0)
    with localcontext(prec=_DIGITS):
        return price.quantize(Decimal((0, (1,), -decimals)), rounding=ROUND_CEILING)


def size_sell(*, held: Decimal, lot: Decimal) -> Decimal:
    """The whole position, as far as it is made of whole lots. Raises SizingInvalid for a negative holding."""
    _refuse_not_finite(held, lot)
    _refuse_unless(held=held >= 0, lot=lot > 0)
    return _times(floor(Fraction(held) / Fraction(lot)), lot)


def _times(lots: int, lot: Decimal) -> Decimal:
    with localcontext(prec=_DIGITS):
        return lots * lot


def _refuse_not_finite(*numbers: Decimal) -> None:
    if not all(number.is_finite() for number in numbers):
        raise SizingInvalid("not a finite number")


def _refuse_unless(**checks: bool) -> None:
    for name, holds in checks.items():
        if not holds:
            raise SizingInvalid(f"{name} makes no sense", field=name)
