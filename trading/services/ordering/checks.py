"""What the market says about a wish: the price it may lean on, the numbers its venue takes, and whether it is open."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from brokers.protocol import FORMS, Abilities, Division, OrderType
from brokers.virtual import costs
from markets import services as markets
from markets.dated import NoRuleInForce
from markets.models import Instrument, LatestQuote
from markets.off_hours import KST, OffHours, Window, window
from markets.rules import RuleViolation, check_order, price_band
from markets.services import Moment
from markets.types import InstrumentKind, InstrumentRules, Side, Source, market_day
from trading import risk
from trading.errors import OrderRefused
from trading.risk import Denial
from trading.services.ordering.asked import Asked, abilities_of

# A buy of these may fill above any limit that we name.
NOT_BOUND_BY_US = frozenset(
    {Division.CONDITIONAL, *(each for each, form in FORMS.items() if form.order_type is OrderType.MARKET)}
)
FUNDS = frozenset({InstrumentKind.ETF})


def check_venue(asked: Asked) -> None:
    """Raise OrderRefused for an order type or a time in force the venue lacks. A stop it lacks is held by us."""
    abilities = abilities_of(asked.broker_account)
    sent_as = OrderType.MARKET if asked.order_type is OrderType.STOP else asked.order_type
    if sent_as not in abilities.order_types:
        raise OrderRefused("order_type_not_supported", order_type=asked.order_type)
    if asked.time_in_force not in abilities.times_in_force:
        raise OrderRefused("time_in_force_not_supported", time_in_force=asked.time_in_force)
    check_division(asked, abilities)


def check_division(asked: Asked, abilities: Abilities) -> None:
    """Raise OrderRefused for a division that the venue lacks, or whose form the order does not have."""
    if asked.division not in abilities.divisions:
        raise OrderRefused("division_not_supported", field="division", division=asked.division)
    form = FORMS.get(asked.division)
    if form is None:
        return
    if asked.order_type is not form.order_type:
        raise OrderRefused("order_type_not_of_division", field="division", order_type=form.order_type)
    if asked.time_in_force not in form.times_in_force:
        raise OrderRefused("time_in_force_not_of_division", field="time_in_force")
    if form.hours is OffHours.AFTER and InstrumentKind(asked.instrument.kind) in FUNDS:
        raise OrderRefused("no_funds_in_after_market", instrument=asked.instrument.key)


def closed_denial(instrument: Instrument, division: Division, present: Moment) -> Denial | None:
    """Why no order of this division is taken now, or None: the regular session, or the hours it is for."""
    form = FORMS.get(division)
    if form is None or form.hours is None:
        is_open = markets.session_calendar(instrument, present).is_open(present.at)
        return None if is_open else Denial("closed_session", {"instrument": instrument.key})
    hours = off_hours(instrument, form.hours, present)
    if hours is not None and hours.holds(present.at):
        return None
    told = {name: f"{at.astimezone(KST):%H:%M}" for name, at in hours._asdict().items()} if hours else {}
    return Denial("not_in_its_hours" if hours else "closed_session", {"instrument": instrument.key, **told})


def off_hours(instrument: Instrument, which: OffHours, present: Moment) -> Window | None:
    """The hours of the market's present day; None where that day has none, as in a market without sessions."""
    if not present.keeps_sessions:
        return None
    session = markets.calendar(instrument.calendar).session(market_day(present.at))
    return None if session is None else window(which, session)


def usable_quote(instrument: Instrument) -> LatestQuote:
    """The latest price. Raises OrderRefused where there is none, or only an old one."""
    return usable(markets.latest_quote(instrument), instrument)


def usable(quote: LatestQuote | None, instrument: Instrument) -> LatestQuote:
    """The price that was read, where it may be leaned on. Raises OrderRefused."""
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
    if denial := closed_denial(asked.instrument, asked.division, present):
        raise OrderRefused(denial.code, **denial.facts)


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
    division: Division = Division.PLAIN,
) -> Decimal:
    """The most a buy may pay per unit; for a sale, the price it is reckoned at.

    Where the venue chooses the price, or drops the limit in the closing auction, that is the day's upper limit, as the
    broker itself sets aside.
    """
    if side is Side.BUY and division in NOT_BOUND_BY_US and (band := price_band(rules, quote.base_price, on)):
        return band[1]
    if limit_price is not None:
        return limit_price
    if side is Side.SELL:
        return stop_price or quote.price
    return risk.worst_buy_price(rules, stop_price or quote.ask or quote.price, on)
