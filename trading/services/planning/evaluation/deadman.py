"""The dead man's switch of plans that trade with real accounts (G15): who is not looked at must not be sent on.

A feed that says nothing is watched elsewhere (`watches.stale_feeds`). Here: bars close and nobody decides on them, or prices
come and no bar closes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min
from django.utils import timezone

from markets import services as markets
from markets.models import Instrument
from markets.types import Interval
from trading.latches import Mode
from trading.models import Halt, SwingPlan
from trading.models.plans import SwingPlanQuerySet
from trading.services.planning.evaluation.due import SINCE, Market, due, pending_plans
from trading.services.running.timing import scaled
from trading.services.safeguards.watches import REAL, SILENT_TOO_LONG, Trip, Watched

UNDECIDED_TOO_LONG = timedelta(minutes=5)  # of session, after a bar has closed: workers, beat and dispatch are all away
NO_BAR_TOO_LONG = timedelta(hours=1)  # of session, after a bar should have closed, and three bars at least
BARS_TOO_LONG = 3


def plans_not_looked_at(_watched: Watched) -> Iterator[Trip]:
    """A running plan of a real account has not been evaluated for longer than its limit while its market was open."""
    plans = SwingPlan.objects.filter(mode="on", broker_account__environment__in=REAL, broker_account__is_active=True)
    if not plans.exists():
        return
    market = Market()
    overdue = {**_without_decision(plans, market), **_without_bar(plans, market)}
    for plan in plans.filter(pk__in=overdue).select_related("instrument"):
        facts = {"instrument": plan.instrument.key, "since": overdue[plan.pk].isoformat()}
        scope = ("account", str(plan.broker_account_id))
        yield Trip(scope, Mode.REDUCE_ONLY, "not_looked_at", plan.user_id, facts)


@dataclass(frozen=True, slots=True)
class Switch:
    """The dead man's switch of one plan, for its page. Ages and limits in seconds; None: nothing to count from.

    Beyond either limit the account of a plan that trades with a real one takes no new positions (`closes`), and a person is
    told. `closed_by` is why the account's latch is closed now, '' where it is open.
    """

    overdue_since: datetime | None  # the close of the bar that should long have been decided on
    look_limit: int  # of session, since a bar closed
    price_age: int | None  # by the wall
    price_limit: int  # while the market is open
    closes: bool
    closed_by: str
    closed_at: datetime | None


def switch_of(plan: SwingPlan) -> Switch:
    """Where the switch of this plan stands. The plan comes with its instrument and account."""
    quote = markets.latest_quote(plan.instrument)
    latch = Halt.objects.filter(scope="account", target=str(plan.broker_account_id)).exclude(mode=Mode.ACTIVE).first()
    return Switch(
        overdue_since=overdue_since(plan),
        look_limit=int(scaled(UNDECIDED_TOO_LONG).total_seconds()),
        price_age=None if quote is None else max(0, int((timezone.now() - quote.received_at).total_seconds())),
        price_limit=int(scaled(SILENT_TOO_LONG).total_seconds()),
        closes=plan.mode == "on" and plan.broker_account.environment in REAL,
        closed_by=latch.reason if latch else "",
        closed_at=latch.at if latch else None,
    )


def overdue_since(plan: SwingPlan) -> datetime | None:
    """The close of the bar on which this plan, whatever its account, should long have decided; None while it is looked at."""
    plans, market = SwingPlan.objects.running().filter(pk=plan.pk), Market()
    if plan.mode == "off":
        return None
    return _without_decision(plans, market).get(plan.pk) or _without_bar(plans, market).get(plan.pk)


def _without_decision(plans: SwingPlanQuerySet, market: Market) -> dict[UUID, datetime]:
    """The plans that have not decided on a bar that is there, and when it closed."""
    longest = scaled(UNDECIDED_TOO_LONG).total_seconds()
    late = [each for each in due(plans, market) if market.waited(each.instrument, each.newest) > longest]
    closed = {(each.series.instrument_id, each.series.interval): each.newest for each in late}
    waiting = dict(plans.waiting_for_open().values_list("pk", "waits_for_open")) if late else {}
    overdue = {plan.plan_id: closed[plan.instrument_id, plan.interval] for plan in pending_plans(plans, late)}
    return {
        pk: at for pk, at in overdue.items() if waiting.get(pk) != at
    }  # looked at, and waits for the next bar's open


def _without_bar(plans: SwingPlanQuerySet, market: Market) -> dict[UUID, datetime]:
    """The plans whose next bar should long have closed, and when."""
    groups = plans.order_by().values("instrument_id", "interval").annotate(earliest=Min(SINCE))
    rows = list(groups.values_list("instrument_id", "interval", "earliest"))
    instruments = Instrument.objects.in_bulk({row[0] for row in rows})
    trading = {pk for pk, instrument in instruments.items() if market.is_open(instrument)}
    found = {}
    for pk, interval, earliest in rows:
        if pk in trading and _is_overdue(instruments[pk], Interval(interval), earliest, market):
            for plan_id, since in plans.filter(instrument=pk, interval=interval).values_list("pk", SINCE):
                if _is_overdue(instruments[pk], Interval(interval), since, market):
                    found[plan_id] = since
    return found


def _is_overdue(instrument: Instrument, interval: Interval, since: datetime, market: Market) -> bool:
    longest = max(scaled(NO_BAR_TOO_LONG), interval.duration * BARS_TOO_LONG).total_seconds()
    return market.waited(instrument, market.next_close(instrument, interval, since)) > longest
