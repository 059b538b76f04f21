"""What each event books: fills → postings. Pure sums; every list of lines adds up to zero per asset.

Signs: `+` into a bucket, `−` out of it. Cash buckets are external, available, reserved, position:<instrument> (what was paid
for the units held), fees, tax and realised (profit as a negative sum, before fees and taxes). Units of an instrument live in
external, available and reserved under the instrument's key as asset.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation

EXTERNAL, AVAILABLE, RESERVED, FEES, TAX, REALISED = "external", "available", "reserved", "fees", "tax", "realised"

# The smallest unit of each currency an account can be kept in, as digits after the point.
CASH_DECIMALS = {"KRW": 0, "BTC": 8, "USDT": 8}

# Twice what a column holds, so that nothing is rounded on the way; Python's own 28 digits would be, silently.
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
_CUT = Context(prec=80, rounding=ROUND_DOWN, traps=[InvalidOperation])


@dataclass(frozen=True, slots=True)
class Line:
    """One posting to be: `amount` of `asset` into `bucket`."""

    bucket: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill in the ledger's words. `amount` = price × quantity in `currency`, rounded to its unit; fee and tax likewise."""

    instrument: str
    currency: str
    quantity: Decimal
    amount: Decimal
    fee: Decimal
    tax: Decimal


def position_bucket(instrument: str) -> str:
    """The bucket that holds what was paid for the units of `instrument`."""
    return f"position:{instrument}"


def is_owned(bucket: str) -> bool:
    """Whether a bucket holds what is the person's own: it can be empty, never below."""
    return bucket in {AVAILABLE, RESERVED} or bucket.startswith("position:")


def deposit(currency: str, amount: Decimal) -> list[Line]:
    return _move(currency, amount, EXTERNAL, AVAILABLE)


def withdrawal(currency: str, amount: Decimal) -> list[Line]:
    return _move(currency, amount, AVAILABLE, EXTERNAL)


def reserve(asset: str, amount: Decimal) -> list[Line]:
    """Set cash or units aside for an order."""
    return _move(asset, amount, AVAILABLE, RESERVED)


def release(asset: str, amount: Decimal) -> list[Line]:
    """Give back what an order no longer needs."""
    return _move(asset, amount, RESERVED, AVAILABLE)


def bought(fill: Execution) -> list[Line]:
    """Reserved cash becomes a position and a fee; units arrive."""
    return _without_zeros(
        Line(RESERVED, fill.currency, -(fill.amount + fill.fee + fill.tax)),
        Line(position_bucket(fill.instrument), fill.currency, fill.amount),
        Line(FEES, fill.currency, fill.fee),
        Line(TAX, fill.currency, fill.tax),
        Line(EXTERNAL, fill.instrument, -fill.quantity),
        Line(AVAILABLE, fill.instrument, fill.quantity),
    )


def sold(fill: Execution, cost: Decimal) -> list[Line]:
    """Reserved units leave; the proceeds less fee and tax become cash, and their distance from `cost` is realised."""
    return _without_zeros(
        Line(RESERVED, fill.instrument, -fill.quantity),
        Line(EXTERNAL, fill.instrument, fill.quantity),
        Line(position_bucket(fill.instrument), fill.currency, -cost),
        Line(AVAILABLE, fill.currency, fill.amount - fill.fee - fill.tax),
        Line(FEES, fill.currency, fill.fee),
        Line(TAX, fill.currency, fill.tax),
        Line(REALISED, fill.currency, cost - fill.amount),
    )


def emptied(held: Mapping[tuple[str, str], Decimal]) -> list[Line]:
    """Everything out to where it came from, and the profit account closed: what is counted from here on starts at zero.

    `held` is what every bucket holds, by (bucket, asset).
    """
    lines = []
    for asset in sorted({asset for _bucket, asset in held}):
        mine = [(bucket, amount) for (bucket, each), amount in sorted(held.items()) if each == asset]
        lines += [Line(bucket, asset, -amount) for bucket, amount in mine if amount and bucket != EXTERNAL]
        lines += _without_zeros(Line(EXTERNAL, asset, -total(line.amount for line in lines if line.asset == asset)))
    return lines


def cost_of_sold(quantity: Decimal, held: Decimal, held_cost: Decimal, cash_decimals: int) -> Decimal:
    """What the sold part of a position had cost, by average, cut to the currency's unit; the last unit takes the rest."""
    if quantity >= held:
        return held_cost
    share = _CUT.divide(_CUT.multiply(held_cost, quantity), held)
    return share.quantize(Decimal((0, (1,), -cash_decimals)), context=_CUT)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, to the last digit."""
    result = Decimal(0)
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def imbalance(lines: Iterable[Line]) -> dict[str, Decimal]:
    """The assets whose lines do not sum to zero, with the sum: empty for a sound booking."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.asset] = total((sums.get(line.asset, Decimal(0)), line.amount))
    return {asset: left for asset, left in sums.items() if left}


def _move(asset: str, amount: Decimal, source: str, target: str) -> list[Line]:
    return [Line(source, asset, -amount), Line(target, asset, amount)]


def _without_zeros(*lines: Line) -> list[Line]:
    return [line for line in lines if line.amount]
