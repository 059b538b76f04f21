"""One plan on one bar, with its order: account, then plan, then everything that placing an order does, in one transaction."""

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from markets import services as markets
from markets.dated import NoRuleInForce
from markets.models import Instrument, Statements
from markets.types import Side
from trading import lifecycle
from trading.errors import OrderRefused
from trading.events import publish_plan_changed
from trading.lifecycle import OrderState
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.risk import Denial
from trading.services.ledger import books
from trading.services.ordering import stops
from trading.services.ordering.asked import Asked
from trading.services.ordering.orders import place
from trading.services.planning.evaluation.deciding import (
    STEPS,
    Outcome,
    carry_on,
    decision_on,
    outcome_without_order,
    wants_order,
)
from trading.services.planning.evaluation.entries import Entry, NotOpened, entry_at_level, quantity_to_buy
from trading.services.planning.evaluation.looks import Look, Pending, View
from trading.services.planning.evaluation.rows import Moved, row_of, write_plans, write_rows
from trading.services.planning.evaluation.rules import Rule
from trading.services.planning.evaluation.standing import Standing, standing_of
from trading.signal import Action, Decision
from trading.sizing import SizingInvalid, size_sell

logger = logging.getLogger(__name__)

PLANS = Statements(SwingPlan)
_KEY: Any = SwingPlan._meta.pk
_KNOWN = (
    f"SELECT EXISTS (SELECT 1 FROM {Order._meta.db_table} WHERE plan_id = %s AND state IN ({{}})),"  # noqa: S608
    f" EXISTS (SELECT 1 FROM {PlanEvaluation._meta.db_table} WHERE plan_id = %s AND bar_closed_at = %s)"
).format(", ".join(f"'{state}'" for state in sorted(lifecycle.OPEN)))


class Desk:
    """The people and instruments of some plans, read once for all their orders."""

    def __init__(self, plans: Sequence[Pending]) -> None:
        self._instruments = Instrument.objects.in_bulk({plan.instrument_id for plan in plans})
        accounts = {plan.account_id for plan in plans}
        self._users = {user.pk: user for user in User.objects.filter(broker_accounts__in=accounts).distinct()}

    def instruments(self, plans: Sequence[Pending]) -> list[Instrument]:
        """What these plans trade, each once."""
        return [self._instruments[key] for key in {plan.instrument_id for plan in plans}]

    def plan(self, plan: SwingPlan, account: BrokerAccount) -> SwingPlan:
        """The plan with everything that placing an order asks of it."""
        plan.broker_account, plan.user = account, self._users[plan.user_id]
        plan.instrument = self._instruments[plan.instrument_id]
        return plan


def decide_each(
    pending: Sequence[Pending], views: Mapping[tuple[int, str], View], rules: Mapping[str, Rule], desk: Desk
) -> int:
    """`decide_one` for each, in their turns; how many evaluations were written.

    What fails with one holds up nobody but the plans of its account behind it, which would overtake it at the money. The
    first such error is raised once all others have had their turn.
    """
    written = 0
    faults: dict[UUID, Exception] = {}  # by account
    for each in pending:
        if each.account_id in faults:
            continue
        try:
            written += decide_one(each, views[each.instrument_id, each.interval], rules[each.rule], desk)
        except (OperationalError, InterfaceError):  # the database is away from all of them
            raise
        except Exception as e:
            logger.exception("plan %s could not be decided on; its account's others wait", each.plan_id)
            faults[each.account_id] = e
    for fault in faults.values():
        raise fault
    return written


def decide_one(pending: Pending, view: View, rule: Rule, desk: Desk) -> int:
    """Decide on every bar the plan has not decided on; how many evaluations were written."""
    return sum(_look(pending, look, desk) for look in view.looks(pending.rule, rule, pending.decided_until))


