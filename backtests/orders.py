"""The orders of a plan: how much it buys or sells, what it sets aside for that, and how long the order lives. As live."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np

from backtests.market import MICRO, Market
from backtests.plan import STEPS, Plan, Working
from backtests.venue import RATE_UNIT, Charging, Day
from brokers.virtual.matching import to_units
from markets.bars import FloatArray, IntArray
from markets.calendars import load_default
from markets.types import Side, from_epoch
from trading import risk
from trading.signal import Action
from trading.sizing import most_within, to_decimal

DEAREST = 50  # with common rates a buy surely costs less than its amount and one fiftieth of it
MARGIN = Fraction(1 + risk.MARKET_BUY_MARGIN)
ONE_MICROSECOND = timedelta(microseconds=1)
ROUND_THE_CLOCK = risk.ROUND_THE_CLOCK_ORDER_LIFE // ONE_MICROSECOND


class Orders:
    """Makes a plan's orders. `stops`: the prices at which each step waits, by bar; None: it buys at the next open."""

    def __init__(self, market: Market, plan: Plan, stops: list[FloatArray | None], most: float | None) -> None:
        self._market, self._plan, self._stops, self._most = market, plan, stops, most
        self._setup, self._bars, self._venue, self._rules = market.setup, market.bars, market.venue, market.venue.rules
        self._calendar = load_default()[self._rules.calendar]
        fixed = self._setup.quantity
        self._fixed = None if fixed is None else to_units(fixed, self._rules.quantity_decimals)
        self._asks_price = self._setup.collar or fixed is None
        self._share = whole_or_fraction(Fraction(self._setup.first_share))
        budget = self._setup.budget
        self._budget = None if budget is None else whole_or_fraction(_scaled(budget, self._rules.cash_decimals))
        rules = self._rules
        self._least_units = _scaled(rules.min_quantity, rules.quantity_decimals)
        self._least_traded = _scaled(rules.min_amount, rules.price_decimals + rules.quantity_decimals)
        self._expiries: dict[int, int] = {}

    def sale(self, bar: int, reason: str, place: int) -> Working | None:
        """Everything held, in whole lots, sold after the close of `bar`; None where that is no lot. `place`: the next fill's."""
        units = self._plan.held - self._plan.held % self._venue.lot  # what size_sell says, in units
        return self._order(Side.SELL, STEPS[Action.SELL], units, None, bar, reason, place) if units else None

    def sale_of_all(self, bar: int, reason: str, place: int) -> Working:
        return self._order(Side.SELL, STEPS[Action.SELL], self._plan.held, None, max(bar, 0), reason, place)

    def buy(self, bar: int, action: Action, reason: str, place: int) -> Working | None:
        """A step into the position after the close of `bar`; None where it is no lot, or more than there is cash."""
        step = STEPS[action]
        day = self._venue.day(self._bars.closed_at.item(bar))
        units, collar = self.terms(step, self._reference(bar, step, day) if self._asks_price else 0, day)
        units = self._within_position_limit(units, bar)
        if not units or (collar is not None and not self._is_affordable(collar, units, day)):
            return None
        order = self._order(Side.BUY, step, units, collar, bar, reason, place)
        self.set_aside(order, day)
        return order

    def set_aside(self, order: Working, day: Day) -> None:
        """Reserve the cash for the dearest way that what is left of a buy can fill."""
        if order.collar is not None:
            self._plan.reserve(self._worst_case(order.collar * order.remaining, day))

    def terms(self, step: int, reference: int, day: Day) -> tuple[int, int | None]:
        """The units a step asks for and the most it pays for each; None where the cash alone decides.

        As `trading.risk.worst_buy_price` and `trading.sizing.size_buy` say it; `reference` is the price quoted, in units.
        """
        if not self._asks_price:
            return self._fixed or 0, None
        worst = day.terms.ticks.up(-(-reference * MARGIN.numerator // MARGIN.denominator))
        units = self._sized(step, worst, day) if self._fixed is None else self._fixed
        return units, worst if self._setup.collar else None

    def pays(self, units: int, quoted: int, collar: int | None, day: Day, placed: Day) -> bool:
        """Whether so many units can be set aside for on the day they were `placed`, and bought at `quoted`."""
        if collar is None:
            return self._surely_pays(self._amount(quoted * units), day)
        return quoted <= collar and self._is_affordable(collar, units, placed)

    def affordable(self, quoted: int, wanted: int, day: Day) -> int:
        """`wanted`, or the most units, in whole lots, that all the cash pays for at a quoted price."""
        venue, ticks = self._venue, day.terms.ticks
        if day.terms.slippage_ticks:
            quoted = ticks.raised(quoted, day.terms.slippage_ticks)
        if self._surely_pays(self._amount(quoted * wanted), day):
            return wanted
        dearest = quoted * (RATE_UNIT + day.buy_commission + day.buy_tax)
        units = max(self._plan.cash - 1, 0) * venue.less * RATE_UNIT // (dearest * venue.more)
        return min(wanted, units - units % venue.lot)

    def _sized(self, step: int, worst: int, day: Day) -> int:
        """The most whole lots that the step's share of the budget, and what is left of it, pay for at the worst price."""
        venue, spent, lot = self._venue, self._plan.spent, self._venue.lot
        budget = self._plan.cash + spent if self._budget is None else self._budget
        share = budget * self._share if step == 1 else budget
        spendable = min(share, budget - spent) * venue.less * RATE_UNIT
        dearest = lot * worst * (RATE_UNIT + day.buy_commission) * venue.more
        units = max(0, spendable // dearest) * lot
        return units if units >= self._least_units and units * worst >= self._least_traded else 0

    def references(self, decided: IntArray) -> list[int]:
        """For each decided bar the price that a buy at the next open is sized from."""
        if not self._asks_price:
            return [0] * len(decided)
        closed, at = self._bars.close[decided], self._bars.closed_at[decided]
        quoted = self._market.quotes(np.ones(len(decided), dtype=np.bool_), closed, at)
        if self._setup.participation is None:
            return quoted
        bare: list[int] = self._venue.all_down_and_up(closed)[1].tolist()
        each = zip(quoted, self._market.shares(decided), bare, strict=True)
        return [price if share else close for price, share, close in each]

    def alive(self, decided: IntArray, opened: IntArray) -> list[bool]:
        """Whether an order placed on the close of each decided bar is still good at that open."""
        if not self._setup.day_orders:
            return [True] * len(decided)
        placed = self._bars.closed_at[decided]
        if self._calendar.key == "always":
            lives: list[bool] = (opened * MICRO < placed * MICRO + ROUND_THE_CLOCK).tolist()
            return lives
        return [at * MICRO < self._expiry(since) for at, since in zip(opened.tolist(), placed.tolist(), strict=True)]

    def _reference(self, bar: int, step: int, day: Day) -> int:
        """What the worst price is reckoned from: the price a step waits at, else the quoted price when `bar` closed.

        Where nothing is offered that is the close itself.
        """
        stops, market = self._stops[step - 1], self._market
        if stops is not None and bar + 1 < len(stops):
            return self._venue.down_and_up(stops.item(bar + 1))[1]
        close = self._bars.close.item(bar)
        if self._setup.participation is not None and not market.share(market.ticks_of(bar)[-1][2]):
            return self._venue.down_and_up(close)[1]
        return market.quoted(Side.BUY, close, day)

    def _within_position_limit(self, units: int, bar: int) -> int:
        """As much of a buy as keeps the position within its share of the account's worth, in whole lots."""
        if self._most is None:
            return units
        price, held = to_decimal(self._bars.close.item(bar)), self._venue.quantity(self._plan.held)
        others = self._plan.others_worth(self._bars.closed_at.item(bar))
        worth = self._venue.cash(self._plan.balance) + held * price + others
        most = most_within(rate=to_decimal(self._most), worth=worth, price=price, held=held, lot=self._rules.lot)
        return min(units, to_units(most, self._rules.quantity_decimals))

    def _is_affordable(self, collar: int, units: int, day: Day) -> bool:
        """Whether the cash for the dearest way the order can fill is there, as `costs.worst_case` says it."""
        traded = collar * units
        return self._surely_pays(self._amount(traded), day) or self._worst_case(traded, day) <= self._plan.cash

    def _worst_case(self, traded: int, day: Day) -> int:
        """What buying for so much can come to, with the highest charges of this day or any later one."""
        more, each = self._venue.more, self._venue.less * RATE_UNIT
        fee = traded * day.highest_commission * more // each
        return self._amount(traded) + fee + traded * day.highest_tax * more // each

    def _amount(self, traded: int) -> int:
        """What so much costs without charges: a buy's amount is rounded up."""
        return (traded * self._venue.more + self._venue.less - 1) // self._venue.less

    def _surely_pays(self, amount: int, day: Day) -> bool:
        """Whether the cash is more than `amount` can come to with all costs, without reckoning them."""
        return day.buy_commission + day.buy_tax < RATE_UNIT // 100 and amount + amount // DEAREST + 2 <= self._plan.cash

    def _order(
        self, side: Side, step: int, units: int, collar: int | None, bar: int, reason: str, place: int
    ) -> Working:
        placed: int = self._bars.closed_at.item(bar)
        expires = self._expiry(placed) if self._setup.day_orders else None
        charging = Charging(self._venue, side)
        return Working(side, step, units, collar, placed * MICRO, expires, reason, charging, place)

    def _expiry(self, placed: int) -> int:
        if self._calendar.key == "always":
            return placed * MICRO + ROUND_THE_CLOCK
        known = self._expiries.get(placed)
        return known or self._expiries.setdefault(placed, self._session_end(placed))

    def _session_end(self, placed: int) -> int:
        return (risk.day_order_expiry(self._calendar, from_epoch(placed)) - from_epoch(0)) // ONE_MICROSECOND


def whole_or_fraction(number: Fraction) -> int | Fraction:
    return number.numerator if number.denominator == 1 else number


def _scaled(number: Decimal, decimals: int) -> Fraction:
    """A number in units, which it need not be a whole number of."""
    units: int = 10**decimals
    return Fraction(number) * units
