"""The plan of a run: where SIGNAL stands, what is held, and the order on its way. What `trading` keeps in rows, in integers."""

from dataclasses import dataclass
from decimal import Decimal

from backtests.venue import Charging, Venue
from markets.types import Side
from trading import ledger
from trading.signal import Action, PlanState, advance

STEPS = {Action.BUY_FIRST: 1, Action.BUY_SECOND: 2, Action.SELL: 3}
NOTHING = Decimal(0)
DONE = {step: action for action, step in STEPS.items()}


@dataclass(slots=True, eq=False)
class Working:
    """An order. `expires_at` in microseconds since 1970 UTC, None: never; `first_fill` its place among the fills."""

    side: Side
    step: int
    remaining: int
    collar: int | None
    placed_at: int
    expires_at: int | None
    reason: str
    charging: Charging
    first_fill: int
    filled: int = 0


class Plan:
    """Where the plan stands. Quantities and cash in units."""

    def __init__(self, venue: Venue, cash: int, cooldown_bars: int, *, repeat: bool) -> None:
        self._venue, self._cooldown_bars, self._repeat = venue, cooldown_bars, repeat
        self.cash = cash
        self.signal, self.cycle = 0, 1
        self.held = self.held_cost = self.spent = 0
        self.exiting = False
        self.cooldown_left = 0
        self.held_since = -1  # the bar of the first fill

    @property
    def balance(self) -> int:
        """All the cash there is; `cash` is what this plan may spend of it."""
        return self.cash

    def reserve(self, cash: int) -> None:
        """Set cash aside for the order on its way: nobody else is here who could spend it."""

    def others_worth(self, at: int) -> Decimal:
        """What else the account holds at a time, in whole seconds since 1970."""
        return NOTHING

    def state(self, highest: Decimal | None, bars_held: int) -> PlanState:
        """What a decision needs to know; `highest` close since entry, the bar decided on not yet counted."""
        held = self._venue.quantity(self.held)
        return PlanState(
            signal=self.signal,
            held=held,
            average_cost=self._venue.cash(self.held_cost) / held if held else None,
            highest_close=highest,
            exiting=self.exiting,
            repeat=self._repeat,
            cool_down_left=self.cooldown_left,
            bars_held=bars_held,
        )

    def average_cost(self) -> float:
        return float(self._venue.cash(self.held_cost) / self._venue.quantity(self.held))

    def bought(self, bar: int, quantity: int, amount: int, fee: int, tax: int) -> None:
        if not self.held:
            self.held_since = bar
        self.held += quantity
        self.held_cost += amount
        self.spent += amount + fee
        self.cash -= amount + fee + tax

    def sold(self, quantity: int, amount: int, fee: int, tax: int) -> None:
        self.held_cost -= self._cost_of(quantity)
        self.held -= quantity
        self.cash += amount - fee - tax

    def ended(self, order: Working) -> int:
        """Take the step of an order that has ended, if what it filled completes one; where SIGNAL stands for its fills."""
        if not order.filled:
            return self.signal
        if order.side is Side.SELL and self.held:
            self.exiting = True
            return order.step - 1
        self.signal = advance(self.signal, DONE[order.step])
        if self.signal == STEPS[Action.SELL]:
            self.exiting, self.held_since, self.cooldown_left = False, -1, self._cooldown_bars
        return self.signal

    def begin_again(self) -> None:
        self.signal = advance(self.signal, Action.RESTART)
        self.cycle += 1
        self.spent = 0

    def _cost_of(self, quantity: int) -> int:
        if quantity >= self.held:
            return self.held_cost
        venue = self._venue
        cost = ledger.cost_of_sold(
            venue.quantity(quantity), venue.quantity(self.held), venue.cash(self.held_cost), venue.rules.cash_decimals
        )
        return venue.cash_units(cost)
