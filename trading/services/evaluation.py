"""Looking at plans on closed bars: one decision per (plan, bar), whoever rings and however often."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from brokers.protocol import OrderType
from brokers.virtual import costs
from markets import services as markets
from markets.bars import Bars
from markets.calendars import Calendar
from markets.models import Instrument
from markets.services import Moment
from markets.types import InstrumentKind, Interval, Side, from_epoch, market_day
from strategies.document import RuleDocument
from strategies.models import StrategyVersion
from strategies.rows import Row
from trading import risk
from trading.errors import OrderRefused, TradingError
from trading.events import publish_plan_changed
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services import books
from trading.services.orders import place_order
from trading.signal import Action, Decision, PlanState, RiskRates, advance, decide
from trading.sizing import size_buy, size_sell, to_decimal

if TYPE_CHECKING:  # TA-Lib is loaded by the first evaluation: the web process does without
    from strategies.compiler import Evaluation, Evaluator
    from strategies.indicators import Frame

# How late, in session time as the watch runs, a decision may be acted on (I26). Later bars are recorded as skipped.
LATEST = {InstrumentKind.STOCK: 600, InstrumentKind.ETF: 600, InstrumentKind.CRYPTO: 300}  # seconds
FEW_MISSED, MOST_MISSED = 8, 500  # bars caught up with in one go
STEPS = {Action.BUY_FIRST: 1, Action.BUY_SECOND: 2, Action.SELL: 3}


@dataclass(frozen=True, slots=True)
class Look:
    """One plan on one closed bar, with everything known at that moment."""

    plan: SwingPlan  # as it was read, without a lock
    evaluation: "Evaluation"
    warm_up: int
    index: int  # of the bar, in evaluation.bars
    is_late: bool
    now: datetime  # market time

    @property
    def closed_at(self) -> datetime:
        return from_epoch(int(self.evaluation.bars.closed_at[self.index]))


class NotYet(TradingError):
    """The market has not come this far: what is asked for lies in its future."""

    code = "in_the_future"


def evaluate_due(instrument_id: int | None = None, *, at: datetime | None = None) -> int:
    """Decide for every running plan on each closed bar it has not decided on; how many decisions were written.

    `at` leaves out bars that closed after that market time. How late a decision is, is still counted from the present, so
    that looking back never sends an order for an old bar. Raises NotYet for a time that a plan's market has not reached.
    """
    plans = SwingPlan.objects.running().select_related("instrument")
    if at is not None:
        _check_passed(at, set(plans.values_list("instrument__source", flat=True)))
    if instrument_id is not None:
        plans = plans.filter(instrument_id=instrument_id)
    ordered = plans.order_by("instrument_id", "interval", "created_at")
    groups = groupby(ordered, key=lambda plan: (plan.instrument, Interval(plan.interval)))
    return sum(_evaluate_group(instrument, interval, list(group), at) for (instrument, interval), group in groups)


def _check_passed(at: datetime, sources: set[str]) -> None:
    for present in map(markets.moment, sorted(sources)):
        if at > present.at:
            raise NotYet(f"{at.isoformat()} is after {present.at.isoformat()}", now=present.at.isoformat())


def evaluate_plan(plan: SwingPlan) -> PlanEvaluation | None:
    """Look at one plan now; the decision on its last closed bar, also where it was made before. None without bars."""
    _evaluate_group(plan.instrument, Interval(plan.interval), [plan])
    return PlanEvaluation.objects.filter(plan=plan).select_related("order").first()


def _evaluate_group(
    instrument: Instrument, interval: Interval, plans: list[SwingPlan], until: datetime | None = None
) -> int:
    present = markets.moment(instrument.source)
    calendar = markets.session_calendar(instrument, present)
    if not calendar.is_open(present.at):
        return 0  # a bar that closed with its session is decided at the next open
    until = until or present.at
    newest = markets.newest_close(instrument, interval, until)
    due = [plan for plan in plans if newest is not None and newest > _decided_until(plan)]
    if not due or newest is None:
        return 0
    from strategies.indicators import Frame

    is_late = _waited(calendar, newest, present) > LATEST[InstrumentKind(instrument.kind)]
    bars = _bars_for(instrument, interval, due, until)
    frame = Frame(bars)
    return sum(_evaluate_plan(plan, bars, frame, present.at, is_late) for plan in due)


def _decided_until(plan: SwingPlan) -> datetime:
    return max(plan.watches_from, plan.decided_until or plan.watches_from)


def _waited(calendar: Calendar, closed_at: datetime, present: Moment) -> float:
    """Seconds of session since the bar closed, as a watch would count them; none where the market waits for us."""
    return calendar.open_seconds(closed_at, present.at) / present.speed if present.speed else 0.0


def _bars_for(instrument: Instrument, interval: Interval, plans: list[SwingPlan], now: datetime) -> Bars:
    """What the rules need and a few bars more; as many as were missed, where that was not enough."""
    needed = max(_compiled(plan.strategy_version_id).warm_up for plan in plans)
    since = min(int(_decided_until(plan).timestamp()) for plan in plans)
    bars = markets.read_bars(instrument, interval, needed + FEW_MISSED, now)
    if len(bars) == needed + FEW_MISSED and bars.closed_at[needed - 1] > since:
        bars = markets.read_bars(instrument, interval, needed + MOST_MISSED, now)
    return bars


def _evaluate_plan(plan: SwingPlan, bars: Bars, frame: "Frame", now: datetime, is_late: bool) -> int:
    evaluator = _compiled(plan.strategy_version_id)
    evaluation = evaluator.evaluate(bars, frame)
    since = int(_decided_until(plan).timestamp())
    last = len(bars) - 1
    undecided = [index for index in range(max(0, last + 1 - MOST_MISSED), last + 1) if bars.closed_at[index] > since]
    looks = [Look(plan, evaluation, evaluator.warm_up, i, is_late or i < last, now) for i in undecided]
    return sum(_look(look) for look in looks)


@transaction.atomic
def _look(look: Look) -> bool:
    """Decide once, under the account's and the plan's lock; False where the decision had been made."""
    books.lock_account(look.plan.broker_account_id)
    plan = (
        SwingPlan.objects.select_for_update(of=("self",))
        .select_related("instrument", "broker_account", "user")
        .get(pk=look.plan.pk)
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
    decision = None if look.is_late or look.index + 1 < look.warm_up else _decide(plan, look, row)
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


def _decide(plan: SwingPlan, look: Look, row: Row) -> Decision:
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
    return decide(state, row, RiskRates.of(look.evaluation.document.risk))


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
def _compiled(version_id: UUID) -> "Evaluator":
    """The evaluator of a version, compiled once per process: a version never changes."""
    from strategies.compiler import compile_document

    document = StrategyVersion.objects.values_list("document", flat=True).get(pk=version_id)
    return compile_document(RuleDocument.from_data(document))
