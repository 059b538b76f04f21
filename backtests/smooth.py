"""Cycles that go smoothly, many at once: every order fills whole at the next open, and no limit of the rule interferes.

Which bars decide follows from the rule's arrays alone, so their prices are found as arrays too; only sizes and cash are
reckoned one after the other. The first order that is not smooth (too large for the volume, too dear, too late) ends the
walk, and `simulation` takes over on its bar. What both say is the same: tests hold one against the other.
"""

from bisect import bisect_left

import numpy as np

from backtests.fills import UnitFill
from backtests.market import MICRO, Market
from backtests.moments import Moments
from backtests.orders import Orders
from backtests.plan import STEPS, Plan
from backtests.venue import Day
from markets.bars import IntArray
from markets.types import Side
from trading.signal import Action, Reason

SALE = STEPS[Action.SELL]
REASONS = {1: str(Reason.FIRST_ENTRY), 2: str(Reason.SECOND_ENTRY), SALE: str(Reason.EXIT_RULE)}
FIRST_CYCLES, MOST_CYCLES = 16, 4096  # reckoned in one go
PATIENCE = 8  # walks that came to nothing before none is tried any more

Leg = tuple[int, int]  # the bar decided on, and the step


class Smooth:
    """The smooth cycles of one plan. `wait`: bars from a sale's fill to the first that may buy again."""

    def __init__(self, market: Market, plan: Plan, orders: Orders, moments: Moments, fills: list[UnitFill]) -> None:
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
            bar, cycles = bar + self._wait, min(cycles * 4, MOST_CYCLES)
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
        market, plan, orders, venue = self._market, self._plan, self._orders, self._market.venue
        places, steps = zip(*legs, strict=True)
        decided: IntArray = np.array(places, dtype=np.int64)
        buys = np.array(steps) != SALE
        opened = market.bars.opened_at[decided + 1]
        traded = market.bars.open[decided + 1]
        at_open = zip(
            *(legs, opened.tolist(), traded.tolist(), market.quotes(buys, traded, opened), venue.days(opened)),
            *(market.shares(decided + 1), orders.alive(decided, opened), orders.references(decided, buys)),
            strict=True,
        )
        done = 0
        for (bar, step), at, price, quoted, day, share, in_time, (reference, today) in at_open:
            if step == SALE:
                units = plan.held
                is_smooth = units <= share and quoted > 0 and not units % venue.lot
            else:
                if plan.signal == SALE:
                    plan.cooldown_left = 0
                    plan.begin_again()
                units, collar = orders.terms(step, reference, today)
                is_smooth = 0 < units <= share and orders.pays(units, quoted, collar, day, today)
            if not (is_smooth and in_time):
                break
            self._fill(bar + 1, at, step, price, quoted, units, day)
            done += 1
        return done

    def _fill(self, bar: int, at: int, step: int, price: float, quoted: int, units: int, day: Day) -> None:
        plan, venue = self._plan, self._market.venue
        is_buy = step != SALE
        side = Side.BUY if is_buy else Side.SELL
        amount, fee, tax = venue.charged(side, quoted * units, day)
        traded = price * venue.price_scale
        worse = quoted - traded if is_buy else traded - quoted
        if is_buy:
            plan.bought(bar, units, amount, fee, tax)
        else:
            plan.sold(units, amount, fee, tax)
            plan.held_since, plan.cooldown_left = -1, self._cooldown
        plan.signal = step
        cash, cycle, reason = plan.cash, plan.cycle, REASONS[step]
        self._fills.append(
            UnitFill(bar, at * MICRO, cycle, step, side, quoted, units, amount, fee, tax, cash, worse, reason)
        )
