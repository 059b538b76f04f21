"""The orders of a plan: how much it buys or sells, what it sets aside for that, and how long the order lives. As live."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil

import numpy as np

from backtests.market import MICRO, Market
from backtests.plan import STEPS, Plan, Working
from backtests.venue import RATE_UNIT, Charging, Day
from brokers.virtual.matching import to_units
from markets.bars import FloatArray, IntArray
from markets.calendars import load_default
from markets.types import Side, from_epoch
from strategies.evaluation import BoolArray
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
        self.fixed = None if fixed is None else to_units(fixed, self._rules.quantity_decimals)
        self._asks_price = self._setup.collar or fixed is None
        self._first_share = Fraction(self._setup.first_share).as_integer_ratio()
        budget, rules = self._setup.budget, self._rules
        self._budget = None if budget is None else _scaled(budget, rules.cash_decimals).as_integer_ratio()
        self._least_units = ceil(_scaled(rules.min_quantity, rules.quantity_decimals))
        self._least_traded = ceil(_scaled(rules.min_amount, rules.price_decimals + rules.quantity_decimals))
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
        if not units or (collar is not None and not self.sets_aside(self._plan.cash, collar * units, day)):
            return None
        order = self._order(Side.BUY, step, units, collar, bar, reason, place)
        self.set_aside(order, day)
        return order

    def set_aside(self, order: Working, day: Day) -> None:
        """Reserve the cash for the dearest way that what is left of a buy can fill."""
        if order.collar is not None:
            self._plan.reserve(self.worst_case(order.collar * order.remaining, day))

    def terms(self, step: int, reference: int, day: Day) -> tuple[int, int | None]:
        """The units a step asks for and the most it pays for each; None where the cash alone decides.

        As `trading.risk.worst_buy_price` and `trading.sizing.size_buy` say it; `reference` is the price quoted, in units.
        """
        if not self._asks_price:
            return self.fixed or 0, None
        worst = day.terms.ticks.up(-(-reference * MARGIN.numerator // MARGIN.denominator))
        return self.sized(step, worst, day, self._plan.cash, self._plan.spent), worst if self._setup.collar else None

    def worsts(self, decided: IntArray) -> IntArray:
        """For each decided bar the most that a buy at the next open is sized to pay, as `terms` says it; 0: the cash decides."""
        if not self._asks_price:
            return np.zeros(len(decided), dtype=np.int64)
        return self._market.raised(
            -(-self.references(decided) * MARGIN.numerator // MARGIN.denominator), self._bars.closed_at[decided]
        )

    def affordable(self, quoted: int, wanted: int, day: Day) -> int:
        """`wanted`, or the most units, in whole lots, that all the cash pays for at a quoted price."""
        venue, ticks = self._venue, day.terms.ticks
        if day.terms.slippage_ticks:
            quoted = ticks.raised(quoted, day.terms.slippage_ticks)
        if self.surely_pays(self._plan.cash, self.amount(quoted * wanted), day):
            return wanted
        dearest = quoted * (RATE_UNIT + day.buy_commission + day.buy_tax)
        units = max(self._plan.cash - 1, 0) * venue.less * RATE_UNIT // (dearest * venue.more)
        return min(wanted, units - units % venue.lot)

    def sized(self, step: int, worst: int, day: Day, cash: int, spent: int) -> int:
        """The units of a step: those always bought, or the most whole lots that its share of the budget pays for at the worst
        price, with what is left of the budget when so much of it was `spent` in this cycle."""
        if self.fixed is not None:
            return self.fixed
        venue, lot = self._venue, self._venue.lot
        budget, parts = self._budget or (cash + spent, 1)
        share, of = self._first_share if step == 1 else (1, 1)
        spendable = min(budget * share, (budget - spent * parts) * of)
        charged, out_of = day.sizing
        units = max(0, spendable * venue.less * out_of // (lot * worst * charged * venue.more * parts * of)) * lot
        return units if units >= self._least_units and units * worst >= self._least_traded else 0

    def references(self, decided: IntArray) -> IntArray:
        """For each decided bar the price that a buy at the next open is sized from."""
        closed, at = self._bars.close[decided], self._bars.closed_at[decided]
        quoted = self._market.quotes(np.ones(len(decided), dtype=np.bool_), closed, at)
        if self._setup.participation is None:
            return quoted
        return np.where(self._market.shares(decided) > 0, quoted, self._venue.all_down_and_up(closed)[1])

    def alive(self, decided: IntArray, opened: IntArray) -> BoolArray:
        """Whether an order placed on the close of each decided bar is still good at that open."""
        if not self._setup.day_orders:
            return np.ones(len(decided), dtype=np.bool_)
        placed = self._bars.closed_at[decided]
        if self._calendar.key == "always":
            lives: BoolArray = (opened - placed) * MICRO < ROUND_THE_CLOCK
            return lives
        each = zip(opened.tolist(), placed.tolist(), strict=True)
        return np.array([at * MICRO < self._expiry(since) for at, since in each], dtype=np.bool_)

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

    def sets_aside(self, cash: int, traded: int, day: Day) -> bool:
        """Whether the cash is there for the dearest way that an order for so much, at its collar, can fill."""
        return self.surely_pays(cash, self.amount(traded), day) or self.worst_case(traded, day) <= cash

    def worst_case(self, traded: int, day: Day) -> int:
        """What buying for so much can come to, charged the highest of this day or any later one: `costs.worst_case`."""
        fee, fee_of, tax, tax_of = day.dearest
        return self.amount(traded) + traded * fee // fee_of + traded * tax // tax_of

    def amount(self, traded: int) -> int:
        """What so much costs without charges: a buy's amount is rounded up."""
        return (traded * self._venue.more + self._venue.less - 1) // self._venue.less

    def surely_pays(self, cash: int, amount: int, day: Day) -> bool:
        """Whether the cash is more than `amount` can come to with all costs, without reckoning them."""
        return amount + amount // DEAREST + 2 <= cash and has_common_rates(day)

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


def has_common_rates(day: Day) -> bool:
    """Whether a buy surely costs less than its amount and one DEAREST-th of it."""
    return day.buy_commission + day.buy_tax < RATE_UNIT // 100


def _scaled(number: Decimal, decimals: int) -> Fraction:
    """A number in units, which it need not be a whole number of."""
    units: int = 10**decimals
    return Fraction(number) * units
