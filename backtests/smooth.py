"""Cycles that go smoothly, many at once: every order fills whole at the next open, and no limit of the rule interferes.

Which bars decide follows from the rule's arrays alone (`cycles`), so their prices are found as arrays too; sizes and cash
follow (`reckoning`). The first order that is not smooth (too large for the volume, too dear, too late) ends the walk, and
`simulation` takes over on its bar. What both say is the same: tests hold one against the other.
"""

import numpy as np

from backtests.cycles import FIRST, SALE, SECOND, Cycles, Legs
from backtests.fills import Columns, Fills
from backtests.market import MICRO, Market
from backtests.moments import Moments
from backtests.orders import Orders
from backtests.plan import Plan
from backtests.reckoning import Met, Reckoned, met, reckoned
from trading.signal import Reason

REASONS = {FIRST: str(Reason.FIRST_ENTRY), SECOND: str(Reason.SECOND_ENTRY), SALE: str(Reason.EXIT_RULE)}
LEAST_CYCLES, FIRST_CYCLES, MOST_CYCLES = 8, 512, 16_384  # reckoned in one go
PATIENCE = 8  # walks that came to nothing before none is tried any more


class Smooth:
    """The smooth cycles of one plan."""

    def __init__(self, market: Market, plan: Plan, orders: Orders, moments: Moments, fills: Fills) -> None:
        self._market, self._plan, self._orders, self._fills = market, plan, orders, fills
        setup = market.setup
        self._repeat, self._cooldown, self._collar = setup.repeat, setup.cooldown_bars, setup.collar
        self._wait = setup.cooldown_bars + (0 if setup.restarts_at_once else 1)
        self._cycles = Cycles(moments, len(market.bars), self._wait, repeat=setup.repeat)
        is_in_lots = orders.fixed is None or orders.fixed % market.venue.lot == 0
        self._patience = PATIENCE if is_in_lots else 0
        self._at_once = FIRST_CYCLES

    def walk(self, bar: int) -> int:
        """Trade from `bar` on, nothing being held, as far as all goes smoothly; the next bar to decide on."""
        while self._patience and len(legs := self._cycles.legs(bar, self._at_once)):
            done = self._trade(legs)
            self._patience = PATIENCE if done else self._patience - 1
            if done < len(legs):
                self._at_once = max(LEAST_CYCLES, min(self._at_once, done))  # twice as far as it went, or farther
                self._begin_the_cycle()
                return legs.bars.item(done)
            bar = legs.bars.item(-1) + 1
            if self._plan.signal != SALE or not self._repeat:
                return bar
            bar, self._at_once = bar + self._wait, min(self._at_once * 8, MOST_CYCLES)
        return self._back_to(bar)

    def _begin_the_cycle(self) -> None:
        """The bar of a leg that is not smooth is decided on as any other: after a sale the next cycle has begun on it."""
        if self._plan.signal == SALE:
            self._plan.begin_again()
            self._plan.cooldown_left = 0

    def _back_to(self, bar: int) -> int:
        """The bar that the walk bar by bar goes on with: after a sale, that of its fill."""
        return bar - self._wait if self._plan.signal == SALE else bar

    def _trade(self, legs: Legs) -> int:
        """Size, fill and charge the legs in turn; how many went smoothly."""
        seen = met(legs, self._market, self._orders)
        came = reckoned(seen, self._plan, self._orders, self._market.venue, collar=self._collar)
        if len(came):
            fills = self._columns(seen, came)
            self._fills.extend(fills)
            self._leave(fills)
        return len(came)

    def _columns(self, seen: Met, came: Reckoned) -> Columns:
        done, plan, bars = len(came), self._plan, self._market.bars
        steps, quoted = seen.legs.steps[:done], seen.quoted[:done]
        filled, sells = seen.legs.bars[:done] + 1, steps == SALE
        expected = bars.open[filled] * self._market.venue.price_scale
        begun = plan.cycle + (plan.signal == SALE)
        return Columns(
            bar=filled,
            at=bars.opened_at[filled] * MICRO,
            cycle=begun + np.cumsum(sells) - sells,
            signal=steps,
            buys=~sells,
            price=quoted,
            quantity=came.units,
            amount=came.amount,
            fee=came.fee,
            tax=came.tax,
            cash_after=came.cash_after,
            worse_by=np.where(sells, expected - quoted, quoted - expected),
            reason=[REASONS[step] for step in steps.tolist()],
        )

    def _leave(self, fills: Columns) -> None:
        """The plan as the last of these fills leaves it."""
        plan, last = self._plan, len(fills.bar) - 1
        plan.signal, plan.cycle, plan.cash = (
            int(fills.signal[last]),
            int(fills.cycle[last]),
            int(fills.cash_after[last]),
        )
        bought = np.flatnonzero((fills.cycle == plan.cycle) & fills.buys)
        amount = sum(fills.amount[bought].tolist())
        plan.spent = amount + sum(fills.fee[bought].tolist())
        plan.cooldown_left = 0
        if plan.signal == SALE:
            plan.held = plan.held_cost = 0
            plan.held_since, plan.cooldown_left = -1, self._cooldown
        else:
            plan.held, plan.held_cost = sum(fills.quantity[bought].tolist()), amount
            plan.held_since = int(fills.bar[bought[0]])
