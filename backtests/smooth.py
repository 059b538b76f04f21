"""Cycles that go smoothly, many at once: every order fills whole at the next open, and no limit of the rule interferes.

Which bars decide follows from the rule's arrays alone, so their prices are found as arrays too; only sizes and cash are
reckoned one after the other. The first order that is not smooth (too large for the volume, too dear, too late) ends the
walk, and `simulation` takes over on its bar. What both say is the same: tests hold one against the other.
"""

from bisect import bisect_left

import numpy as np

from backtests.fills import Fills
from backtests.market import MICRO, Market
from backtests.moments import Moments
from backtests.orders import Orders
from backtests.plan import STEPS, Plan
from markets.bars import FloatArray, IntArray
from markets.types import Side
from trading.signal import Action, Reason

SALE = STEPS[Action.SELL]
REASONS = {1: str(Reason.FIRST_ENTRY), 2: str(Reason.SECOND_ENTRY), SALE: str(Reason.EXIT_RULE)}
_SIDES = {1: Side.BUY, 2: Side.BUY, SALE: Side.SELL}
FIRST_CYCLES, MOST_CYCLES = 128, 4096  # reckoned in one go
PATIENCE = 8  # walks that came to nothing before none is tried any more

Leg = tuple[int, int]  # the bar decided on, and the step


class Smooth:
    """The smooth cycles of one plan. `wait`: bars from a sale's fill to the first that may buy again."""

    def __init__(self, market: Market, plan: Plan, orders: Orders, moments: Moments, fills: Fills) -> None:
        self._market, self._plan, self._orders, self._moments, self._fills = market, plan, orders, moments, fills
        setup = market.setup
        self._repeat, self._cooldown = setup.repeat, setup.cooldown_bars
        self._wait = setup.cooldown_bars + (0 if setup.restarts_at_once else 1)
        self._patience = PATIENCE

    def walk(self, bar: int) -> int:
        """Trade from `bar` on, nothing being held, as far as all goes smoothly; the next bar to decide on."""
        cycles = FIRST_CYCLES
        while self._patience and (legs := self._legs(bar, cycles)):
            done = self._trade(legs)
            self._patience = PATIENCE if done else self._patience - 1
            if done < len(legs):
                return legs[done][0]
            bar = legs[-1][0] + 1
            if self._plan.signal != SALE or not self._repeat:
                return bar
            bar, cycles = bar + self._wait, min(cycles * 8, MOST_CYCLES)
        return self._back_to(bar)

    def _back_to(self, bar: int) -> int:
        """The bar that the walk bar by bar goes on with: after a sale, that of its fill."""
        return bar - self._wait if self._plan.signal == SALE else bar

    def _legs(self, bar: int, cycles: int) -> list[Leg]:
        """The next decisions, by cycle; each could be filled in the bar after it."""
        firsts, seconds, exits = self._moments.first, self._moments.second, self._moments.exits
        last = len(self._market.bars) - 1
        first = second = sale = 0
        legs: list[Leg] = []
        for _ in range(cycles):
            first = bisect_left(firsts, bar, first)
            if first == len(firsts) or (bought := firsts[first]) >= last:
                break
            legs.append((bought, 1))
            sale = bisect_left(exits, bought + 1, sale)
            sold = exits[sale] if sale < len(exits) else last
            if seconds:
                second = bisect_left(seconds, bought + 1, second)
                if second < len(seconds) and seconds[second] < min(sold, last):
                    legs.append((seconds[second], 2))
            if sold >= last:
                break
            legs.append((sold, SALE))
            if not self._repeat:
                break
            bar = sold + 1 + self._wait
        return legs

    def _trade(self, legs: list[Leg]) -> int:
        """Size, fill and charge the legs in turn; how many went smoothly."""
        market, plan, orders, bars = self._market, self._plan, self._orders, self._market.bars
        places, steps = zip(*legs, strict=True)
        decided: IntArray = np.array(places, dtype=np.int64)
        filled = decided + 1
        buys, opened, traded = np.array(steps) != SALE, bars.opened_at[filled], bars.open[filled]
        quoted, days = market.quotes(buys, traded, opened), market.venue.days(opened)
        references, placed = orders.references(decided), market.venue.days(bars.closed_at[decided])
        conditions = zip(orders.alive(decided, opened), market.shares(filled), strict=True)
        fills, done = self._fills, 0
        charged, terms, pays, lot = market.venue.charged, orders.terms, orders.pays, market.venue.lot
        each_leg = zip(steps, quoted, days, references, placed, conditions, strict=True)
        for step, price, day, reference, today, (in_time, share) in each_leg:
            if step == SALE:
                units = plan.held
                if not in_time or units > share or price <= 0 or units % lot:
                    break
                amount, fee, tax = charged(Side.SELL, price * units, day)
                plan.sold(units, amount, fee, tax)
            else:
                if plan.signal == SALE:
                    plan.begin_again()
                units, collar = terms(step, reference, today)
                if not in_time or not 0 < units <= share or not pays(units, price, collar, day, today):
                    break
                amount, fee, tax = charged(Side.BUY, price * units, day)
                plan.bought(places[done] + 1, units, amount, fee, tax)
            plan.signal = step
            done += 1
            fills.cycle.append(plan.cycle)
            fills.quantity.append(units)
            fills.amount.append(amount)
            fills.fee.append(fee)
            fills.tax.append(tax)
            fills.cash_after.append(plan.cash)
        self._write(steps[:done], filled[:done], opened[:done], traded[:done], quoted[:done])
        return done

    def _write(
        self, steps: tuple[int, ...], filled: IntArray, opened: IntArray, traded: FloatArray, quoted: list[int]
    ) -> None:
        """The other columns of the legs' fills, and the plan left where the last one leaves it."""
        fills, plan = self._fills, self._plan
        expected = traded * self._market.venue.price_scale
        fills.bar += filled.tolist()
        fills.at += (opened * MICRO).tolist()
        fills.signal += steps
        fills.side += [_SIDES[step] for step in steps]
        fills.price += quoted
        fills.worse_by += np.where(np.array(steps) != SALE, quoted - expected, expected - quoted).tolist()
        fills.reason += [REASONS[step] for step in steps]
        plan.cooldown_left = 0
        if plan.signal == SALE:
            plan.held_since, plan.cooldown_left = -1, self._cooldown
