"""What a plan buys, and where: at the market, or at a level of its rule inside the bar after the one decided on.

The same numbers as in a backtest: sized at the worst price the order may pay, within the rule's share of the account.
"""

from datetime import datetime
from decimal import Decimal
from json import loads
from typing import NamedTuple

from markets import services as markets
from markets.models import LatestQuote
from markets.types import Interval, from_epoch, market_day
from strategies.rows import Row
from trading import risk
from trading.errors import OrderRefused
from trading.models import SwingPlan
from trading.services.ordering.checks import usable_quote
from trading.services.planning.evaluation.looks import Look
from trading.services.planning.plan_sizes import units_of_step
from trading.services.valuation.standing import standings
from trading.sizing import level_price, most_within


class NotOpened(Exception):
    """The level counts from the open of a bar in which nobody has traded yet."""


class Entry(NamedTuple):
    """A price that a buy waits at, and the bar in which it waits."""

    level: Decimal
    opened_at: datetime
    ends_at: datetime

    def is_reached(self, quote: LatestQuote) -> bool:
        """Whether the bar has come to the level by this price; a price from before it says nothing."""
        return quote.at >= self.opened_at and quote.price >= self.level


def entry_at_level(plan: SwingPlan, look: Look, step: int) -> Entry | None:
    """Where the step waits; None where it buys at the market.

    Raises NotOpened, OrderRefused where the bar it was meant for is over, and SizingInvalid for a level that is no price.
    """
    if look.seen.entries[step - 1].level is None:
        return None
    told = Row.from_data(loads(look.seen.text)).entries[step - 1]  # what is kept of the look is what is traded by
    if told.level is None:
        return None
    opened_at, ends_at, opened = _bar_after(plan, look.closed_at)
    if look.now >= ends_at:
        raise OrderRefused("entry_bar_over", bar=ends_at.isoformat())
    if told.above_open and opened is None:
        raise NotOpened
    level = told.level + (opened or 0.0) if told.above_open else told.level
    return Entry(level_price(level, plan.instrument.price_decimals), opened_at, ends_at)


def _bar_after(plan: SwingPlan, closed_at: datetime) -> tuple[datetime, datetime, float | None]:
    """When the bar after `closed_at` opens and closes, and its open; None where nobody has traded in it yet."""
    interval = Interval(plan.interval)
    begun = markets.bar_under_way(plan.instrument, interval)
    if begun is not None and begun.opened_at >= closed_at.timestamp():
        return from_epoch(begun.opened_at), from_epoch(begun.closed_at), begun.open
    calendar = markets.order_calendar(plan.instrument, markets.moment(plan.instrument.source))
    opens = closed_at if calendar.is_open(closed_at) else calendar.next_open(closed_at)
    opened_at, ends_at = calendar.bar_bounds(interval, opens) or (opens, opens)
    return opened_at, ends_at, None


def quantity_to_buy(plan: SwingPlan, look: Look, step: int, entry: Entry | None) -> Decimal:
    """The units of a step, in whole lots; zero where its share pays for none. Raises OrderRefused."""
    quote = usable_quote(plan.instrument)
    quantity = units_at(plan, look, step, (quote.ask or quote.price) if entry is None else entry.level)
    rate = look.rule.rates.max_position_rate
    return quantity if rate is None else min(quantity, room_for(plan, rate, look.close))


def units_at(plan: SwingPlan, look: Look, step: int, reference: Decimal) -> Decimal:
    """The units of a step as its share of the budget pays for them, bought at the worst of a reference price."""
    on = market_day(look.now)
    return units_of_step(plan, step, risk.worst_buy_price(plan.instrument.rules, reference, on), on)


def room_for(plan: SwingPlan, rate: Decimal, close: Decimal) -> Decimal:
    """How much larger the plan's position may grow, at the close decided on. Raises OrderRefused where that is not known."""
    standing = standings([plan.broker_account])[plan.broker_account_id]
    others = [worth for pk, worth in standing.worth.items() if pk != plan.instrument_id]
    if None in others:
        raise OrderRefused("worth_unknown")
    own = standing.units.get(plan.instrument_id, Decimal(0)) * close
    worth = sum((each for each in others if each is not None), standing.cash + standing.reserved + own)
    lot = plan.instrument.rules.lot
    most = most_within(rate=rate, worth=worth, price=close, held=plan.held_quantity, lot=lot)
    if not most:
        raise OrderRefused("position_full", most=f"{(rate * 100).normalize():f}%")
    return most
