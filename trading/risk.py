"""Intent → order or denial: the sums behind our own limits. Pure; the service reads the numbers and stores the answer."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from brokers.virtual import costs
from markets.calendars import Calendar
from markets.rules import passive_price, price_band, round_to_tick
from markets.types import InstrumentRules, Side

# A market order has no price, yet cash must be set aside before it is sent. This much above the ask is reserved, and the
# order never pays more: a price that ran further away is not chased.
MARKET_BUY_MARGIN = Decimal("0.05")
ROUND_THE_CLOCK_ORDER_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Denial:
    """Why our limits refused an order, with the numbers."""

    code: str
    facts: dict[str, str]


def worst_buy_price(rules: InstrumentRules, reference: Decimal, on: date) -> Decimal:
    """The most a market buy may pay per unit, on the tick above `reference` plus the margin.

    Where the venue's tick is finer than the instrument's unit, the unit is the tick.
    """
    unit = Decimal((0, (1,), -rules.price_decimals))
    worst = (reference * (1 + MARKET_BUY_MARGIN)).quantize(unit, rounding=ROUND_CEILING)
    return round_to_tick(rules.tick_table, worst, on, "up")


def collar_price(
    rules: InstrumentRules, side: Side, quote: Decimal, base: Decimal, rate: Decimal, most: Decimal | None, on: date
) -> Decimal:
    """The limit that a market order goes out with: a valid price at most `rate` worse than the last good quote.

    It lies inside the day's price limits around `base`, and a buy never pays more than the `most` it was reserved at. Where
    prices have run further away the order rests: nothing is chased.
    """
    unit = Decimal((0, (1,), -rules.price_decimals))
    band = price_band(rules, base, on)
    if side is Side.BUY:
        highest = [quote * (1 + rate), *([most] if most is not None else []), *(band[1:] if band else ())]
        return passive_price(rules.tick_table, side, min(highest).quantize(unit, rounding=ROUND_FLOOR), on)
    lowest = [quote * (1 - rate), unit, *(band[:1] if band else ())]
    return passive_price(rules.tick_table, side, max(lowest).quantize(unit, rounding=ROUND_CEILING), on)


def to_reserve(rules: InstrumentRules, side: Side, quantity: Decimal, worst_price: Decimal, on: date) -> Decimal:
    """What an order sets aside: cash for the dearest way a buy can fill, the units themselves for a sell."""
    return costs.worst_case(rules, side, worst_price, quantity, on) if side is Side.BUY else quantity


def shortage(side: Side, needed: Decimal, available: Decimal) -> Denial | None:
    """The denial for an order that needs more than is free, or None. A sale of what is not held is a short sale: refused."""
    if needed <= available:
        return None
    code = "insufficient_cash" if side is Side.BUY else "insufficient_quantity"
    return Denial(code, {"needed": format(needed, "f"), "available": format(available, "f")})


def day_order_expiry(calendar: Calendar, at: datetime) -> datetime:
    """When a day order placed at `at` dies: at the close of this session or, placed outside one, of the next.

    A market that never closes has no such moment; there a day order lives for 24 hours.
    """
    if calendar.key == "always":
        return at + ROUND_THE_CLOCK_ORDER_LIFE
    session = calendar.session_at(at) or calendar.session_at(calendar.next_open(at))
    if session is None:
        raise ValueError(f"calendar {calendar.key} opens after {at} without a session")
    return session.closed_at
