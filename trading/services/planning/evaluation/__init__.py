"""Looking at plans on closed bars: one decision per (plan, bar), whoever rings and however often.

What is due is found in two queries (`due`). Then, chunk by chunk: the bars of all its instruments in one statement, each
rule asked once per bar whatever the number of plans (`rules`, `looks`), hundreds of plans without an order written together
(`many`), the few whose order nothing speaks against placed together (`together`), and whatever is left each in a
transaction of its own (`one`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from markets import services as markets
from trading.models import PlanEvaluation, SwingPlan
from trading.models.plans import SwingPlanQuerySet
from trading.services.planning.evaluation import due as due_plans
from trading.services.planning.evaluation.due import Due, Market, NotYet, chunks, pending_plans, views_for
from trading.services.planning.evaluation.looks import Pending, View
from trading.services.planning.evaluation.many import decide_many
from trading.services.planning.evaluation.one import Desk, decide_each
from trading.services.planning.evaluation.rules import Rule, rules_of
from trading.services.planning.evaluation.together import decide_together

__all__ = ["NotYet", "evaluate_chunk", "evaluate_due", "evaluate_plan", "instruments_due"]


def evaluate_due(instrument_id: int | None = None, *, at: datetime | None = None) -> int:
    """Decide for every running plan on each closed bar it has not decided on; how many decisions were written.

    `at` leaves out bars that closed after that market time. How late a decision is, is still counted from the present, so
    that looking back never sends an order for an old bar. Raises NotYet for a time that a plan's market has not reached.
    """
    plans = SwingPlan.objects.running()
    if at is not None:
        _check_passed(at, set(plans.values_list("instrument__source", flat=True)))
    if instrument_id is not None:
        plans = plans.filter(instrument_id=instrument_id)
    return _evaluate(plans, at)


def instruments_due() -> list[list[int]]:
    """The instruments with something to decide, in chunks that workers may take side by side."""
    found = due_plans.due(SwingPlan.objects.running(), Market())
    return [sorted({each.series.instrument_id for each in chunk}) for chunk in chunks(found)]


def evaluate_chunk(instrument_ids: Sequence[int]) -> int:
    """Decide for the running plans of these instruments; how many decisions were written."""
    return _evaluate(SwingPlan.objects.running().filter(instrument_id__in=instrument_ids))


def evaluate_plan(plan: SwingPlan) -> PlanEvaluation | None:
    """Look at one plan now; the decision on its last closed bar, also where it was made before. None without bars."""
    _evaluate(SwingPlan.objects.running().filter(pk=plan.pk))
    return PlanEvaluation.objects.filter(plan=plan).select_related("order").first()


def _check_passed(at: datetime, sources: set[str]) -> None:
    for present in map(markets.moment, sorted(sources)):
        if at > present.at:
            raise NotYet(f"{at.isoformat()} is after {present.at.isoformat()}", now=present.at.isoformat())


def _evaluate(plans: SwingPlanQuerySet, until: datetime | None = None) -> int:
    market, written = Market(until), 0
    for chunk in chunks(due_plans.due(plans, market)):
        written += _evaluate_chunk(plans, chunk, market)
        market = Market(until)  # what time it is now: the chunks before took theirs
    return written


def _evaluate_chunk(plans: SwingPlanQuerySet, found: Sequence[Due], market: Market) -> int:
    pending = pending_plans(plans, found)
    rules = rules_of({plan.rule: plan.version_id for plan in pending})
    views = views_for(found, pending, rules, market)
    first = decide_many(pending, views, rules)
    held = {plan.plan_id for plan in first.held}
    if held:  # most of them another evaluator has decided on by now
        held &= {plan.plan_id for plan in pending_plans(plans.filter(pk__in=held), found)}
    again = decide_many([plan for plan in first.held if plan.plan_id in held], views, rules)
    waiting = {plan.plan_id for plan in (*first.orders, *again.orders, *again.held)}
    one_by_one = [plan for plan in pending if plan.plan_id in waiting]  # in the order of their turns
    return first.written + again.written + _with_orders(one_by_one, views, rules)


def _with_orders(plans: Sequence[Pending], views: Mapping[tuple[int, str], View], rules: Mapping[str, Rule]) -> int:
    if not plans:
        return 0
    desk = Desk(plans)
    written, left = decide_together(plans, views, rules, desk)
    return written + decide_each(left, views, rules, desk)
