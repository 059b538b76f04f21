"""A backtest the slow way: every bar decided on, every order matched and charged in Decimal, by live's own functions alone.

It knows what a plan knows today: limits judged on the close. The engine must say the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from backtests.setup import Setup
from brokers.simulator.replay import bar_ticks
from brokers.virtual import costs
from brokers.virtual.matching import Resting, Terms, Ticks, bar_depth, from_units, match, to_units
from markets.types import Bar, InstrumentRules, Interval, Side, Tick, from_epoch, market_day
from strategies.evaluation import Evaluation
from trading import ledger, risk
from trading.signal import Action, PlanState, RiskRates, advance, decide
from trading.sizing import size_buy, size_sell, to_decimal

STEPS = {Action.BUY_FIRST: 1, Action.BUY_SECOND: 2, Action.SELL: 3}
DONE = {step: action for action, step in STEPS.items()}
Told = tuple[datetime, int, str, Decimal, Decimal, Decimal, Decimal, Decimal]


@dataclass
class Order:
    side: Side
    step: int
    left: Decimal
    collar: Decimal | None
    at: datetime
    state: costs.ChargeState
    filled: Decimal = Decimal(0)


class Reference:
    def __init__(self, seen: Evaluation, rules: InstrumentRules, setup: Setup) -> None:
        self.seen, self.rules, self.setup = seen, rules, setup
        self.cash = setup.cash
        self.signal, self.cycle, self.cooldown = 0, 1, 0
        self.held = self.held_cost = self.spent = Decimal(0)
        self.exiting = False
        self.peak: Decimal | None = None
        self.order: Order | None = None
        self.fills: list[Told] = []

    def run(self) -> list[Told]:
        bars = self.seen.bars
        for place in range(len(bars)):
            opened, closed = from_epoch(int(bars.opened_at[place])), from_epoch(int(bars.closed_at[place]))
            numbers = (bars.open, bars.high, bars.low, bars.close, bars.volume)
            bar = Bar("X", Interval.H1, opened, closed, *(to_decimal(float(each[place])) for each in numbers))
            self.trade(bar)
            self.decide(place, bar)
        return self.fills

    def trade(self, bar: Bar) -> None:
        """The order in the moments of the bar."""
        for tick in self.ticks(bar):
            order = self.order
            if order is None:
                return
            if order.at + timedelta(days=1) <= tick.at:
                self.end()
                return
            if tick.at > order.at or self.setup.fills == "open":
                self.take(order, tick)
            if not order.left:
                self.end()
        if self.order and self.order.at + timedelta(days=1) <= bar.closed_at:
            self.end()

    def ticks(self, bar: Bar) -> list[Tick]:
        if self.setup.fills == "ticks":
            return bar_ticks(bar, self.rules.lot)
        return [Tick("X", bar.opened_at, bar.open, bar.volume)]

    def take(self, order: Order, tick: Tick) -> None:
        rules, setup = self.rules, self.setup
        ticks = Ticks.of(rules, market_day(tick.at))
        depth = bar_depth(
            to_units(tick.price, rules.price_decimals),
            to_units(tick.quantity, rules.quantity_decimals),
            setup.spread_ticks,
            ticks,
        )
        lot = to_units(rules.lot, rules.quantity_decimals)
        terms = Terms(ticks, lot, setup.slippage_ticks, setup.participation or (1, 1))
        collar = None if order.collar is None else to_units(order.collar, rules.price_decimals)
        resting = Resting(0, order.side, to_units(order.left, rules.quantity_decimals), None, 0, collar)
        for found in match([resting], depth, terms):
            price = from_units(found.price, rules.price_decimals)
            quantity = from_units(found.quantity, rules.quantity_decimals)
            fill = costs.Fill(price, quantity, market_day(tick.at))
            charge, order.state = costs.incremental_charges(
                rules, order.side, order.state, fill, commission=setup.commission
            )
            self.cash += charge.cash(order.side)
            order.left -= quantity
            order.filled += quantity
            if order.side is Side.BUY:
                self.held += quantity
                self.held_cost += charge.amount
                self.spent += charge.amount + charge.fee
            else:
                cost = ledger.cost_of_sold(quantity, self.held, self.held_cost, rules.cash_decimals)
                self.held -= quantity
                self.held_cost -= cost
            self.fills.append(
                (tick.at, self.cycle, str(order.side), price, quantity, charge.fee, charge.tax, self.cash)
            )

    def end(self) -> None:
        order, self.order = self.order, None
        if order is None or not order.filled:
            return
        if order.side is Side.SELL and self.held:
            self.exiting = True
            return
        self.signal = advance(self.signal, DONE[order.step])
        if self.signal == 3:
            self.exiting, self.peak, self.cooldown = False, None, self.setup.cooldown_bars

    def decide(self, place: int, bar: Bar) -> None:
        state = PlanState(
            self.signal,
            self.held,
            self.held_cost / self.held if self.held else None,
            self.peak,
            self.order is not None,
            self.exiting,
            self.setup.repeat,
            self.cooldown,
        )
        decision = decide(state, self.seen.row(place), RiskRates.of(self.seen.document.risk))
        if decision.action in STEPS:
            self.place(decision.action, bar)
        if self.held:
            self.peak = max(self.peak or bar.close, bar.close)
        if self.signal == 3 and self.cooldown and decision.action is Action.HOLD:
            self.cooldown -= 1
        if decision.action is Action.RESTART:
            self.signal, self.cycle, self.spent = advance(self.signal, Action.RESTART), self.cycle + 1, Decimal(0)

    def place(self, action: Action, bar: Bar) -> None:
        rules, setup, on = self.rules, self.setup, market_day(bar.closed_at)
        if action is Action.SELL:
            left = size_sell(held=self.held, lot=rules.lot)
            self.order = Order(Side.SELL, 3, left, None, bar.closed_at, costs.ChargeState()) if left else None
            return
        worst = risk.worst_buy_price(rules, self.ask(bar), on)
        share = setup.first_share if action is Action.BUY_FIRST else Decimal(1)
        left = size_buy(
            budget=setup.budget or self.cash + self.spent,
            share=share,
            price=worst,
            fee_rate=costs.rates(rules, Side.BUY, on, commission=setup.commission).commission,
            lot=rules.lot,
            min_quantity=rules.min_quantity,
            min_amount=rules.min_amount,
            already_spent=self.spent,
        )
        if not left or costs.worst_case(rules, Side.BUY, worst, left, on, commission=setup.commission) > self.cash:
            return
        self.order = Order(Side.BUY, STEPS[action], left, worst, bar.closed_at, costs.ChargeState())

    def ask(self, bar: Bar) -> Decimal:
        """The best offer of the bar's last book, or the close where nothing is offered."""
        rules, tick = self.rules, self.ticks(bar)[-1]
        share, of = self.setup.participation or (1, 1)
        if not tick.quantity * share // (of * rules.lot):
            return bar.close
        ticks = Ticks.of(rules, market_day(tick.at))
        book = bar_depth(to_units(bar.close, rules.price_decimals), 1, self.setup.spread_ticks, ticks)
        return from_units(book.asks[0].price, rules.price_decimals)
