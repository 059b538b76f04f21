"""The walk over the bars on which something can happen: live's own SIGNAL machine and sizing, over a market of bars."""

from collections.abc import Generator, Iterator

from backtests.account import Account
from backtests.decisions import Decisions, is_limited
from backtests.fills import Fills, UnitFill
from backtests.limits import as_it_reads, sold_inside, touches
from backtests.market import MICRO, Market
from backtests.moments import Moments, first_touch
from backtests.orders import Orders
from backtests.plan import STEPS, Plan, Working
from backtests.setup import Setup
from backtests.smooth import Smooth
from markets.types import InstrumentRules, Side
from strategies.document import Risk
from strategies.evaluation import Evaluation
from trading.signal import Action

# Seconds since 1970, and what is done then: what is decided on a close comes before the open of the same instant.
Moment = tuple[int, int]
DECIDES, TRADES = 0, 1
NO_LIMITS = Risk().limits()


class Simulation:
    """One plan over the bars of one evaluation; `smooth`: cycles without surprises are taken many at once.

    With an `account` the plan shares its cash with others. A `market` of these bars, rules and setup is shared among runs.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        rules: InstrumentRules,
        setup: Setup,
        *,
        smooth: bool = True,
        account: Account | None = None,
        market: Market | None = None,
    ) -> None:
        self._evaluation, self._limits, self.setup = evaluation, evaluation.risk, setup
        self._bars, self._count = evaluation.bars, len(evaluation.bars)
        self._market = market or Market(rules, evaluation.bars, setup)
        self.venue = self._market.venue
        self._moments = Moments(evaluation)
        self._stops = [evaluation.stop_prices(number) for number in range(len(evaluation.entries))]
        self._inside = setup.exits == "inside_bar" and is_limited(self._limits)
        self._judges_close = setup.exits == "at_close" and is_limited(self._limits)
        self._checked_to = 0  # bars before it have been looked into for exits inside
        self.plan = self._new_plan(account)
        self._decisions = Decisions(evaluation, self.plan, self._limits, judges_close=self._judges_close)
        self.fills = Fills()
        self._orders = Orders(self._market, self.plan, self._stops, self._limits.max_position_rate)
        has_limits = self._limits != NO_LIMITS or any(prices is not None for prices in self._stops)
        is_smooth = smooth and self._market.may_be_smooth and not has_limits
        parts = (self._market, self.plan, self._orders, self._moments, self.fills)
        self._smooth = Smooth(*parts) if is_smooth else None

    def _new_plan(self, account: Account | None) -> Plan:
        setup = self.setup
        if account is not None:
            return account.plan(self.venue, self._bars, setup.cooldown_bars, repeat=setup.repeat)
        return Plan(self.venue, self.venue.cash_units(setup.cash), setup.cooldown_bars, repeat=setup.repeat)

    def run(self, first: int) -> None:
        """Decide on every bar from `first` on that asks for it, and trade."""
        for _moment in self.moments(first):
            pass

    def moments(self, first: int) -> Iterator[Moment]:
        """The same, told before each moment at which the plan decides or trades, in order: others may act before it."""
        bar = first
        while bar < self._count:
            if self._smooth is not None and self.plan.signal == 0:
                bar = self._smooth.walk(bar)
            bar = yield from self._next(bar)
            if bar < self._count:
                yield self._bars.closed_at.item(bar), DECIDES
                bar = yield from self._decide_at(bar)

    # Which bar comes next

    def _next(self, bar: int) -> Generator[Moment, None, int]:
        """The first bar at or after `bar` whose close may ask for something; exits inside the bars before it are done."""
        plan = self.plan
        if plan.signal == 0:
            return self._moments.first_buy(bar, self._count)
        if plan.signal == 3:
            return self._after_the_sale(bar)
        if plan.exiting:
            return bar
        return (yield from self._while_held(bar))

    def _after_the_sale(self, bar: int) -> int:
        """No bar of the cool-down asks for anything: the next one that does begins the next cycle."""
        if not self.setup.repeat:
            return self._count
        begins = bar + self.plan.cooldown_left
        self.plan.cooldown_left = 0
        return begins

    def _while_held(self, bar: int) -> Generator[Moment, None, int]:
        plan = self.plan
        upcoming = self._moments.while_held(bar, self._count, second=plan.signal == 1)
        if self._limits.time_stop_bars is not None:
            upcoming = min(upcoming, max(bar, plan.held_since + self._limits.time_stop_bars - 1))
        if self._judges_close:
            for touched in touches(self._bars, self._limits, plan.average_cost(), plan.held_since, inside=False):
                upcoming = first_touch(touched, bar, upcoming)
        if self._inside:
            start, end = max(bar, self._checked_to), min(upcoming + 1, self._count)
            found = end
            for touched in touches(self._bars, self._limits, plan.average_cost(), plan.held_since, inside=True):
                found = first_touch(touched, start, found)
            self._checked_to = min(found + 1, end)
            if found < end:
                yield self._bars.opened_at.item(found), TRADES
                if self._exit_inside(found):
                    return found
                return (yield from self._while_held(bar))  # touched by a rounding only
        return upcoming

    # Deciding on a close

    def _decide_at(self, bar: int) -> Generator[Moment, None, int]:
        """Decide on the close of `bar` and trade; the bar whose close is decided on next."""
        action, reason = self._decisions.at(bar)
        if action is Action.RESTART:
            self.plan.begin_again()
            return bar if self.setup.restarts_at_once else bar + 1
        if action in STEPS:
            orders, place = self._orders, len(self.fills)
            is_sale = action is Action.SELL
            order = orders.sale(bar, reason, place) if is_sale else orders.buy(bar, action, reason, place)
            if order is not None:
                return (yield from self._work(order, bar))
        return bar + 1

    # The bars after an order

    def _work(self, order: Working, bar: int) -> Generator[Moment, None, int]:
        """Let the order trade in the bars after `bar`; the bar at whose close it has ended."""
        stops = self._stops[order.step - 1] if order.side is Side.BUY else None
        while (bar := bar + 1) < self._count:
            yield self._bars.opened_at.item(bar), TRADES
            if stops is not None:
                self._trade_at_level(order, bar, as_it_reads(stops.item(bar)))
                is_over = True
            else:
                is_over = self._trade(order, bar)
            if is_over:
                self._end(order)
            self._checked_to = bar + 1
            if self._inside and self.plan.held and order.side is Side.BUY and self._exit_inside(bar, order, is_over):
                is_over = True
            if is_over:
                return bar
        self._end(order)
        return bar

    def _trade(self, order: Working, bar: int) -> bool:
        """The order in the moments of a bar; whether it has ended by the bar's close."""
        lenient = self.setup.fills == "open"
        for at, price, volume in self._market.ticks_of(bar):
            if order.expires_at is not None and order.expires_at <= at:
                return True
            if at > order.placed_at or (lenient and at == order.placed_at):
                self._take(order, bar, at, price, volume)
            if not order.remaining:
                return True
        return order.expires_at is not None and order.expires_at <= self._bars.closed_at.item(bar) * MICRO

    def _trade_at_level(self, order: Working, bar: int, level: float) -> None:
        """A buy that waits at `level` inside a bar: at the open where that is beyond it, else at the level, else not."""
        bars = self._bars
        if bars.open[bar] >= level:
            self._take(order, bar, int(bars.opened_at[bar]) * MICRO, float(bars.open[bar]), self._market.volume(bar))
        elif bars.high[bar] >= level:
            self._take(order, bar, int(bars.closed_at[bar]) * MICRO, level, self._market.volume(bar))

    def _take(self, order: Working, bar: int, at: int, price: float, volume: int) -> None:
        day = self.venue.day(at // MICRO)
        is_buy, market = order.side is Side.BUY, self._market
        quoted = market.quoted(order.side, price, day)
        if is_buy and order.collar is None:
            order.remaining = self._orders.affordable(quoted, order.remaining, day)
        found = market.fill(order.side, order.remaining, quoted, volume, order.collar, day)
        if found is None:
            return
        paid, quantity = found
        commission, tax_rate = (day.buy_commission, day.buy_tax) if is_buy else (day.sell_commission, day.sell_tax)
        amount, fee, tax = order.charging.add(paid, quantity, commission, tax_rate)
        order.remaining -= quantity
        order.filled += quantity
        plan = self.plan
        if is_buy:
            plan.bought(bar, quantity, amount, fee, tax)
            self._orders.set_aside(order, day)
        else:
            plan.sold(quantity, amount, fee, tax)
        signal = order.step if is_buy or not plan.held else order.step - 1
        traded = price * self.venue.price_scale
        worse = paid - traded if is_buy else traded - paid
        self.fills.add(
            UnitFill(
                bar,
                at,
                plan.cycle,
                signal,
                order.side,
                paid,
                quantity,
                amount,
                fee,
                tax,
                plan.balance,
                worse,
                order.reason,
            )
        )

    def _end(self, order: Working) -> None:
        signal = self.plan.ended(order)
        self.plan.reserve(0)
        self.fills.came_to(signal, order.first_fill)  # a sale in pieces too

    # Limits touched inside a bar

    def _exit_inside(self, bar: int, order: Working | None = None, is_over: bool = True) -> bool:
        """Sell where a limit of the rule is touched inside `bar`; a stop before a target. Whether it was touched.

        `order` is the buy that traded in this bar; what is left of it is given up.
        """
        opened_at, plan = self._bars.opened_at.item(bar) * MICRO, self.plan
        bought = self.fills.since(order.first_fill) if order is not None else []
        was_inside = bool(bought) and bought[-1].at > opened_at
        found = sold_inside(self._bars, self._limits, plan.average_cost(), plan.held_since, bar, was_inside=was_inside)
        if found is None:
            return False
        price, is_at_open, reason = found
        at = opened_at if is_at_open else self._bars.closed_at.item(bar) * MICRO
        if order is not None and not is_over:
            self._end(order)
        sale = self._orders.sale_of_all(bar - 1, reason, len(self.fills))
        mine = self._bought_in(bar, order.first_fill) if order else 0
        whole = self._market.volume(bar)
        left = self._market.share(whole) - mine
        rest, sale.remaining = sale.remaining - min(sale.remaining, left), min(sale.remaining, left)
        if sale.remaining > 0:
            self._take(sale, bar, at, price, whole)
        sale.remaining += rest
        self.plan.exiting = True  # what is left goes at the next open
        self._end(sale)
        return True

    def _bought_in(self, bar: int, first_fill: int) -> int:
        """Units of the fills from `first_fill` on that happened in this bar."""
        return sum(fill.quantity for fill in self.fills.since(first_fill) if fill.bar == bar)
