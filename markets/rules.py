"""What a venue accepts on a given day: price ticks, lots, minimums and the daily price limit.

The rules are dated rows in `data/tick_tables.json` and `data/price_limits.json`, each with its source. All arithmetic
is exact Decimal. A refusal is a `RuleViolation`, which carries the nearest allowed numbers.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from markets.dated import Period, in_force, period_of, read_json
from markets.types import InstrumentRules, Side

DATA = Path(__file__).parent / "data"
MOST_DIGITS = 18  # before the point, and after it: no venue of ours needs more

# 18 + 18 digits times a rate fit; anything that would be rounded raises instead.
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation, Overflow])
_SANE = Context(prec=2 * MOST_DIGITS, traps=[Inexact, InvalidOperation, Overflow])
_FINEST = Decimal((0, (1,), -MOST_DIGITS))


class RuleCode(StrEnum):
    """Why a venue would refuse an order."""

    BAD_NUMBER = "bad_number"
    WRONG_LOT = "wrong_lot"
    WRONG_TICK = "wrong_tick"
    BELOW_MINIMUM = "below_minimum"
    OUTSIDE_PRICE_LIMIT = "outside_price_limit"


class RuleViolation(Exception):
    """An order breaks a rule of its venue.

    `field` is "quantity", "limit_price", "base_price", "price" or "amount". `low` and `high` are what would be allowed:
    the nearest steps around `given` for a wrong tick or lot, the band for a price limit, the minimum as `low`; None
    where nothing is allowed on that side. `step` is the tick or lot. A bad number is not repeated (`given` is None).
    """

    def __init__(
        self,
        code: RuleCode,
        field: str,
        given: Decimal | None = None,
        *,
        low: Decimal | None = None,
        high: Decimal | None = None,
        step: Decimal | None = None,
    ) -> None:
        super().__init__(f"{code}: {field} {given} (low {low}, high {high}, step {step})")
        self.code, self.field, self.given = code, field, given
        self.low, self.high, self.step = low, high, step


class Band(NamedTuple):
    """Prices from `start` (included) up to the next band move in steps of `tick`."""

    start: Decimal
    tick: Decimal


@dataclass(frozen=True, slots=True)
class TickRow:
    """One table for one period. Every band starts on a multiple of its own tick and of the one below.

    That property makes rounding to a multiple of the tick correct at the borders too; a table without it is refused.
    """

    period: Period
    bands: tuple[Band, ...]

    def __post_init__(self) -> None:
        for below, band in zip((self.bands[0], *self.bands), self.bands, strict=False):
            if band.start % band.tick or band.start % below.tick or band.start < below.start:
                raise ValueError(f"tick table of {self.period.first}: the band at {band.start} starts off its ticks")

    def tick(self, price: Decimal) -> Decimal:
        return self.bands[bisect_right(self.bands, price, key=lambda band: band.start) - 1].tick


@dataclass(frozen=True, slots=True)
class LimitRow:
    """The widest daily move (a fraction) a venue allowed in one period; None: the instrument's own rate alone."""

    period: Period
    rate: Decimal | None


@cache
def _tick_tables() -> dict[str, tuple[TickRow, ...]]:
    return {
        name: tuple(
            TickRow(period_of(row), tuple(Band(Decimal(start), Decimal(tick)) for start, tick in row["bands"]))
            for row in rows
        )
        for name, rows in read_json(DATA / "tick_tables.json").items()
    }


@cache
def _limit_rows() -> dict[str, tuple[LimitRow, ...]]:
    return {
        calendar: tuple(LimitRow(period_of(row), Decimal(row["rate"]) if row["rate"] else None) for row in rows)
        for calendar, rows in read_json(DATA / "price_limits.json").items()
    }


@lru_cache(maxsize=4096)
def _row(table: str, on: date) -> TickRow:
    return in_force(_tick_tables().get(table, ()), on, f"tick table {table}")


def require_number(value: Decimal, field: str) -> Decimal:
    """`value` when it is finite, above zero and has at most 18 digits either side of the point (end zeros aside).

    Looks at size and exponent before anything that could grow with them, so 1e400 or a million digits cost nothing.
    Raises RuleViolation bad_number.
    """
    if not value.is_finite() or value <= 0 or not -MOST_DIGITS <= value.adjusted() < MOST_DIGITS:
        raise RuleViolation(RuleCode.BAD_NUMBER, field)
    try:
        _SANE.quantize(value, _FINEST)
    except Inexact:
        raise RuleViolation(RuleCode.BAD_NUMBER, field) from None
    return _SANE.plus(value)


def bands(table: str, on: date) -> tuple[Band, ...]:
    """The bands of a tick table in force on a day, lowest first. Raises NoRuleInForce for an unknown table."""
    return _row(table, on).bands


