"""What the market says about a wish: the price it may lean on, the numbers its venue takes, and whether it is open."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from brokers.protocol import OrderType
from brokers.virtual import costs
from markets import services as markets
from markets.dated import NoRuleInForce
from markets.models import Instrument, LatestQuote
from markets.rules import RuleViolation, check_order
from markets.services import Moment
from markets.types import InstrumentRules, Side, Source, market_day
from trading import risk
from trading.errors import OrderRefused
from trading.services.asked import Asked, abilities_of


def check_venue(asked: Asked) -> None:
    """Raise OrderRefused for an order type or a time in force the venue lacks. A stop it lacks is held by us."""
    abilities = abilities_of(asked.broker_account)
    sent_as = OrderType.MARKET if asked.order_type is OrderType.STOP else asked.order_type
    if sent_as not in abilities.order_types:
        raise OrderRefused("order_type_not_supported", order_type=asked.order_type)
    if asked.time_in_force not in abilities.times_in_force:
        raise OrderRefused("time_in_force_not_supported", time_in_force=asked.time_in_force)


def usable_quote(instrument: Instrument) -> LatestQuote:
    """The latest price. Raises OrderRefused where there is none, or only an old one."""
    quote = markets.latest_quote(instrument)
    if quote is None:
        raise OrderRefused("no_price", instrument=instrument.key)
    if markets.quote_is_stale(quote):
        raise OrderRefused("stale_price", instrument=instrument.key)
    return quote


def check_rules(asked: Asked, quote: LatestQuote, present: Moment) -> None:
    """Raise OrderRefused for numbers the venue does not take, a stop that would go off at once, a closed session.

    The level at which a plan waits may lie between two ticks and may have been reached: it buys at it or above.
    """
    stop_price = None if asked.is_planned_stop else asked.stop_price
    check_numbers(asked.instrument, asked.side, asked.quantity, asked.limit_price, stop_price, quote, present.at)
    if not markets.session_calendar(asked.instrument, present).is_open(present.at):
        raise OrderRefused("closed_session", instrument=asked.instrument.key)


def check_plan(asked: Asked, present: Moment) -> None:
    """Raise OrderRefused for a buy of a plan that has ended, or is selling to stop.

    Who asks has read the plan under the account's lock: nothing of it has changed since.
    """
    if asked.plan is None or asked.side is not Side.BUY:
        return
    if asked.plan.has_ended(market_day(present.at)):
        raise OrderRefused("plan_ended", ends_on=str(asked.plan.ends_on))
    if asked.plan.stopping:
        raise OrderRefused("plan_is_stopping")


def check_numbers(
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    quote: LatestQuote,
    now: datetime,
) -> None:
    """Raise OrderRefused, with the nearest allowed numbers, for what the venue does not take."""
    # Adjusted prices of a replay know no base price of their day: its bars are its limits. A stop is held by us and may
    # wait for a price beyond today's band.
    knows_no_band = stop_price is not None or instrument.source == Source.REPLAY
    base = None if knows_no_band else quote.base_price
    field = "limit_price" if stop_price is None else "stop_price"
    try:
        check_order(instrument.rules, side, quantity, stop_price or limit_price, base, market_day(now))
        costs.rates(instrument.rules, side, market_day(now))  # never free by default
    except NoRuleInForce as e:
        raise OrderRefused(e.code, instrument=instrument.key) from e
    except RuleViolation as e:
        numbers = {"given": e.given, "low": e.low, "high": e.high, "step": e.step}
        facts: dict[str, Any] = {name: number for name, number in numbers.items() if number is not None}
        raise OrderRefused(e.code, field=field if e.field == "limit_price" else e.field, **facts) from e
    if stop_price is not None and stop_is_reached(side, stop_price, quote.price, quote.price):
        raise OrderRefused("stop_already_reached", field="stop_price", price=quote.price)


def stop_is_reached(side: Side, stop_price: Decimal, low: Decimal, high: Decimal) -> bool:
    """Whether trades between `low` and `high` set a stop off: a buy at its price or above, a sell at it or below."""
    return high >= stop_price if side is Side.BUY else low <= stop_price


def worst_price(
    rules: InstrumentRules,
    side: Side,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    quote: LatestQuote,
    on: date,
) -> Decimal:
    """The most a buy may pay per unit; for a sale, the price it is reckoned at."""
    if limit_price is not None:
        return limit_price
    if side is Side.SELL:
        return stop_price or quote.price
    return risk.worst_buy_price(rules, stop_price or quote.ask or quote.price, on)
