"""What surrounds a plan at this moment: its market's session, the age of the price, free cash, and what would stop a buy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone

from brokers.protocol import OrderType, TimeInForce
from markets import services as markets
from markets.calendars import Calendar, NoSessionAhead
from markets.dated import NoRuleInForce
from markets.models import LatestQuote
from markets.services import Moment
from markets.types import Side, market_day
from strategies.document import RuleDocument
from trading import ledger, risk
from trading.errors import OrderRefused
from trading.models import Balance, SwingPlan
from trading.risk import Denial
from trading.services.ordering.asked import Asked, check_account, check_currency
from trading.services.ordering.checks import check_plan, worst_price
from trading.services.planning.evaluation.entries import room_for
from trading.services.planning.plan_sizes import units_of_step
from trading.services.planning.steps import SOLD
from trading.services.safeguards import halts, limits
from trading.signal import RiskRates
from trading.sizing import size_sell


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no buy would go out now, as a code and its facts."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanNow:
    """The moment as the plan's page tells it. Amounts in the instrument's currency; None: not known.

    `buy_obstacle` is the first thing that would keep the plan's next buy from going out, `sale_obstacle` the same of a
    sale of all it holds; None where nothing would, or where the plan has no buy ahead in this cycle (`next_step` 0), or
    holds nothing.
    """

    market_at: datetime
    is_open: bool
    opens_at: datetime | None
    quote_age: int | None  # seconds by the wall since the price came in
    is_stale: bool
    cash: Decimal
    budget_left: Decimal
    has_ended: bool
    next_step: int
    buy_obstacle: Obstacle | None
    sale_obstacle: Obstacle | None


def plan_now(plan: SwingPlan) -> PlanNow:
    """Only read: nothing is locked and nothing placed. The plan comes with instrument, account and person."""
    present, quote = markets.moment(plan.instrument.source), markets.latest_quote(plan.instrument)
    calendar = markets.session_calendar(plan.instrument, present)
    is_open = calendar.is_open(present.at)
    cash, next_step = _free_cash(plan), _next_step(plan)
    in_the_way = partial(_obstacle, plan, quote, present, is_open)
    return PlanNow(
        market_at=present.at,
        is_open=is_open,
        opens_at=None if is_open else _next_open(calendar, present.at),
        quote_age=None if quote is None else max(0, int((timezone.now() - quote.received_at).total_seconds())),
        is_stale=markets.quote_is_stale(quote),
        cash=cash,
        budget_left=max(plan.budget - plan.cycle_spent, Decimal(0)),
        has_ended=plan.has_ended(market_day(present.at)),
        next_step=next_step,
        buy_obstacle=in_the_way(Side.BUY, next_step, cash) if next_step else None,
        sale_obstacle=in_the_way(Side.SELL, SOLD, plan.held_quantity) if plan.held_quantity else None,
    )


def _next_open(calendar: Calendar, at: datetime) -> datetime | None:
    try:
        return calendar.next_open(at)
    except NoSessionAhead:
        return None


def _next_step(plan: SwingPlan) -> int:
    """Which buy the plan would make next; 0 where it makes none in this cycle."""
    steps = len(plan.strategy_version.document["entries"])
    return plan.signal + 1 if plan.mode != "off" and not plan.stopping and plan.signal < steps else 0


def _obstacle(
    plan: SwingPlan, quote: LatestQuote | None, present: Moment, is_open: bool, side: Side, step: int, free: Decimal
) -> Obstacle | None:
    """The first thing in the way, in the order in which placing an order asks. `free`: cash, or units to sell."""
    if quote is None:
        return Obstacle("no_price")
    if markets.quote_is_stale(quote):
        return Obstacle("stale_price")
    if not is_open:
        return Obstacle("closed_session")
    try:
        check_account(plan.user, plan.broker_account)
        if side is Side.BUY:
            check_currency(plan.broker_account, plan.instrument)
        denial = _denial(plan, quote, present, side, step, free)
    except OrderRefused as e:
        return Obstacle(e.code, e.facts)
    except NoRuleInForce:
        return Obstacle("no_rule_in_force")
    return Obstacle(denial.code, denial.facts) if denial else None


def _denial(
    plan: SwingPlan, quote: LatestQuote, present: Moment, side: Side, step: int, free: Decimal
) -> Denial | None:
    rules, on = plan.instrument.rules, market_day(present.at)
    waits_at = quote.price if side is Side.BUY and _waits_at_a_level(plan, step) else None
    worst = worst_price(rules, side, None, waits_at, quote, on)
    quantity = size_sell(held=free, lot=rules.lot) if side is Side.SELL else _units(plan, quote, step, worst, on)
    if not quantity and side is Side.SELL:
        raise OrderRefused("below_minimum", low=rules.lot, given=free)
    if not quantity:
        raise OrderRefused("nothing_to_trade")
    asked = Asked(
        user=plan.user,
        broker_account=plan.broker_account,
        instrument=plan.instrument,
        side=side,
        quantity=quantity,
        order_type=OrderType.MARKET if waits_at is None else OrderType.STOP,
        limit_price=None,
        stop_price=waits_at,
        time_in_force=TimeInForce.DAY,
        client_key="",
        plan=plan,
        step=step,
    )
    check_plan(asked, present)
    return (
        halts.denial_at_place(asked)
        or limits.denial_for(asked, quote, present, worst)
        or risk.shortage(side, risk.to_reserve(rules, side, quantity, worst, on), free)
    )


def _waits_at_a_level(plan: SwingPlan, step: int) -> bool:
    """Whether the step buys inside a bar, at a level only that bar tells: reckoned at the present price here."""
    return "stop" in plan.strategy_version.document["entries"][step - 1]


def _units(plan: SwingPlan, quote: LatestQuote, step: int, worst: Decimal, on: date) -> Decimal:
    """What the step would buy now, within the rule's share of the account's worth. Raises OrderRefused."""
    quantity = units_of_step(plan, step, worst, on)
    rate = RiskRates.of(RuleDocument.from_data(plan.strategy_version.document).bind().risk).max_position_rate
    return quantity if rate is None or not quantity else min(quantity, room_for(plan, rate, quote.price))


def _free_cash(plan: SwingPlan) -> Decimal:
    rows = Balance.objects.filter(
        broker_account=plan.broker_account_id, bucket=ledger.AVAILABLE, asset=plan.instrument.currency
    )
    return rows.values_list("amount", flat=True).first() or Decimal(0)
