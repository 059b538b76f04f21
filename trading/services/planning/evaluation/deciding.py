"""What a plan does on a bar, and what it remembers of it. Everything here happens under the plan's lock."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from trading.risk import Denial
from trading.services.planning.evaluation.looks import Look
from trading.services.planning.evaluation.standing import Standing
from trading.signal import Action, Decision, PlanState, advance, decide

STEPS = {Action.BUY_FIRST: 1, Action.BUY_SECOND: 2, Action.SELL: 3}


class Outcome(NamedTuple):
    """What is told of a look. `facts` are the numbers the reason stands on, as strings; `limit` is what denied its order."""

    outcome: str
    reason: str
    facts: Mapping[str, str]
    order_id: UUID | None = None
    limit: Denial | None = None


def decision_on(plan: Standing, look: Look, *, has_working_order: bool) -> Decision | None:
    """What the bar asks of the plan as it stands; None where nothing may be decided on it."""
    if look.is_late or look.is_warming_up:
        return None
    rates = look.rule.rates
    state = PlanState(  # by their places: this is done ten thousand times in a row
        plan.signal,
        plan.held_quantity,
        plan.average_cost,
        plan.peak_close,
        has_working_order,
        plan.exiting,
        plan.repeat,
        plan.cooldown_left,
        0 if rates.time_stop_bars is None else _bars_held(plan, look),
    )
    return decide(state, look.seen, rates)


def _bars_held(plan: Standing, look: Look) -> int:
    """What a time stop counts."""
    if plan.held_since is None or not plan.held_quantity:
        return 0
    return look.bars_since(plan.held_since)


def wants_order(plan: Standing, decision: Decision | None) -> bool:
    return decision is not None and decision.action in STEPS and plan.mode == "on"


def outcome_without_order(decision: Decision | None, look: Look) -> Outcome:
    """What is told where no order is placed."""
    if look.is_late:
        return Outcome("skipped", "late", {"market_time": look.now.isoformat()})
    if decision is None:
        return Outcome("hold", "warming_up", {"bars": str(look.bars), "needed": str(look.rule.warm_up)})
    return Outcome(decision.action, decision.reason, decision.facts)


def carry_on(plan: Standing, decision: Decision | None, look: Look) -> None:
    """What the plan remembers from this bar to the next."""
    if plan.held_quantity:
        plan.peak_close = max(plan.peak_close or look.close, look.close)
    if plan.signal == 3 and plan.cooldown_left and decision is not None and decision.action is Action.HOLD:
        plan.cooldown_left -= 1
    if decision is not None and decision.action is Action.RESTART:
        plan.signal = advance(plan.signal, Action.RESTART)
        plan.cycle += 1
        plan.cycle_spent = Decimal(0)
    plan.decided_until = look.closed_at
    plan.version += 1
