"""Registering, editing, pausing and resuming swing plans; `plan_stops` ends them."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from accounts.models import User
from brokers.models import BrokerAccount
from markets import services as markets
from markets.models import Instrument
from markets.types import Interval, market_day
from strategies.library.swing import SwingParameters
from strategies.models import Strategy, StrategyVersion
from strategies.services import keep_version
from trading.errors import NotAllowed, OrderRefused, PlanRefused
from trading.events import publish_plan_changed
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.plan_rules import ChosenRule, swing_rule
from trading.services.ledger import books
from trading.services.ordering.asked import check_account, check_currency, plain_number
from trading.services.ordering.stops import call_back_waiting, waiting_stops
from trading.services.planning.evaluation import evaluate_plan

EDITABLE = ("name", "budget", "first_share", "repeat", "cooldown_bars", "running_mode", "ends_on")
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
    parameters: SwingParameters | ChosenRule,
    budget: Decimal,
    first_share: Decimal,
    repeat: bool = True,
    cooldown_bars: int = 5,
    mode: str = "on",
    ends_on: date | None = None,
    client_key: str = "",
) -> SwingPlan:
    """A plan that watches from the next closed bar on; the same `client_key` again gives the same plan.

    `parameters` are the swing rule's, or any rule chosen; `ends_on` is the last market day on which it may buy. Raises
    NotAllowed and PlanRefused; nothing is written then.
    """
    if not user.may_trade:
        raise NotAllowed
    rule = parameters if isinstance(parameters, ChosenRule) else swing_rule(parameters)
    _check_venue(user, broker_account, instrument)
    _check_terms(name, budget, first_share, cooldown_bars, mode)
    now = markets.market_now(instrument)
    _lock_person(user)  # the same form sent twice at once is one plan and one rule
    earlier = SwingPlan.objects.for_user(user).filter(client_key=client_key).first() if client_key else None
    if earlier is not None:
        return earlier
    if ends_on is not None and ends_on < market_day(now):
        raise PlanRefused("end_date_passed", ends_on=ends_on.isoformat())
    plan = SwingPlan.objects.create(
        user=user,
        client_key=client_key or uuid4().hex,
        broker_account=broker_account,
        instrument=instrument,
        strategy_version=_version(user, name, rule),
        name=name,
        interval=interval,
        budget=budget,
        first_share=first_share,
        repeat=repeat,
        cooldown_bars=cooldown_bars,
        ends_on=ends_on,
        mode=mode,
        running_mode=mode,
        watches_from=now,
    )
    _tell(plan)
    return plan


def edit_plan(
    user: User,
    plan_id: UUID,
    *,
    name: str,
    parameters: SwingParameters | ChosenRule,
    budget: Decimal,
    first_share: Decimal,
    repeat: bool,
    cooldown_bars: int,
    mode: str,
    ends_on: date | None = None,
    as_seen: SwingPlan | None = None,
) -> SwingPlan:
    """Other terms, or another rule from the next bar on: bars closed by now are decided by the rule there was.

    The rule becomes a new version, the one before stays; an entry that waits for its price is called back. Raises
    NotAllowed, SwingPlan.DoesNotExist, and PlanRefused while another order of the plan is open, while it is being stopped,
    and for a budget below what the cycle has spent. Where `as_seen` is given: also `changed_meanwhile`, if somebody has
    edited the plan since it was read.
    """
    if not user.may_trade:
        raise NotAllowed
    plan = SwingPlan.objects.for_user(user).get(pk=plan_id)
    rule = parameters if isinstance(parameters, ChosenRule) else swing_rule(parameters)
    _check_terms(name, budget, first_share, cooldown_bars, mode)
    _check_edit(plan, budget, mode)
    if plan.mode != "off":
        evaluate_plan(plan)
    terms = {
        "name": name,
        "budget": budget,
        "first_share": first_share,
        "repeat": repeat,
        "cooldown_bars": cooldown_bars,
        "running_mode": mode,
        "ends_on": ends_on,
    }
    return _rewrite(user, plan, rule, terms, as_seen)


@transaction.atomic
def _rewrite(
    user: User, seen: SwingPlan, rule: ChosenRule, terms: Mapping[str, Any], as_seen: SwingPlan | None
) -> SwingPlan:
    _lock_person(user)
    books.lock_account(seen.broker_account_id)  # no order is placed meanwhile
    call_back_waiting(user, seen)
    plans = SwingPlan.objects.select_for_update(of=("self",)).select_related("strategy_version__strategy", "instrument")
    plan = plans.get(pk=seen.pk)
    _check_edit(plan, terms["budget"], terms["running_mode"])
    before = _terms_of(plan, terms)
    if as_seen is not None and before != _terms_of(as_seen, terms):
        raise PlanRefused("changed_meanwhile")
    for name, value in terms.items():
        setattr(plan, name, value)
    plan.strategy_version = _next_version(user, plan, rule)
    if before == (plan.strategy_version_id, *terms.values()):
        return plan
    if plan.mode != "off":
        plan.mode = plan.running_mode
    plan.version += 1
    plan.save(update_fields=[*terms, "strategy_version", "mode", "version", "updated_at"])
    _tell(plan)
    return plan


def terms_mark(plan: SwingPlan) -> str:
    """The same as long as nobody edits the plan, whatever it decides meanwhile: what a form says it was shown for."""
    return hashlib.sha256(repr(_terms_of(plan, EDITABLE)).encode()).hexdigest()[:32]


def _terms_of(plan: SwingPlan, terms: Iterable[str]) -> tuple[Any, ...]:
    """What an edit can change, as it stands."""
    return (plan.strategy_version_id, *(getattr(plan, name) for name in terms))


def pause_plan(user: User, plan_id: UUID) -> SwingPlan:
    """Stop looking. What is held stays held, working orders go on; an entry that still waits for its price is called back.

    Raises SwingPlan.DoesNotExist for another's plan, PlanRefused for one that is selling to stop.
    """
    return _pause(user, plan_id)


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
def _pause(user: User, plan_id: UUID) -> SwingPlan:
    """Under the account's lock: no evaluation places another entry in between."""
    if user.may_trade:
        books.lock_account(SwingPlan.objects.for_user(user).get(pk=plan_id).broker_account_id)
    plan = _switch(user, plan_id, runs=False)
    call_back_waiting(user, plan)
    return plan


