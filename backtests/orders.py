"""The orders of a plan: how much it buys or sells, what it sets aside for that, and how long the order lives. As live."""

from datetime import timedelta
from decimal import Decimal

from backtests.market import MICRO, Market
from backtests.plan import STEPS, Plan, Working
from backtests.venue import RATE_UNIT, Charging, Day
from brokers.virtual import costs
from brokers.virtual.matching import to_units
from markets.bars import FloatArray
from markets.calendars import load_default
from markets.types import Side, from_epoch
from trading import risk
from trading.signal import Action
from trading.sizing import size_buy, size_sell, to_decimal

DEAREST = 50  # with common rates a buy surely costs less than its amount and one fiftieth of it
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

    def sale(self, bar: int, reason: str, place: int) -> Working | None:
        """Everything held, in whole lots, sold after the close of `bar`; None where that is no lot. `place`: the next fill's."""
        units = self._plan.held - self._plan.held % self._venue.lot  # what size_sell says, in units
        return self._order(Side.SELL, STEPS[Action.SELL], units, None, bar, reason, place) if units else None

    def sale_of_all(self, bar: int, reason: str, place: int) -> Working:
        return self._order(Side.SELL, STEPS[Action.SELL], self._plan.held, None, max(bar, 0), reason, place)

    def buy(self, bar: int, action: Action, reason: str, place: int) -> Working | None:
        """A step into the position after the close of `bar`; None where it is no lot, or more than there is cash."""
        step, setup = STEPS[action], self._setup
        if self._fixed is not None and not setup.collar:
            units = self._within_position_limit(self._fixed, bar)
            return self._order(Side.BUY, step, units, None, bar, reason, place) if units else None
        day = self._venue.day(self._bars.closed_at.item(bar))
        worst = risk.worst_buy_price(self._rules, self._venue.price(self._reference(bar, step, day)), day.on)
        units = self._within_position_limit(self._sized(action, worst, day), bar)
        if not setup.collar:
            return self._order(Side.BUY, step, units, None, bar, reason, place) if units else None
        collar = to_units(worst, self._rules.price_decimals)
        if not units or not self._is_affordable(collar, units, worst, day):
            return None
        return self._order(Side.BUY, step, units, collar, bar, reason, place)

    def affordable(self, quoted: int, wanted: int, day: Day) -> int:
        """`wanted`, or the most units, in whole lots, that all the cash pays for at a quoted price."""
        venue, ticks = self._venue, day.terms.ticks
        if day.terms.slippage_ticks:
            quoted = ticks.raised(quoted, day.terms.slippage_ticks)
        if self._surely_pays(quoted * wanted * venue.more // venue.less, day):
            return wanted
        dearest = quoted * (RATE_UNIT + day.buy_commission + day.buy_tax)
        units = max(self._plan.cash - 1, 0) * venue.less * RATE_UNIT // (dearest * venue.more)
        return min(wanted, units - units % venue.lot)

    def _sized(self, action: Action, worst: Decimal, day: Day) -> int:
        if self._fixed is not None:
            return self._fixed
        rules, budget = self._rules, self._setup.budget
        quantity = size_buy(
            budget=self._venue.cash(self._plan.cash + self._plan.spent) if budget is None else budget,
            share=self._setup.first_share if action is Action.BUY_FIRST else Decimal(1),
            price=worst,
            fee_rate=day.sizing_fee,
            lot=rules.lot,
            min_quantity=rules.min_quantity,
            min_amount=rules.min_amount,
            already_spent=self._venue.cash(self._plan.spent),
        )
        return to_units(quantity, rules.quantity_decimals)

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
        price = to_decimal(self._bars.close.item(bar))
        held = self._venue.quantity(self._plan.held)
        worth = self._venue.cash(self._plan.cash) + held * price
        most = max(to_decimal(self._most) * worth / price - held, Decimal(0))
        return min(units, to_units(size_sell(held=most, lot=self._rules.lot), self._rules.quantity_decimals))

    def _is_affordable(self, collar: int, units: int, worst: Decimal, day: Day) -> bool:
        """Whether the cash for the dearest way the order can fill is there."""
        venue = self._venue
        if self._surely_pays(collar * units * venue.more // venue.less, day):
            return True
        commission = self._setup.commission
        needed = costs.worst_case(self._rules, Side.BUY, worst, venue.quantity(units), day.on, commission=commission)
        return needed <= venue.cash(self._plan.cash)

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
        return (risk.day_order_expiry(self._calendar, from_epoch(placed)) - from_epoch(0)) // ONE_MICROSECOND
