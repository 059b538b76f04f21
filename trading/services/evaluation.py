"""Looking at plans on closed bars: one decision per (plan, bar), whoever rings and however often."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby
from uuid import UUID

import structlog
from django.db import transaction

from brokers.protocol import OrderType
from brokers.virtual import costs
from markets import services as markets
from markets.bars import Bars
from markets.models import Instrument, PriceFeed, StoredBar
from markets.types import InstrumentKind, Interval, Side, Source, from_epoch, market_day
from strategies.compiler import Evaluation, Evaluator, compile_document
from strategies.document import RuleDocument
from strategies.indicators import Frame
from strategies.models import StrategyVersion
from trading import risk
from trading.errors import OrderRefused
from trading.events import publish_plan_changed
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services import books
from trading.services.orders import place_order
from trading.signal import Action, Decision, PlanState, RiskRates, advance, decide
from trading.sizing import size_buy, size_sell, to_decimal

logger = structlog.get_logger(__name__)

# How late, in session time as the watch runs, a decision may be acted on (I26). Later bars are recorded as skipped.
LATEST = {InstrumentKind.STOCK: 600, InstrumentKind.ETF: 600, InstrumentKind.CRYPTO: 300}  # seconds
MOST_MISSED = 500  # bars caught up with in one go
STEPS = {Action.BUY_FIRST: 1, Action.BUY_SECOND: 2, Action.SELL: 3}


@dataclass(frozen=True, slots=True)
class Look:
    """One plan on one closed bar, with everything known at that moment."""

    plan_id: UUID
    evaluation: Evaluation
    warm_up: int
    index: int  # of the bar, in evaluation.bars
    is_late: bool
    now: datetime

    @property
    def closed_at(self) -> datetime:
        return from_epoch(int(self.evaluation.bars.closed_at[self.index]))


def evaluate_due(instrument_id: int | None = None) -> int:
    """Decide for every running plan on each closed bar it has not decided on; how many decisions were written."""
    plans = SwingPlan.objects.running().select_related("instrument", "strategy_version")
    if instrument_id is not None:
        plans = plans.filter(instrument_id=instrument_id)
    ordered = plans.order_by("instrument_id", "interval", "created_at")
    groups = groupby(ordered, key=lambda plan: (plan.instrument, Interval(plan.interval)))
    return sum(_evaluate_group(instrument, interval, list(group)) for (instrument, interval), group in groups)


def evaluate_plan(plan: SwingPlan) -> PlanEvaluation | None:
    """Look at one plan now; the decision on its last closed bar, also where it was made before. None without bars."""
    _evaluate_group(plan.instrument, Interval(plan.interval), [plan])
    return PlanEvaluation.objects.filter(plan=plan).select_related("order").first()


def _evaluate_group(instrument: Instrument, interval: Interval, plans: list[SwingPlan]) -> int:
    now = markets.market_now(instrument)
    if not markets.session_calendar(instrument).is_open(now):
        return 0  # a bar that closed with its session is decided at the next open
    newest = StoredBar.objects.series(instrument, interval, Source(instrument.source)).closed_by(now).last()
    due = [plan for plan in plans if newest and from_epoch(newest.closed_at) > _decided_until(plan)]
    if not due:
        return 0
    evaluators = {plan.pk: compiled(plan.strategy_version) for plan in due}
    needed = max(evaluator.warm_up for evaluator in evaluators.values())
    bars = markets.read_bars(instrument, interval, needed + _missed(instrument, interval, due, now), now)
    frame = Frame(bars)
    return sum(_evaluate_plan(plan, evaluators[plan.pk], bars, frame, now) for plan in due)


def _decided_until(plan: SwingPlan) -> datetime:
    return max(plan.watches_from, plan.decided_until or plan.watches_from)


def _missed(instrument: Instrument, interval: Interval, plans: list[SwingPlan], now: datetime) -> int:
    since = int(min(_decided_until(plan) for plan in plans).timestamp())
    series = StoredBar.objects.series(instrument, interval, Source(instrument.source)).closed_by(now)
    return min(series.filter(closed_at__gt=since).count(), MOST_MISSED)


def _evaluate_plan(plan: SwingPlan, evaluator: Evaluator, bars: Bars, frame: Frame, now: datetime) -> int:
    evaluation = evaluator.evaluate(bars, frame)
    since = int(_decided_until(plan).timestamp())
    undecided = [index for index in range(max(0, len(bars) - MOST_MISSED), len(bars)) if bars.closed_at[index] > since]
    looks = [
        Look(plan.pk, evaluation, evaluator.warm_up, index, _is_late(plan, bars, index, now), now)
        for index in undecided
    ]
    return sum(_look(look) for look in looks)


def _is_late(plan: SwingPlan, bars: Bars, index: int, now: datetime) -> bool:
    """Whether a newer bar has closed since, or the session has gone on too long, measured as a watch would."""
    if index < len(bars) - 1:
        return True
    feed = PriceFeed.objects.filter(source=plan.instrument.source).only("speed").first()
    speed = feed.speed if feed else 1
    if speed == 0:  # as fast as the work allows: the market waits for the decision
        return False
    calendar = markets.session_calendar(plan.instrument)
    waited = calendar.open_seconds(from_epoch(int(bars.closed_at[index])), now) / speed
    return waited > LATEST[InstrumentKind(plan.instrument.kind)]


@transaction.atomic
def _look(look: Look) -> bool:
    """Decide once, under the account's and the plan's lock; False where the decision had been made."""
    account_id = SwingPlan.objects.values_list("broker_account_id", flat=True).get(pk=look.plan_id)
    books.lock_account(account_id)
    plan = (
        SwingPlan.objects.select_for_update(of=("self",))
        .select_related("instrument", "broker_account", "user")
        .get(pk=look.plan_id)
    )
    if plan.mode == "off" or look.closed_at <= _decided_until(plan):
        return False
    if PlanEvaluation.objects.filter(plan=plan, bar_closed_at=look.closed_at).exists():
        plan.decided_until = look.closed_at  # decided in an earlier run over the same bars
        plan.save(update_fields=["decided_until"])
        return False
    _write(plan, look)
    return True


def _write(plan: SwingPlan, look: Look) -> None:
    row = look.evaluation.row(look.index)
    signal, close = plan.signal, to_decimal(row.close)
    decision = None if look.is_late or look.index + 1 < look.warm_up else _decide(plan, look)
    outcome, reason, facts, order = _act(plan, decision, look)
    _carry_on(plan, decision, close)
    plan.decided_until = look.closed_at
    plan.version += 1
    plan.save(
        update_fields=[
            "signal", "cycle", "cycle_spent", "peak_close", "cooldown_left", "decided_until", "version", "updated_at"
        ]
    )  # fmt: skip
    PlanEvaluation.objects.create(
        plan=plan,
        bar_closed_at=look.closed_at,
        market_at=look.now,
        signal=signal,
        close=close,
        outcome=outcome,
        reason=reason,
        detail={"row": row.as_data(), "facts": facts},
        order=order,
    )
    transaction.on_commit(partial(publish_plan_changed, plan.pk, plan.user_id, plan.version))


def _decide(plan: SwingPlan, look: Look) -> Decision:
    state = PlanState(
        signal=plan.signal,
        held=plan.held_quantity,
        average_cost=plan.average_cost,
        highest_close=plan.peak_close,
        working_order=Order.objects.open().filter(plan=plan).exists(),
        exiting=plan.exiting,
        repeat=plan.repeat,
        cool_down_left=plan.cooldown_left,
    )
    return decide(state, look.evaluation.row(look.index), RiskRates.of(look.evaluation.document.risk))


def _act(plan: SwingPlan, decision: Decision | None, look: Look) -> tuple[str, str, dict[str, str], Order | None]:
    """Outcome, reason, facts and the order, if the decision asked for one and the plan is switched on."""
    if look.is_late:
        return "skipped", "late", {"market_time": look.now.isoformat()}, None
    if decision is None:
        return "hold", "warming_up", {"bars": str(look.index + 1), "needed": str(look.warm_up)}, None
    facts = dict(decision.facts)
    if decision.action not in STEPS or plan.mode != "on":
        return decision.action, decision.reason, facts, None
    try:
        with transaction.atomic():  # what a refused order wrote goes, the decision and its reason stay
            order = _place(plan, decision.action, look)
    except OrderRefused as e:
        return Action.BLOCKED, e.code, facts | {name: str(value) for name, value in e.facts.items()}, None
    if order is None:
        return Action.BLOCKED, "nothing_to_trade", facts, None
    return decision.action, decision.reason, facts, order


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


def _carry_on(plan: SwingPlan, decision: Decision | None, close: Decimal) -> None:
    """What the plan remembers from one bar to the next."""
    if plan.held_quantity:
        plan.peak_close = max(plan.peak_close or close, close)
    if plan.signal == 3 and plan.cooldown_left and decision is not None and decision.action is Action.HOLD:
        plan.cooldown_left -= 1
    if decision is not None and decision.action is Action.RESTART:
        plan.signal = advance(plan.signal, Action.RESTART)
        plan.cycle += 1
        plan.cycle_spent = Decimal(0)


@lru_cache(maxsize=1024)
def _compiled(version_id: UUID) -> Evaluator:
    document = StrategyVersion.objects.values_list("document", flat=True).get(pk=version_id)
    return compile_document(RuleDocument.from_data(document))


def compiled(version: StrategyVersion) -> Evaluator:
    """The evaluator of a version, compiled once per process: a version never changes."""
    return _compiled(version.pk)