@transaction.atomic
def _switch(user: User, plan_id: UUID, *, runs: bool) -> SwingPlan:
    if not user.may_trade:
        raise NotAllowed
    plan = SwingPlan.objects.for_user(user).select_for_update(of=("self",)).select_related("instrument").get(pk=plan_id)
    if plan.stopping:
        raise PlanRefused("plan_is_stopping")
    mode = plan.running_mode if runs else "off"
    if plan.mode != mode:
        plan.mode = mode
        plan.version += 1
        if runs:
            plan.watches_from = markets.market_now(plan.instrument)
        plan.save(update_fields=["mode", "version", "watches_from", "updated_at"])
        _tell(plan)
    return plan


def _tell(plan: SwingPlan) -> None:
    transaction.on_commit(partial(publish_plan_changed, plan.pk, plan.user_id, plan.version))


def _check_venue(user: User, broker_account: BrokerAccount, instrument: Instrument) -> None:
    try:
        check_account(user, broker_account)
        check_currency(broker_account, instrument)
    except OrderRefused as e:
        raise PlanRefused(e.code, **e.facts) from e
    if not instrument.is_active:
        raise PlanRefused("instrument_not_tradable", instrument=instrument.key)


def _check_terms(name: str, budget: Decimal, first_share: Decimal, cooldown_bars: int, mode: str) -> None:
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise PlanRefused("name_missing")
    if not _is_number(budget):
        raise PlanRefused("bad_budget")
    if not _is_number(first_share) or first_share > 1:
        raise PlanRefused("bad_first_share")
    if mode not in RUNNING_MODES:
        raise PlanRefused("bad_mode")
    if cooldown_bars < 0:
        raise PlanRefused("bad_cooldown")


def _check_edit(plan: SwingPlan, budget: Decimal, mode: str) -> None:
    """Raise PlanRefused for what a plan in the middle of something cannot become."""
    if plan.stopping:
        raise PlanRefused("plan_is_stopping")
    if Order.objects.open().filter(plan=plan).exclude(pk__in=waiting_stops().filter(plan=plan).values("pk")).exists():
        raise PlanRefused("plan_has_open_order")
    if budget < plan.cycle_spent:
        raise PlanRefused("budget_below_spent", spent=plan.cycle_spent)
    if mode == "shadow" and plan.held_quantity:
        raise PlanRefused("plan_holds", held=plan.held_quantity)


def _is_number(value: Decimal) -> bool:
    try:
        plain_number(value, "value")
    except OrderRefused:
        return False
    return True


def _lock_person(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _next_version(user: User, plan: SwingPlan, rule: ChosenRule) -> StrategyVersion:
    """The rule as the next version of the plan's strategy, where that is the person's own and of the same kind."""
    current = plan.strategy_version
    if rule.version_id is None and current.version_hash == rule.document.version_hash():
        return current
    goes_on = current.strategy.user_id == user.pk and current.strategy.kind == rule.kind
    return _version(user, current.strategy.name if goes_on else plan.name, rule)


def _version(user: User, name: str, rule: ChosenRule) -> StrategyVersion:
    """The rule as an immutable version: the saved one it is, else of the person's own strategy of the plan's name.

    One strategy per name and kind, one version per content. The person is locked.
    """
    if rule.version_id is not None:
        saved = StrategyVersion.objects.filter(pk=rule.version_id, strategy__in=Strategy.objects.for_user(user)).first()
        if saved is None or saved.version_hash != rule.document.version_hash():
            raise PlanRefused("unknown_strategy")
        return saved
    return keep_version(user, name, rule.kind, rule.document, rule.settings)