def tick_size(table: str, price: Decimal, on: date) -> Decimal:
    """The step in which prices move at `price`. Raises RuleViolation bad_number, NoRuleInForce."""
    return _row(table, on).tick(require_number(price, "price"))


def on_tick(table: str, price: Decimal, on: date) -> bool:
    """Whether the venue knows `price` at all."""
    return not _EXACT.remainder(price, tick_size(table, price, on))


def round_to_tick(table: str, price: Decimal, on: date, direction: Literal["down", "up"]) -> Decimal:
    """The nearest valid price at or below ("down") or at or above ("up") `price`.

    Raises RuleViolation wrong_tick when nothing is left below, with the lowest price as `high`.
    """
    low, high = _around(require_number(price, "price"), tick_size(table, price, on))
    if direction == "up":
        return high
    if not low:
        raise RuleViolation(RuleCode.WRONG_TICK, "price", price, high=high, step=high)
    return low


def passive_price(table: str, side: Side, price: Decimal, on: date) -> Decimal:
    """`price` on the tick without raising the risk: a buy rounds down, a sell up."""
    return round_to_tick(table, price, on, "down" if side == Side.BUY else "up")


def price_band(rules: InstrumentRules, base: Decimal, on: date) -> tuple[Decimal, Decimal] | None:
    """The lowest and highest price the venue takes on a day, or None where it has no daily limit.

    KRX: base x rate, cut to the tick of the base price, either side of it (128,500, tick 500: 90,000 and 167,000).
    Where an end falls between the ticks of its own band it is moved inwards: the venue's rounding there is unconfirmed,
    and inwards is right under every reading. The width is at least one tick, or a stock at 1 KRW could never move
    (unconfirmed too).
    """
    if rules.price_limit_rate is None:
        return None
    base = require_number(base, "base_price")
    cap = _historic_cap(rules.calendar, on)
    rate = rules.price_limit_rate if cap is None else min(cap, rules.price_limit_rate)
    tick = tick_size(rules.tick_table, base, on)
    width = max(_around(_EXACT.multiply(base, rate), tick)[0], tick)
    low, high = max(_EXACT.subtract(base, width), tick), _EXACT.add(base, width)
    return round_to_tick(rules.tick_table, low, on, "up"), round_to_tick(rules.tick_table, high, on, "down")


def _historic_cap(calendar: str, on: date) -> Decimal | None:
    rows = _limit_rows().get(calendar, ())
    return in_force(rows, on, f"price limits {calendar}").rate if rows else None


def check_order(
    rules: InstrumentRules,
    side: Side,
    quantity: Decimal,
    limit_price: Decimal | None,
    base_price: Decimal | None,
    on: date,
) -> None:
    """Raise RuleViolation for the first broken rule: numbers, lot, minimum quantity, tick, price limit, minimum amount.

    A market order has no `limit_price`; its amount is judged at `base_price`, the only price known here. Without a
    `base_price` the price limit cannot be judged and is left to the venue. Both sides obey the same rules today.
    """
    quantity = require_number(quantity, "quantity")
    _check_step(RuleCode.WRONG_LOT, "quantity", quantity, rules.lot)
    _check_minimum("quantity", quantity, rules.min_quantity)
    base = None if base_price is None else require_number(base_price, "base_price")
    limit = None if limit_price is None else _checked_limit(rules, limit_price, base, on)
    price = base if limit is None else limit
    if price is not None:
        _check_minimum("amount", _EXACT.multiply(price, quantity), rules.min_amount)


def _checked_limit(rules: InstrumentRules, limit_price: Decimal, base: Decimal | None, on: date) -> Decimal:
    price = require_number(limit_price, "limit_price")
    smallest = Decimal((0, (1,), -rules.price_decimals))  # where the venue's tick is finer, our unit rules
    _check_step(RuleCode.WRONG_TICK, "limit_price", price, max(tick_size(rules.tick_table, price, on), smallest))
    band = None if base is None else price_band(rules, base, on)
    if band is not None and not band[0] <= price <= band[1]:
        raise RuleViolation(RuleCode.OUTSIDE_PRICE_LIMIT, "limit_price", price, low=band[0], high=band[1])
    return price


def _check_step(code: RuleCode, field: str, value: Decimal, step: Decimal) -> None:
    low, high = _around(value, step)
    if low != high:
        raise RuleViolation(code, field, value, low=low or None, high=high, step=step)


def _check_minimum(field: str, value: Decimal, minimum: Decimal) -> None:
    if value < minimum:
        raise RuleViolation(RuleCode.BELOW_MINIMUM, field, value, low=minimum)


def _around(value: Decimal, step: Decimal) -> tuple[Decimal, Decimal]:
    """The multiples of `step` at or below and at or above `value`."""
    low = _EXACT.multiply(_EXACT.divide_int(value, step), step)
    return (low, low) if low == value else (low, _EXACT.add(low, step))
