"""What a plan looks like from outside: how far it is, when it looks next, what it thought last, what it is worth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from markets import services as markets
from markets.calendars import Calendar, NoSessionAhead
from markets.models import Instrument, LatestQuote
from markets.services import Moment
from markets.types import Interval
from strategies.conditions import Candle, NumberOperand, operands
from strategies.rows import ConditionRow
from strategies.sentences import condition_sentence, figure
from trading.forms import sentence_language
from trading.models import PlanEvaluation, SwingPlan
from trading.signal import Action
from trading.templatetags.looks import look_sentence, row_of
from trading.templatetags.reasons import sentence

LINES_APART = 0.05  # of their price
STEPS = frozenset({Action.BUY_FIRST, Action.BUY_SECOND, Action.SELL})


@dataclass(frozen=True, slots=True)
class Outlook:
    """One plan as lists show it. Amounts are in the instrument's currency; None where there is no price."""

    plan: SwingPlan
    next_look: datetime | None
    latest: PlanEvaluation | None
    price: Decimal | None

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else self.price * self.plan.held_quantity

    @property
    def unrealised(self) -> Decimal | None:
        value = self.value
        return None if value is None else value - self.plan.held_cost

    @property
    def profit(self) -> Decimal:
        """Realised after fees and taxes, and what the position has gained so far."""
        return self.plan.realised + (self.unrealised or 0)

    @property
    def why(self) -> str:
        return "" if self.latest is None else Explained(self.latest).sentence


SESSIONS = {"always": _("늘 열려 있음"), "open": _("열려 있음"), "closed": _("닫혀 있음")}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What surrounded a look, in words and figures. `session` may be the name of a day the market is closed for."""

    session: str
    price_age: int | None
    cash: Decimal | None
    currency: str
    limit: str

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Surroundings":
        """From what an evaluation keeps; anything may be missing from one that an older release wrote."""
        session, cash, limit = kept.get("session", ""), kept.get("cash"), kept.get("limit") or {}
        return cls(
            session=str(SESSIONS.get(session, session)),
            price_age=kept.get("price_age"),
            cash=None if cash is None else Decimal(cash),
            currency=kept.get("currency", "KRW"),
            limit=sentence(limit["code"], limit.get("facts")) if limit.get("code") else "",
        )


class Explained:
    """One evaluation in words: the sentence, and each condition with its figures."""

    def __init__(self, evaluation: PlanEvaluation) -> None:
        self.evaluation = evaluation
        self.row = row_of(evaluation) if evaluation.detail.get("row") else None

    @property
    def around(self) -> Surroundings | None:
        """Session, age of the price, free cash and the limit that denied its order; None where none of it was kept."""
        kept = self.evaluation.detail.get("around")
        return Surroundings.of(kept) if kept else None

    @property
    def sentence(self) -> str:
        """What the plan did on this bar and why, in the reader's language."""
        return look_sentence(self.evaluation, self.row)

    @property
    def only_watched(self) -> bool:
        """A step was called for, and no order was sent: the plan was in the shadow."""
        return self.evaluation.outcome in STEPS and self.evaluation.order_id is None

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The conditions of each step and of the exit; `asked` marks those this plan was waiting for."""
        if self.row is None:
            return []
        signal = self.evaluation.signal
        buys = [
            (self.row.of_entry(number), {"step": number + 1, "asked": signal == number, "passed": entry.passed})
            for number, entry in enumerate(self.row.entries)
        ]
        leaving = (self.row.of_exit(), {"step": 3, "asked": signal in {1, 2}, "passed": self.row.exit})
        return [group | {"rows": [_told(row) for row in rows]} for rows, group in (*buys, leaving)]


def _told(row: ConditionRow) -> dict[str, Any]:
    numbers = {name: getattr(row, name) for name in ("value", "threshold", "distance")}
    shown = {name: "–" if number is None else figure(number) for name, number in numbers.items()}
    return {"row": row, "sentence": condition_sentence(row, sentence_language()), "near": nearness(row), **shown}


def nearness(row: ConditionRow) -> int:
    """How near a condition is to holding, 0 to 100, for a bar beside its figures; 100 only where it holds.

    Against a fixed threshold the distance is measured by the larger of the two; between two lines, which are always close to
    each other, a twentieth of that is already far.
    """
    if row.passed:
        return 100
    if row.value is None or row.threshold is None or isinstance(row.condition, Candle):
        return 0
    size = max(abs(row.value), abs(row.threshold)) * (1.0 if _against_a_number(row) else LINES_APART)
    return min(99, max(0, round(100 * (1 - abs(row.value - row.threshold) / size)))) if size else 0


def _against_a_number(row: ConditionRow) -> bool:
    sides = dict(operands(row.condition))
    return isinstance(sides.get("right", sides.get("threshold", sides.get("low"))), NumberOperand)


class MarketClocks:
    """What time it is for each of many instruments, asked once per source and calendar."""

    def __init__(self) -> None:
        self._present: dict[str, Moment] = {}
        self._calendars: dict[tuple[str, str], Calendar] = {}

    def next_look(self, plan: SwingPlan) -> datetime | None:
        """When the plan looks next; None while it is off."""
        return None if plan.mode == "off" else self.next_close(plan.instrument, Interval(plan.interval))

    def next_close(self, instrument: Instrument, interval: Interval) -> datetime | None:
        """When the bar under way closes, or outside a session the first bar of the next; None where none is known."""
        source, key = instrument.source, (instrument.source, instrument.calendar)
        present = self._present.get(source) or self._present.setdefault(source, markets.moment(source))
        calendar = self._calendars.get(key) or self._calendars.setdefault(
            key, markets.order_calendar(instrument, present)
        )
        try:
            opening = calendar.next_open(present.at)
        except NoSessionAhead:
            return None
        bounds = calendar.bar_bounds(interval, present.at) or calendar.bar_bounds(interval, opening)
        return bounds[1] if bounds else None


def outlooks(plans: Iterable[SwingPlan]) -> list[Outlook]:
    """Plans (with their instruments) as lists show them, in a handful of queries however many they are."""
    listed = list(plans)
    latest, prices, clocks = _latest_evaluations(listed), _prices(listed), MarketClocks()
    return [
        Outlook(plan, clocks.next_look(plan), latest.get(plan.pk), prices.get(plan.instrument_id)) for plan in listed
    ]


def outlook_of(plan: SwingPlan, latest: PlanEvaluation | None) -> Outlook:
    """One plan, for a page that has read its last evaluation."""
    return Outlook(plan, MarketClocks().next_look(plan), latest, _prices([plan]).get(plan.instrument_id))


def _latest_evaluations(plans: Sequence[SwingPlan]) -> dict[UUID, PlanEvaluation]:
    newest = PlanEvaluation.objects.filter(plan=OuterRef("pk")).order_by("-bar_closed_at").values("pk")[:1]
    ids = SwingPlan.objects.filter(pk__in=[plan.pk for plan in plans]).annotate(newest=Subquery(newest))
    found = PlanEvaluation.objects.filter(pk__in=[pk for pk in ids.values_list("newest", flat=True) if pk])
    return {evaluation.plan_id: evaluation for evaluation in found}


def _prices(plans: Sequence[SwingPlan]) -> dict[int, Decimal]:
    quotes = LatestQuote.objects.filter(instrument__in={plan.instrument_id for plan in plans})
    return dict(quotes.values_list("instrument_id", "price"))
