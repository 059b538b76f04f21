"""What trading costs: commission and tax as dated rows, and how they are rounded.

The rows, each with its source, are in `data/costs.json`. They hold for the day a trade is executed; the tax law speaks
of the day it is settled (T+2), so a year's new rate starts with the last two trading days of the year before.

Rounding. Money is kept in the smallest unit of the currency (`InstrumentRules.cash_decimals`), and an order may fill in
many pieces. So an order's exact totals are what is rounded, and a fill is charged the difference between the rounded
total after it and before it:

    amount  a buy's total is rounded up, a sell's down (against us)
    fee     total commission, cut
    tax     total tax, cut

The charges of all fills then add up to the same money however the order was cut into pieces, and none is negative.
For a buy each total is at most what limit price x whole quantity gives, and rounding keeps that order: `worst_case`,
the charges of one fill of everything at the limit, can never be exceeded. (Rounding each fill by itself could exceed it
by almost one unit per fill.) A sell needs no cash: its fee and tax together never exceed its amount.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact, InvalidOperation
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from markets.dated import Period, in_force, period_of, read_json
from markets.types import InstrumentKind, InstrumentRules, Side

COSTS = Path(__file__).parent / "data" / "costs.json"

_EXACT = Context(prec=120, traps=[Inexact, InvalidOperation])
_ROUNDED_UP = Context(prec=120, rounding=ROUND_CEILING, traps=[InvalidOperation])
_CUT = Context(prec=120, rounding=ROUND_FLOOR, traps=[InvalidOperation])
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rates:
    """Fractions of the traded amount."""

    commission: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Charges:
    """What one fill moves, in the instrument's currency, all >= 0: the traded amount, the broker's fee, the tax."""

    amount: Decimal
    fee: Decimal
    tax: Decimal

    def cash(self, side: Side) -> Decimal:
        """What the account's cash changes by: below zero for a buy."""
        costs = _EXACT.add(self.fee, self.tax)
        return _EXACT.minus(_EXACT.add(self.amount, costs)) if side == Side.BUY else _EXACT.subtract(self.amount, costs)

    def less(self, earlier: "Charges") -> "Charges":
        """What these totals add to earlier ones."""
        return Charges(
            _EXACT.subtract(self.amount, earlier.amount),
            _EXACT.subtract(self.fee, earlier.fee),
            _EXACT.subtract(self.tax, earlier.tax),
        )


@dataclass(frozen=True, slots=True)
class ChargeState:
    """What one order has traded so far: exact totals, not rounded, whatever the order in which fills were added."""

    amount: Decimal = ZERO
    fee: Decimal = ZERO
    tax: Decimal = ZERO

    def after(self, price: Decimal, quantity: Decimal, rates: Rates) -> "ChargeState":
        traded = _EXACT.multiply(price, quantity)
        return ChargeState(
            _EXACT.add(self.amount, traded),
            _EXACT.fma(traded, rates.commission, self.fee),
            _EXACT.fma(traded, rates.tax, self.tax),
        )

    def rounded(self, side: Side, cash_decimals: int) -> Charges:
        unit = Decimal((0, (1,), -cash_decimals))
        return Charges(
            _ROUNDED_UP.quantize(self.amount, unit) if side == Side.BUY else _CUT.quantize(self.amount, unit),
            _CUT.quantize(self.fee, unit),
            _CUT.quantize(self.tax, unit),
        )


class Fill(NamedTuple):
    """One execution of an order, as far as its costs depend on it."""

    price: Decimal
    quantity: Decimal
    on: date


@dataclass(frozen=True, slots=True)
class CostRow:
    """One rate for some kinds of instrument, currencies and sides, in one period."""

    kinds: frozenset[str]
    currencies: frozenset[str]
    sides: frozenset[str]
    period: Period
    rate: Decimal


@cache
def _rows(subject: str) -> tuple[CostRow, ...]:
    return tuple(
        CostRow(
            frozenset(row["kinds"]),
            frozenset(row["currencies"]),
            frozenset(row["sides"]),
            period_of(row),
            Decimal(row["rate"]),
        )
        for row in read_json(COSTS)[subject]
    )


@lru_cache(maxsize=256)
def _rows_for(subject: str, kind: InstrumentKind, currency: str, side: Side) -> tuple[CostRow, ...]:
    return tuple(
        row for row in _rows(subject) if kind in row.kinds and currency in row.currencies and side in row.sides
    )


@lru_cache(maxsize=4096)
def _rate(subject: str, kind: InstrumentKind, currency: str, side: Side, on: date) -> Decimal:
    return in_force(_rows_for(subject, kind, currency, side), on, f"{subject} of {kind} in {currency}, {side}").rate


def rates(rules: InstrumentRules, side: Side, on: date, *, commission: Decimal | None = None) -> Rates:
    """The rates for a trade executed on a day; `commission` is what an account agreed with its broker, if it did.

    Raises markets.dated.NoRuleInForce where we know of no rate: never 0 by default.
    """
    if commission is None:
        commission = _rate("commission", rules.kind, rules.currency, side, on)
    return Rates(commission, _rate("tax", rules.kind, rules.currency, side, on))


def charges(
    rules: InstrumentRules,
    side: Side,
    price: Decimal,
    quantity: Decimal,
    on: date,
    *,
    commission: Decimal | None = None,
) -> Charges:
    """The charges of an order that fills at once and whole."""
    state = ChargeState().after(price, quantity, rates(rules, side, on, commission=commission))
    return state.rounded(side, rules.cash_decimals)


def incremental_charges(
    rules: InstrumentRules, side: Side, before: ChargeState, fill: Fill, *, commission: Decimal | None = None
) -> tuple[Charges, ChargeState]:
    """The charges of the next fill of an order, and the order's totals after it, by the rounding rule above."""
    after = before.after(fill.price, fill.quantity, rates(rules, side, fill.on, commission=commission))
    return after.rounded(side, rules.cash_decimals).less(before.rounded(side, rules.cash_decimals)), after


def charge_state(
    rules: InstrumentRules, side: Side, fills: Iterable[Fill], *, commission: Decimal | None = None
) -> ChargeState:
    """The totals of the fills an order has had, in any order."""
    state = ChargeState()
    for fill in fills:
        state = state.after(fill.price, fill.quantity, rates(rules, side, fill.on, commission=commission))
    return state


def worst_case(
    rules: InstrumentRules,
    side: Side,
    limit_price: Decimal,
    quantity: Decimal,
    on: date,
    *,
    commission: Decimal | None = None,
) -> Decimal:
    """The cash to reserve for an order: no fills at or below the limit, on this day or later, can cost more.

    For a market order the limit is its collar. Nothing for a sell: its proceeds pay its costs.
    """
    if side == Side.SELL:
        return ZERO
    highest = highest_rates(rules, side, on, commission=commission)
    whole = ChargeState().after(limit_price, quantity, highest).rounded(side, rules.cash_decimals)
    return _EXACT.minus(whole.cash(side))


def highest_rates(rules: InstrumentRules, side: Side, on: date, *, commission: Decimal | None = None) -> Rates:
    """The highest rates in force on a day or any later one: an order may rest into a dearer year."""
    highest = rates(rules, side, on, commission=commission)
    for subject in ("commission", "tax") if commission is None else ("tax",):
        later = (row.rate for row in _rows_for(subject, rules.kind, rules.currency, side) if row.period.first > on)
        highest = replace(highest, **{subject: max((getattr(highest, subject), *later))})
    return highest
