"""Plans whose last bar asks for a plain order, placed together: one transaction for as many accounts as ask at once.

The accounts are locked in the order of their keys, then the plans, as everywhere. What is not plain is left to `one`, in
whose transaction every case has its answer: several bars to decide on, a level to wait at, a share of the account's worth, an
order that would be refused or denied. An account's plans keep the order of their turns at its money.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from markets import services as markets
from markets.dated import NoRuleInForce
from markets.models import LatestQuote
from trading.errors import BooksDoNotBalance
from trading.events import publish_plans_changed
from trading.models import Order, SwingPlan
from trading.services.ledger import books
from trading.services.ordering.asked import Asked
from trading.services.ordering.together import KeyTaken, place_together
from trading.services.planning.evaluation.deciding import (
    STEPS,
    carry_on,
    decision_on,
    outcome_without_order,
    wants_order,
)
from trading.services.planning.evaluation.entries import units_at
from trading.services.planning.evaluation.looks import Look, Pending, View
from trading.services.planning.evaluation.one import PLANS, Desk, wish_for
from trading.services.planning.evaluation.rows import Moved, row_of, write_plans, write_rows
from trading.services.planning.evaluation.rules import Rule
from trading.services.planning.evaluation.standing import Standing, standing_of
from trading.signal import Action, Decision
from trading.sizing import SizingInvalid, size_sell

AT_ONCE = 100  # accounts in one transaction: nobody waits long for any of them

Views = Mapping[tuple[int, str], View]
Rules = Mapping[str, Rule]


class Step(NamedTuple):
    """A locked plan, what its bar asks of it, and the order that would do it."""

    plan: SwingPlan
    stands: Standing
    decision: Decision
    look: Look
    wish: Asked


def decide_together(pending: Sequence[Pending], views: Views, rules: Rules, desk: Desk) -> tuple[int, list[Pending]]:
    """Decide for those of these plans that ask for a plain order: how many evaluations were written, and the plans left."""
    written = 0
    left: list[Pending] = []
    behind: set[UUID] = set()
    for turn in _turns(pending):
        plain = [plan for plan in turn if plan.account_id not in behind]
        done = _tried(plain, views, rules, desk)
        written += len(done)
        left += [plan for plan in turn if plan.plan_id not in done]
        behind |= {plan.account_id for plan in left}  # whose next plan has to wait for this one
    places = {plan.plan_id: place for place, plan in enumerate(pending)}
    return written, sorted(left, key=lambda plan: places[plan.plan_id])


def _turns(pending: Sequence[Pending]) -> Iterator[list[Pending]]:
    """The first plan of each account, then the second of each: no account twice in one turn."""
    seen: Counter[UUID] = Counter()
    turns: dict[int, list[Pending]] = defaultdict(list)
    for plan in pending:
        turns[seen[plan.account_id]].append(plan)
        seen[plan.account_id] += 1
    for turn in turns.values():
        for start in range(0, len(turn), AT_ONCE):
            yield turn[start : start + AT_ONCE]


def _tried(pending: Sequence[Pending], views: Views, rules: Rules, desk: Desk) -> set[UUID]:
    """The plans that were decided for. None where one of them cannot be: nothing of it was kept then."""
    if not pending:
        return set()
    try:
        return _decide(pending, views, rules, desk)
    except (IntegrityError, KeyTaken, BooksDoNotBalance):
        return set()  # one has decided on this bar in an earlier run, or its books are wrong: each answers for itself


@transaction.atomic
def _decide(pending: Sequence[Pending], views: Views, rules: Rules, desk: Desk) -> set[UUID]:
    accounts = books.lock_accounts({plan.account_id for plan in pending})
    places = ", ".join(["%s"] * len(pending))
    keys = sorted(plan.plan_id for plan in pending)
    plans = {plan.pk: plan for plan in PLANS.read(f"id IN ({places}) ORDER BY id", keys, lock="FOR NO KEY UPDATE")}
    working = set(Order.objects.open().filter(plan__in=keys).values_list("plan_id", flat=True))
    quotes = markets.latest_quotes(desk.instruments(pending))
    steps = []
    for each in pending:
        plan, account = plans.get(each.plan_id), accounts.get(each.account_id)
        if plan is None or account is None or each.plan_id in working:
            continue
        view, rule = views[each.instrument_id, each.interval], rules[each.rule]
        step = _step(each, desk.plan(plan, account), view, rule, quotes.get(each.instrument_id))
        if step is not None:
            steps.append(step)
    return _place(steps)


def _step(each: Pending, plan: SwingPlan, view: View, rule: Rule, quote: LatestQuote | None) -> Step | None:
    """What the plan does on its last bar; None where that is not a plain order, or not for us to say any more."""
    if plan.mode != "on" or plan.strategy_version_id != each.version_id or quote is None:
        return None
    stands = standing_of(plan)
    looks = view.looks(each.rule, rule, stands.since)
    decision = decision_on(stands, looks[0], has_working_order=False) if len(looks) == 1 else None
    if decision is None or not wants_order(stands, decision):
        return None
    quantity = _quantity(plan, decision.action, looks[0], quote)
    if not quantity:
        return None
    return Step(plan, stands, decision, looks[0], wish_for(plan, decision.action, looks[0], quantity))


def _quantity(plan: SwingPlan, action: Action, look: Look, quote: LatestQuote) -> Decimal:
    """The units of a plain order; zero where it is not one, or where there is nothing to trade."""
    if action is Action.SELL:
        return size_sell(held=plan.held_quantity, lot=plan.instrument.rules.lot)
    step = STEPS[action]
    if look.seen.entries[step - 1].level is not None or look.rule.rates.max_position_rate is not None:
        return Decimal(0)
    try:
        return units_at(plan, look, step, quote.ask or quote.price)
    except (SizingInvalid, NoRuleInForce):  # told where the plan is asked by itself
        return Decimal(0)


def _place(steps: Sequence[Step]) -> set[UUID]:
    """Place the orders and write down what was decided, of those that nothing speaks against."""
    now = timezone.now()
    rows, moved = [], []
    for step, order in zip(steps, place_together([step.wish for step in steps]), strict=True):
        if order is None:
            continue
        stands, before = step.stands, step.stands.remembered
        told = outcome_without_order(step.decision, step.look)._replace(order_id=order.pk)
        rows.append(row_of(stands, step.look, told, now))
        carry_on(stands, step.decision, step.look)
        moved.append(Moved(stands, before, 1))
    if rows:
        write_rows(rows)
        write_plans(moved)
        changes = [(each.plan.id, each.plan.user_id, each.plan.version) for each in moved]
        transaction.on_commit(partial(publish_plans_changed, changes))
    return {each.plan.id for each in moved}
