"""What the legs of smooth cycles cost and bring, and how far the cash goes: all at once where each buys the same quantity,
one after the other where each is sized by what the last one left. Integers throughout, as in the walk bar by bar."""

from dataclasses import dataclass

import numpy as np

from backtests.cycles import SALE, Legs
from backtests.fills import Whole, whole_numbers
from backtests.market import Market
from backtests.orders import DEAREST, Orders, has_common_rates
from backtests.plan import Plan
from backtests.venue import Day, Venue
from markets.bars import IntArray
from markets.types import Side
from strategies.evaluation import BoolArray

ROOM = 2**60  # what products and sums may come to in int64


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """What each leg meets in the bar it fills in. Arrays of shape (n,), in units.

    `most` is how much can be had; 0 where the order comes too late, or nobody bids. `worst`: the most a buy is sized to pay.
    `placed` and `filled` are the rules of the days on which the orders are made and filled, (from, to, day).
    """

    legs: Legs
    quoted: IntArray
    most: IntArray
    worst: IntArray
    placed: list[tuple[int, int, Day]]
    filled: list[tuple[int, int, Day]]

    @property
    def sells(self) -> BoolArray:
        sells: BoolArray = self.legs.steps == SALE
        return sells


@dataclass(frozen=True, slots=True, eq=False)
class Reckoned:
    """The legs that went smoothly, from the first on: arrays of shape (n,) in units."""

    units: Whole
    amount: Whole
    fee: Whole
    tax: Whole
    cash_after: Whole

    def __len__(self) -> int:
        return len(self.units)


def met(legs: Legs, market: Market, orders: Orders) -> Met:
    """What the legs meet, each in the bar after the one decided on."""
    bars, decided = market.bars, legs.bars
    filled, buys = decided + 1, legs.steps != SALE
    opened = bars.opened_at[filled]
    quoted = market.quotes(buys, bars.open[filled], opened)
    most = np.where(orders.alive(decided, opened) & (quoted > 0), market.shares(filled), 0)
    placed = market.venue.days(bars.closed_at[decided])
    return Met(legs, quoted, most, orders.worsts(decided), placed, market.venue.days(opened))


def reckoned(seen: Met, plan: Plan, orders: Orders, venue: Venue, *, collar: bool) -> Reckoned:
    """The legs in order, until one is not smooth: too much for the volume, too dear, too late."""
    if orders.fixed is not None:
        alike = _all_at_once(seen, orders.fixed, plan.cash, orders, venue, collar=collar)
        if alike is not None:
            return alike
    return _one_by_one(seen, plan.cash, orders, venue, collar=collar)


def _all_at_once(seen: Met, fixed: int, cash: int, orders: Orders, venue: Venue, *, collar: bool) -> Reckoned | None:
    """The legs when each buys `fixed` units; None where int64 has no room to reckon them."""
    sells, count = seen.sells, len(seen.quoted)
    units = _units(sells, fixed)
    dearest = max(seen.quoted.max(initial=0), seen.worst.max(initial=0)).item() * units.max(initial=0).item()
    if dearest * _largest_multiplier(seen.filled, venue) >= ROOM or cash + dearest * venue.more * count >= ROOM:
        return None
    traded = seen.quoted * units
    amount = (traded * venue.more + np.where(sells, 0, venue.less - 1)) // venue.less
    fee, tax = np.empty_like(traded), np.empty_like(traded)
    for start, stop, day in seen.filled:
        part, sold = traded[start:stop], sells[start:stop]
        for into, place in ((fee, 0), (tax, 2)):
            (bought_at, bought_of), (sold_at, sold_of) = day.buying[place : place + 2], day.selling[place : place + 2]
            if bought_at == sold_at and bought_of == sold_of:
                into[start:stop] = part * bought_at // bought_of
            else:
                into[start:stop] = np.where(sold, part * sold_at // sold_of, part * bought_at // bought_of)
    moved = np.where(sells, amount, -amount) - fee - tax
    cash_after = cash + np.cumsum(moved)
    smooth = (units > 0) & (units <= seen.most)
    before = cash_after - moved
    if collar:
        smooth &= sells | (seen.quoted <= seen.worst)
        needed, days = (seen.worst * units * venue.more + venue.less - 1) // venue.less, seen.placed
    else:
        needed, days = amount, seen.filled
    sure = sells | (needed + needed // DEAREST + 2 <= before)
    for start, stop, day in days:
        if not has_common_rates(day):
            sure[start:stop] = sells[start:stop]
    done = _first_false(smooth & sure, 0)
    while collar and done < count and smooth[done]:
        if orders.worst_case(int(seen.worst[done] * units[done]), _day_at(days, done)) > before[done]:
            break
        done = _first_false(smooth & sure, done + 1)
    return Reckoned(*(each[:done] for each in (units, amount, fee, tax, cash_after)))


def _units(sells: BoolArray, fixed: int) -> IntArray:
    """What each leg trades: a sale everything bought since the one before it."""
    places = np.flatnonzero(sells)
    units = np.full(len(sells), fixed)
    units[places] = fixed * (np.diff(places, prepend=-1) - 1)
    return units


def _largest_multiplier(days: list[tuple[int, int, Day]], venue: Venue) -> int:
    charges = [each for _, _, day in days for each in (*day.buying[::2], *day.selling[::2])]
    return max(venue.more, venue.less, *charges)


def _first_false(holds: BoolArray, since: int) -> int:
    rest = holds[since:]
    place = int(rest.argmin()) if len(rest) else 0
    return since + place if len(rest) and not rest[place] else len(holds)


def _day_at(days: list[tuple[int, int, Day]], place: int) -> Day:
    return next(day for start, stop, day in days if start <= place < stop)


def _one_by_one(seen: Met, cash: int, orders: Orders, venue: Venue, *, collar: bool) -> Reckoned:
    """The legs when what one left decides what the next buys."""
    held = spent = 0
    told: list[tuple[int, int, int, int, int]] = []
    met = (each.tolist() for each in (seen.legs.steps, seen.quoted, seen.most, seen.worst))
    each_leg = zip(*met, _each(seen.filled), _each(seen.placed), strict=True)
    for step, price, most, worst, day, placed in each_leg:
        if step == SALE:
            if held > most:
                break
            amount, fee, tax = venue.charged(Side.SELL, price * held, day)
            cash += amount - fee - tax
            told.append((held, amount, fee, tax, cash))
            held = spent = 0
            continue
        units = orders.sized(step, worst, placed, cash, spent)
        if not 0 < units <= most or (collar and price > worst):
            break
        amount, fee, tax = venue.charged(Side.BUY, price * units, day)
        if not (orders.sets_aside(cash, worst * units, placed) if collar else orders.surely_pays(cash, amount, day)):
            break
        cash -= amount + fee + tax
        held, spent = held + units, spent + amount + fee
        told.append((units, amount, fee, tax, cash))
    columns = list(zip(*told, strict=True)) or [()] * 5
    return Reckoned(*(whole_numbers(column) for column in columns))


def _each(days: list[tuple[int, int, Day]]) -> list[Day]:
    return [day for start, stop, day in days for _ in range(stop - start)]
