"""One plan on one bar, with its order: account, then plan, then everything that placing an order does, in one transaction."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.db import transaction

from brokers.protocol import OrderType
from brokers.virtual import costs
from markets import services as markets
from markets.types import Side, market_day
from trading import risk
from trading.errors import OrderRefused
from trading.events import publish_plan_changed
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services import books
from trading.services.evaluation.deciding import (
    STEPS,
    Outcome,
    carry_on,
    decision_on,
    outcome_without_order,
    wants_order,
)
from trading.services.evaluation.looks import Look, Pending, View, looks_at
from trading.services.evaluation.rows import Before, row_of, write_plans, write_rows
from trading.services.evaluation.rules import Rule
from trading.services.orders import place_order
from trading.signal import Action, Decision
from trading.sizing import size_buy, size_sell


def decide_one(pending: Pending, views: Mapping[tuple[int, str], View], rules: Mapping[str, Rule]) -> int:
    """Decide on every bar the plan has not decided on; how many evaluations were written."""
    view = views[pending.instrument_id, pending.interval]
    looks = looks_at(view, pending.rule, rules[pending.rule], pending.decided_until)
    return sum(_look(pending, look) for look in list(looks))


@transaction.atomic
def _look(pending: Pending, look: Look) -> bool:
    """Decide once, under the account's and the plan's lock; False where the decision had been made."""
    books.lock_account(pending.account_id)
    plan = (
        SwingPlan.objects.select_for_update(of=("self",))
        .select_related("instrument", "broker_account", "user")
        .get(pk=pending.plan_id)
    )
    if plan.mode == "off" or plan.strategy_version_id != pending.version_id or look.closed_at <= decided_until(plan):
        return False
    if PlanEvaluation.objects.filter(plan=plan, bar_closed_at=look.closed_at).exists():
        plan.decided_until = look.closed_at  # decided in an earlier run over the same bars
        plan.save(update_fields=["decided_until"])
        return False
    _write(plan, look)
    return True


def decided_until(plan: SwingPlan) -> datetime:
    """Bars that closed until then are nobody's business any more."""
    return max(plan.watches_from, plan.decided_until or plan.watches_from)


def _write(plan: SwingPlan, look: Look) -> None:
    before, signal = Before.of(plan), plan.signal
    working = Order.objects.open().filter(plan=plan).exists()
    decision = decision_on(plan, look, has_working_order=working)
    told = _act(plan, decision, look)
    carry_on(plan, decision, look)
    write_plans([(plan, before)])
    write_rows([row_of(plan.pk, signal, look, told)])
    transaction.on_commit(partial(publish_plan_changed, plan.pk, plan.user_id, plan.version))


def _act(plan: SwingPlan, decision: Decision | None, look: Look) -> Outcome:
    """The order, if the decision asked for one and the plan is switched on, and what is told of it."""
    told = outcome_without_order(decision, look)
    if decision is None or not wants_order(plan, decision):
        return told
    try:
        with transaction.atomic():  # what a refused order wrote goes, the decision and its reason stay
            order = _place(plan, decision.action, look)
    except OrderRefused as e:
        return Outcome(Action.BLOCKED, e.code, told.facts | {name: str(value) for name, value in e.facts.items()})
    if order is None:
        return Outcome(Action.BLOCKED, "nothing_to_trade", told.facts)
    return replace(told, order_id=order.pk)


def _place(plan: SwingPlan, action: Action, look: Look) -> Order | None:
    side = Side.SELL if action is Action.SELL else Side.BUY
    quantity = _quantity(plan, action, look)
    if not quantity:
        return None
    step = STEPS[action]
    return place_order(
        user=plan.user,
        broker_account=plan.broker_account,
        instrument=plan.instrument,
        side=side,
        quantity=quantity,
        order_type=OrderType.MARKET,
        client_key=f"{plan.pk}:{plan.cycle}:{step}:{int(look.closed_at.timestamp())}",
        plan=plan,
        step=step,
    )


def _quantity(plan: SwingPlan, action: Action, look: Look) -> Decimal:
    rules = plan.instrument.rules
    if action is Action.SELL:
        return size_sell(held=plan.held_quantity, lot=rules.lot)
    quote = markets.latest_quote(plan.instrument)
    if quote is None:
        raise OrderRefused("no_price", instrument=plan.instrument.key)
    on = market_day(look.now)
    return size_buy(
        budget=plan.budget,
        share=plan.first_share if action is Action.BUY_FIRST else Decimal(1),
        price=risk.worst_buy_price(rules, quote.ask or quote.price, on),
        fee_rate=costs.rates(rules, Side.BUY, on).commission,
        lot=rules.lot,
        min_quantity=rules.min_quantity,
        min_amount=rules.min_amount,
        already_spent=plan.cycle_spent,
    )