@transaction.atomic
def _look(pending: Pending, look: Look, desk: Desk) -> bool:
    """Decide once, under the account's and the plan's lock; False where the decision had been made, or cannot be yet."""
    account = books.lock_account(pending.account_id)
    plan = PLANS.first("id = %s", [pending.plan_id], lock="FOR NO KEY UPDATE")
    if plan is None or plan.mode == "off" or plan.strategy_version_id != pending.version_id:
        return False
    stands = standing_of(plan)
    if look.closed_at <= stands.since:
        return False
    has_working_order, is_decided = _known(plan, look)
    if is_decided:
        plan.decided_until = look.closed_at  # decided in an earlier run over the same bars
        plan.save(update_fields=["decided_until"])
        return False
    decision = decision_on(stands, look, has_working_order=has_working_order)
    try:
        _write(desk.plan(plan, account), stands, decision, look)
    except NotOpened:  # nothing was written: the first trade of the next bar has the plan looked at again
        plan.waits_for_open = look.closed_at
        plan.save(update_fields=["waits_for_open"])
        return False
    return True


def _known(plan: SwingPlan, look: Look) -> tuple[bool, bool]:
    """Whether an order of the plan is under way, and whether it has decided on this very bar."""
    key = _KEY.get_db_prep_value(plan.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [key, key, connection.ops.adapt_datetimefield_value(look.closed_at)])
        has_working_order, is_decided = cursor.fetchone()
    return bool(has_working_order), bool(is_decided)


def _write(plan: SwingPlan, stands: Standing, decision: Decision | None, look: Look) -> None:
    before = stands.remembered
    told = _act(plan, stands, decision, look)
    row = row_of(stands, look, told, timezone.now())
    carry_on(stands, decision, look)
    write_plans([Moved(stands, before, 1)])
    write_rows([row])
    transaction.on_commit(partial(publish_plan_changed, plan.pk, plan.user_id, stands.version))


def _act(plan: SwingPlan, stands: Standing, decision: Decision | None, look: Look) -> Outcome:
    """The order, if the decision asked for one and the plan is switched on, and what is told of it."""
    told = outcome_without_order(decision, look)
    if decision is None or not wants_order(stands, decision):
        return told
    try:
        order = _place(plan, decision.action, look)
    except OrderRefused as e:  # nothing of the order was written; the decision and its reason are
        return Outcome(Action.BLOCKED, e.code, {**told.facts, **{name: str(value) for name, value in e.facts.items()}})
    except (SizingInvalid, NoRuleInForce) as e:  # such as a level that is no price, or ticks that nobody knows
        return Outcome(Action.BLOCKED, e.code, told.facts)
    if order is None:
        return Outcome(Action.BLOCKED, "nothing_to_trade", told.facts)
    denial = Denial(order.reason, order.facts) if order.state == OrderState.DENIED else None
    return told._replace(order_id=order.pk, limit=denial)


def _place(plan: SwingPlan, action: Action, look: Look) -> Order | None:
    step = STEPS[action]
    entry = None if action is Action.SELL else entry_at_level(plan, look, step)
    quantity = (
        size_sell(held=plan.held_quantity, lot=plan.instrument.rules.lot)
        if action is Action.SELL
        else quantity_to_buy(plan, look, step, entry)
    )
    if not quantity:
        return None
    order = place(wish_for(plan, action, look, quantity, entry))
    if entry is not None and order.is_open:
        _set_off_if_reached(order, entry)
    return order


def wish_for(plan: SwingPlan, action: Action, look: Look, quantity: Decimal, entry: Entry | None = None) -> Asked:
    """The order of a step. Its key names plan, cycle, step and bar: whoever decides on this bar again asks for the same."""
    step = STEPS[action]
    return Asked(
        user=plan.user,
        broker_account=plan.broker_account,
        instrument=plan.instrument,
        side=Side.SELL if action is Action.SELL else Side.BUY,
        quantity=quantity,
        order_type=OrderType.MARKET if entry is None else OrderType.STOP,
        limit_price=None,
        stop_price=None if entry is None else entry.level,
        time_in_force=TimeInForce.DAY,
        ends_at=None if entry is None else entry.ends_at,
        client_key=f"{plan.pk}:{plan.cycle}:{step}:{int(look.closed_at.timestamp())}",
        plan=plan,
        step=step,
    )


def _set_off_if_reached(order: Order, entry: Entry) -> None:
    """The bar may have come to the level, or opened beyond it, before its entry was there to wait."""
    quote = markets.latest_quote(order.instrument)
    if quote is not None and entry.is_reached(quote):
        stops.set_off(order, quote, order.market_at)
