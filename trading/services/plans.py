"""Registering, pausing and resuming swing plans."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

from django.db import transaction

from accounts.models import User
from brokers.models import BrokerAccount
from markets import services as markets
from markets.models import Instrument
from markets.types import Interval
from strategies.library.swing import SwingParameters, swing_document
from strategies.models import Strategy, StrategyVersion
from trading.errors import NotAllowed, OrderRefused, PlanRefused
from trading.events import publish_plan_changed
from trading.models import PlanEvaluation, SwingPlan
from trading.services.asked import check_account, plain_number
from trading.services.evaluation import evaluate_plan

RUNNING_MODES = {"on", "shadow"}
LONGEST_NAME = 64


@transaction.atomic
def register_plan(
    user: User,
    *,
    broker_account: BrokerAccount,
    instrument: Instrument,
    name: str,
    interval: Interval,
    parameters: SwingParameters,
    budget: Decimal,
    first_share: Decimal,
    repeat: bool = True,
    cooldown_bars: int = 5,
    mode: str = "on",
    client_key: str = "",
) -> SwingPlan:
    """A swing plan that watches from the next closed bar on; the same `client_key` again gives the same plan.

    Raises NotAllowed and PlanRefused; nothing is written then.
    """
    if not user.may_trade:
        raise NotAllowed
    _check(user, broker_account, instrument, name, budget, first_share)
    if cooldown_bars < 0 or mode not in RUNNING_MODES:
        raise PlanRefused("bad_mode" if mode not in RUNNING_MODES else "bad_cooldown")
    version = _version(user, name, parameters)  # locks the person's row: a second click waits here
    earlier = SwingPlan.objects.for_user(user).filter(client_key=client_key).first() if client_key else None
    if earlier is not None:
        return earlier
    plan = SwingPlan.objects.create(
        user=user,
        client_key=client_key or uuid4().hex,
        broker_account=broker_account,
        instrument=instrument,
        strategy_version=version,
        name=name,
        interval=interval,
        budget=budget,
        first_share=first_share,
        repeat=repeat,
        cooldown_bars=cooldown_bars,
        mode=mode,
        running_mode=mode,
        watches_from=markets.market_now(instrument),
    )
    transaction.on_commit(partial(publish_plan_changed, plan.pk, user.pk, plan.version))
    return plan


def pause_plan(user: User, plan_id: UUID) -> SwingPlan:
    """Stop looking. What is held stays held, working orders go on. Raises SwingPlan.DoesNotExist for another's plan."""
    return _switch(user, plan_id, runs=False)


def resume_plan(user: User, plan_id: UUID) -> SwingPlan:
    """Look again as before, from the next closed bar on: nothing is traded on bars that passed in between."""
    return _switch(user, plan_id, runs=True)


def evaluate_plan_now(user: User, plan_id: UUID) -> PlanEvaluation:
    """The decision on the plan's last closed bar, made now if nobody has; for a new plan the bar before it was registered.

    Raises PlanRefused without a bar or when off.
    """
    plan = SwingPlan.objects.for_user(user).select_related("instrument", "strategy_version").get(pk=plan_id)
    if not user.may_trade:
        raise NotAllowed
    if plan.mode == "off":
        raise PlanRefused("plan_is_off")
    decision = evaluate_plan(plan) or _evaluate_the_bar_before(plan)
    if decision is None:
        raise PlanRefused("no_closed_bar_yet", interval=plan.interval)
    return decision


def _evaluate_the_bar_before(plan: SwingPlan) -> PlanEvaluation | None:
    """A person asks before the plan's own first bar has closed: the last one there is, told as late if it is late."""
    newest = markets.newest_close(plan.instrument, Interval(plan.interval), markets.market_now(plan.instrument))
    if newest is None:
        return None
    SwingPlan.objects.filter(pk=plan.pk, decided_until=None).update(watches_from=newest - timedelta(seconds=1))
    plan.refresh_from_db(fields=["watches_from"])
    return evaluate_plan(plan)


@transaction.atomic
def _switch(user: User, plan_id: UUID, *, runs: bool) -> SwingPlan:
    if not user.may_trade:
        raise NotAllowed
    plan = SwingPlan.objects.for_user(user).select_for_update(of=("self",)).select_related("instrument").get(pk=plan_id)
    mode = plan.running_mode if runs else "off"
    if plan.mode != mode:
        plan.mode = mode
        plan.version += 1
        if runs:
            plan.watches_from = markets.market_now(plan.instrument)
        plan.save(update_fields=["mode", "version", "watches_from", "updated_at"])
        transaction.on_commit(partial(publish_plan_changed, plan.pk, user.pk, plan.version))
    return plan


def _check(
    user: User,
    broker_account: BrokerAccount,
    instrument: Instrument,
    name: str,
    budget: Decimal,
    first_share: Decimal,
) -> None:
    try:
        check_account(user, broker_account)
    except OrderRefused as e:
        raise PlanRefused(e.code, **e.facts) from e
    if not instrument.is_active:
        raise PlanRefused("instrument_not_tradable", instrument=instrument.key)
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise PlanRefused("name_missing")
    if not _is_number(budget):
        raise PlanRefused("bad_budget")
    if not _is_number(first_share) or first_share > 1:
        raise PlanRefused("bad_first_share")


def _is_number(value: Decimal) -> bool:
    try:
        plain_number(value, "value")
    except OrderRefused:
        return False
    return True


def _version(user: User, name: str, parameters: SwingParameters) -> StrategyVersion:
    """The rule as an immutable version of the person's own strategy: one strategy per name, a version per content."""
    document = swing_document(parameters)
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # the same form sent twice at once is one rule
    strategy, _is_new = Strategy.objects.get_or_create(user=user, name=name, kind="swing")
    known = strategy.versions.filter(version_hash=document.version_hash()).first()
    return known or strategy.versions.create(
        number=strategy.versions.count() + 1,
        document=document.as_data(),
        settings=parameters.as_data(),
        version_hash=document.version_hash(),
    )
