"""One cash account that several plans share: what one has set aside for an order, no other may spend."""

from dataclasses import dataclass, field
from decimal import Decimal

from backtests.plan import Plan
from backtests.venue import Venue
from markets.bars import Bars
from trading.sizing import to_decimal


@dataclass(eq=False)
class Account:
    """Cash in units of the currency. The plans on it trade by turns, in the order of time."""

    balance: int
    plans: list["SharedPlan"] = field(default_factory=list)

    def plan(self, venue: Venue, bars: Bars, cooldown_bars: int, *, repeat: bool) -> "SharedPlan":
        """One more plan on this account."""
        plan = SharedPlan(self, venue, bars, cooldown_bars, repeat=repeat)
        self.plans.append(plan)
        return plan

    def free_for(self, plan: "SharedPlan") -> int:
        """What no other plan has set aside."""
        return self.balance - sum(other.reserved for other in self.plans if other is not plan)


class SharedPlan(Plan):
    """A plan whose cash is that of its account, less what the other plans have set aside."""

    def __init__(self, account: Account, venue: Venue, bars: Bars, cooldown_bars: int, *, repeat: bool) -> None:
        self._account, self._bars, self.reserved = account, bars, 0
        super().__init__(venue, account.free_for(self), cooldown_bars, repeat=repeat)

    @property
    def cash(self) -> int:
        return self._account.free_for(self)

    @cash.setter
    def cash(self, free: int) -> None:
        self._account.balance += free - self._account.free_for(self)

    @property
    def balance(self) -> int:
        return self._account.balance

    def reserve(self, cash: int) -> None:
        self.reserved = cash

    def others_worth(self, at: int) -> Decimal:
        return sum((plan.worth(at) for plan in self._account.plans if plan is not self), Decimal(0))

    def worth(self, at: int) -> Decimal:
        """What it holds, at its last close by then."""
        place = int(self._bars.closed_at.searchsorted(at, side="right")) - 1
        if not self.held or place < 0:
            return Decimal(0)
        return self._venue.quantity(self.held) * to_decimal(self._bars.close.item(place))
