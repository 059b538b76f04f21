"""Many plans on one hourly market, for tests of evaluating them together."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Interval
from strategies.library.swing import SwingParameters
from tests import factories as make
from tests.trading.test_evaluation import CROSSES_ONLY
from trading import services
from trading.models import PlanEvaluation, SwingPlan
from trading.services.planning.evaluation.due import Market, due, pending_plans, views_for
from trading.services.planning.evaluation.looks import Pending
from trading.services.planning.evaluation.many import decide_many
from trading.services.planning.evaluation.one import Desk, decide_each
from trading.services.planning.evaluation.rules import rules_of


def make_plans(
    instrument: Instrument, count: int, rules: Sequence[SwingParameters] = (CROSSES_ONLY,), owners: int = 3
) -> list[SwingPlan]:
    """Plans that watch from the market's present on: `rules` in turn, by as many people with an account each."""
    accounts = [make.make_account(make.make_user(), 10**9) for _owner in range(owners)]
    return [_plan(accounts[n % owners], instrument, f"plan {n}", rules[n % len(rules)]) for n in range(count)]


def _plan(account: BrokerAccount, instrument: Instrument, name: str, rule: SwingParameters) -> SwingPlan:
    user: User = account.user
    return services.register_plan(
        user,
        broker_account=account,
        instrument=instrument,
        name=name,
        interval=Interval.H1,
        parameters=rule,
        budget=Decimal(1_000_000),
        first_share=Decimal("0.5"),
    )


def together(plans: Sequence[SwingPlan]) -> int:
    """Decide for these plans as far as it goes without orders; how many evaluations were written."""
    chosen = SwingPlan.objects.running().filter(pk__in=[plan.pk for plan in plans])
    pending, views, rules = _prepared(chosen)
    return decide_many(pending, views, rules).written


def one_by_one(plans: Sequence[SwingPlan], desk_of: Callable[[Sequence[Pending]], Desk] = Desk) -> int:
    """Decide for each of these plans in transactions of its own."""
    chosen = SwingPlan.objects.running().filter(pk__in=[plan.pk for plan in plans])
    pending, views, rules = _prepared(chosen)
    desk = desk_of(pending)
    return decide_each(pending, views, rules, desk)


def _prepared(chosen: Any) -> tuple[Any, Any, Any]:
    market = Market()
    found = due(chosen, market)
    pending = pending_plans(chosen, found)
    rules = rules_of({plan.rule: plan.version_id for plan in pending})
    return pending, views_for(found, pending, rules, market), rules


def told(plan: SwingPlan) -> list[dict[str, Any]]:
    """A plan's evaluations, oldest first, as far as they name no row; `order`: whether there was one, `version`: whether
    it is the plan's.

    How old the price was is left out: it is counted by the wall, and a busy machine takes its time.
    """
    rows = PlanEvaluation.objects.filter(plan=plan).order_by("bar_closed_at")
    columns = ("bar_closed_at", "market_at", "signal", "close", "outcome", "reason", "detail")
    found = [row | {"order": row["order"] is not None} for row in rows.values(*columns, "order")]
    for row in found:
        row["detail"].get("around", {}).pop("price_age", None)
        row["detail"]["version"] = row["detail"]["version"] == str(plan.strategy_version_id)
    return found


def standing(plan: SwingPlan) -> dict[str, Any]:
    """What looks may change of a plan."""
    columns = ("signal", "cycle", "cycle_spent", "peak_close", "cooldown_left", "decided_until", "version")
    return dict(SwingPlan.objects.values(*columns).get(pk=plan.pk))
