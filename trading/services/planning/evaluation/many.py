"""Many plans at once, those whose bar asks for no order: read, decided and written by a few statements for hundreds.

It locks plans alone and waits for nobody: a plan that somebody else holds just now (a fill, a person, another evaluator) is
left to the next try. So it can stand in no circle of waiting, whatever the order in which others lock. Orders have their
own way (`one`), which takes the account's lock first.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from trading.events import publish_plans_changed
from trading.models import Order
from trading.services.planning.evaluation.among import among
from trading.services.planning.evaluation.deciding import carry_on, decision_on, outcome_without_order, wants_order
from trading.services.planning.evaluation.looks import Pending, View, look_ahead
from trading.services.planning.evaluation.rows import Moved, Written, row_of, write_plans, write_rows
from trading.services.planning.evaluation.rules import Rule
from trading.services.planning.evaluation.standing import lock_free

AT_ONCE = 500  # plans in one transaction


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
    asked = [(views[p.instrument_id, p.interval], p.rule, rules[p.rule], p.decided_until) for p in pending]
    look_ahead(asked)
    for view, key, rule, since in asked:
        for look in view.looks(key, rule, since):
            look.seen.text  # noqa: B018


@transaction.atomic
def _decide(pending: Sequence[Pending], views: Mapping[tuple[int, str], View], rules: Mapping[str, Rule]) -> Done:
    plans = lock_free([plan.plan_id for plan in pending])
    working = set(Order.objects.open().filter(among("plan_id", plans)).values_list("plan_id", flat=True))
    now = timezone.now()
    rows: list[Written] = []
    moved: list[Moved] = []
    done = Done(0, [], [])
    for each in pending:
        plan = plans.get(each.plan_id)
        if plan is None or plan.strategy_version_id != each.version_id:
            done.held.append(each)
            continue
        before, count = plan.remembered, len(rows)
        for look in views[each.instrument_id, each.interval].looks(each.rule, rules[each.rule], plan.since):
            decision = decision_on(plan, look, has_working_order=plan.id in working)
            if wants_order(plan, decision):
                done.orders.append(each)
                break
            rows.append(row_of(plan, look, outcome_without_order(decision, look), now))
            carry_on(plan, decision, look)
        if len(rows) > count:
            moved.append(Moved(plan, before, len(rows) - count))
    if rows:
        write_rows(rows)
        write_plans(moved)
        changes = [(each.plan.id, each.plan.user_id, each.plan.version) for each in moved]
        transaction.on_commit(partial(publish_plans_changed, changes))
    return done._replace(written=len(rows))
