"""Many plans at once, those whose bar asks for no order: read, decided and written by a few statements for hundreds.

It locks plans alone and waits for nobody: a plan that somebody else holds just now (a fill, a person, another evaluator) is
left to the next try. So it can stand in no circle of waiting, whatever the order in which others lock. Orders have their
own way (`one`), which takes the account's lock first.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from markets.models import Statements
from trading.events import publish_plan_changed
from trading.models import Order, SwingPlan
from trading.services.evaluation.deciding import carry_on, decision_on, outcome_without_order, wants_order
from trading.services.evaluation.looks import Pending, View, looks_at
from trading.services.evaluation.rows import Before, Written, row_of, write_plans, write_rows
from trading.services.evaluation.rules import Rule

AT_ONCE = 500  # plans in one transaction
PLANS = Statements(SwingPlan)


class Done(NamedTuple):
    """How many evaluations were written, and the plans that still have a bar to decide on."""

    written: int
    orders: list[Pending]  # their bar asks for an order
    held: list[Pending]  # somebody else holds them, or they have changed since they were read


def decide_many(pending: Sequence[Pending], views: Mapping[tuple[int, str], View], rules: Mapping[str, Rule]) -> Done:
    """Decide on every bar of these plans that asks for no order."""
    written, orders, held = 0, [], []
    for start in range(0, len(pending), AT_ONCE):
        part = pending[start : start + AT_ONCE]
        _look_ahead(part, views, rules)
        try:
            done = _decide(part, views, rules)
        except IntegrityError:  # a bar was decided on in an earlier run over the same bars: nothing of this is kept
            done = Done(0, list(part), [])
        written += done.written
        orders += done.orders
        held += done.held
    return Done(written, orders, held)


def _look_ahead(pending: Sequence[Pending], views: Mapping[tuple[int, str], View], rules: Mapping[str, Rule]) -> None:
    """Ask the rules before anything is locked: what they say is kept in the views."""
    for plan in pending:
        view = views[plan.instrument_id, plan.interval]
        for index in view.undecided(plan.decided_until):
            view.see(plan.rule, rules[plan.rule], index)


@transaction.atomic
def _decide(pending: Sequence[Pending], views: Mapping[tuple[int, str], View], rules: Mapping[str, Rule]) -> Done:
    plans = _locked([plan.plan_id for plan in pending])
    working = _with_working_order(plans)
    rows: list[Written] = []
    moved: list[tuple[SwingPlan, Before]] = []
    orders: list[Pending] = []
    held: list[Pending] = []
    for each in pending:
        plan = plans.get(each.plan_id)
        if plan is None or plan.strategy_version_id != each.version_id:
            held.append(each)
            continue
        before, count = Before.of(plan), len(rows)
        since = max(plan.watches_from, plan.decided_until or plan.watches_from)
        for look in looks_at(views[each.instrument_id, each.interval], each.rule, rules[each.rule], since):
            decision = decision_on(plan, look, has_working_order=plan.pk in working)
            if wants_order(plan, decision):
                orders.append(each)
                break
            rows.append(row_of(plan.pk, plan.signal, look, outcome_without_order(decision, look)))
            carry_on(plan, decision, look)
        if len(rows) > count:
            moved.append((plan, before))
    if rows:
        write_rows(rows)
        write_plans(moved)
        transaction.on_commit(partial(_tell, [(plan.pk, plan.user_id, plan.version) for plan, _before in moved]))
    return Done(len(rows), orders, held)


def _tell(moved: Sequence[tuple[UUID, UUID, int]]) -> None:
    for plan_id, user_id, version in moved:
        publish_plan_changed(plan_id, user_id, version)


def _locked(keys: Sequence[UUID]) -> dict[UUID, SwingPlan]:
    """Those of the running plans that nobody else holds, locked until the transaction ends."""
    if connection.vendor == "postgresql":
        found = PLANS.read("id = ANY(%s) AND mode <> 'off' ORDER BY id", [list(keys)], "FOR NO KEY UPDATE SKIP LOCKED")
    else:
        found = PLANS.read(f"id IN ({', '.join(['%s'] * len(keys))}) AND mode <> 'off'", keys)
    return {plan.pk: plan for plan in found}


def _with_working_order(plans: Mapping[UUID, SwingPlan]) -> set[UUID]:
    return set(Order.objects.open().filter(plan__in=list(plans)).values_list("plan_id", flat=True)) if plans else set()
