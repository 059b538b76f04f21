"""The conditions that close latches, one function each: what is read, and which latch should close for it.

Each is a few indexed queries for all accounts together, whatever their number; nothing is changed here but the note of
when an account's books were last recomputed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from time import monotonic
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services import audit
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets import services as markets
from markets.models import Instrument, LatestQuote
from markets.types import Side, Source
from trading import lifecycle, limits
from trading.latches import Mode
from trading.lifecycle import OrderState
from trading.models import BooksCheck, Order, PositionDifference, Pulse, RiskLimit, SignalStep, SwingPlan
from trading.services.ledger.audit import check_books
from trading.services.running.timing import scaled
from trading.services.safeguards import clock
from trading.services.safeguards.halts import SITE, Scope, subject_of
from trading.services.safeguards.limit_rows import start_of
from trading.services.valuation.standing import day_losses, standings

UNKNOWN_TOO_LONG = timedelta(minutes=5)
SILENT_TOO_LONG = timedelta(minutes=1)
BOOKS_EVERY = timedelta(minutes=5)
AUDIT_EVERY = timedelta(hours=1)
AUDIT = "audit"  # the pulse that says when the audit was last walked
BOOKS_BUDGET = 0.25  # seconds of one sweep, and at least one account
REFUSALS_WITHIN = timedelta(days=7)
REAL = [Environment.PAPER.value, Environment.LIVE.value]
# What a broker has answered, one way or the other.
ANSWERED = [
    *(state.value for state in sorted(lifecycle.WORKING)),
    *(OrderState.FILLED.value, OrderState.CANCELED.value, OrderState.EXPIRED.value, OrderState.REJECTED.value),
]
WATCHED_LIMITS = [
    "rejects_in_row",
    "losses_in_row",
    "daily_loss_account",
    "daily_loss_plan",
    "orders_per_minute_account",
    "orders_per_minute_plan",
]


@dataclass(frozen=True, slots=True)
class Trip:
    """A latch that should close, and why. `user_id`: who is told; None: the staff."""

    scope: Scope
    mode: Mode
    reason: str
    user_id: UUID | None
    facts: Mapping[str, str] = field(default_factory=dict)


class Watched:
    """One sweep: its time, the limits as they are set now, and since when each latch has been open."""

    def __init__(self, now: datetime, opened_at: Mapping[Scope, datetime]) -> None:
        self.now = now
        self._opened_at = opened_at

    def counts_from(self, scope: Scope, earliest: datetime) -> datetime:
        """What happened before a person last opened this latch counts no more."""
        return max(self._opened_at.get(scope, earliest), earliest)

    @cached_property
    def rows(self) -> list[RiskLimit]:
        """Every watched limit that somebody has set, the newest of each; one query."""
        rows = RiskLimit.objects.filter(name__in=WATCHED_LIMITS, since__lte=timezone.now()).order_by("since", "pk")
        return list({(row.scope, row.target, row.name): row for row in rows}.values())

    def limit(self, name: str, account: BrokerAccount, plan: SwingPlan | None = None) -> Decimal | None:
        scopes = {("site", ""), ("user", str(account.user_id)), ("account", str(account.pk))}
        if plan is not None:
            scopes |= {("plan", str(plan.pk)), ("instrument", str(plan.instrument_id))}
        own = [(r.scope, r.name, r.value) for r in self.rows if r.name == name and (r.scope, r.target) in scopes]
        return limits.effective(start_of(account), own).get(name)

    def limited(self, *names: str) -> list[BrokerAccount]:
        """The accounts in use that one of these limits may hold: the real ones, and where somebody has set one."""
        rows = [row for row in self.rows if row.name in names]
        found = BrokerAccount.objects.active()
        if any(row.scope in {"site", "instrument"} for row in rows):
            return list(found)

        def targets(scope: str) -> list[str]:
            return [row.target for row in rows if row.scope == scope]

        chosen = Q(environment__in=REAL)
        if rows:
            plans = SwingPlan.objects.filter(pk__in=targets("plan")).values("broker_account")
            chosen |= Q(pk__in=targets("account")) | Q(user_id__in=targets("user")) | Q(pk__in=plans)
        return list(found.filter(chosen))


def orders_in_doubt(watched: Watched) -> Iterator[Trip]:
    """Unknown for longer than five minutes, or one of several: nothing new is bought on the account meanwhile."""
    doubtful = Order.objects.filter(state__in=sorted(lifecycle.UNRESOLVED))
    since = watched.now - scaled(UNKNOWN_TOO_LONG)
    for order in doubtful.filter(Q(state=OrderState.AMBIGUOUS) | Q(sent_at__lt=since)):
        reason = "ambiguous" if order.state == OrderState.AMBIGUOUS else "unknown_too_long"
        yield _on_account(order.broker_account_id, order.user_id, reason, order=str(order.pk))


def rejects_in_row(watched: Watched) -> Iterator[Trip]:
    """The broker's last answers on an account were refusals, one after the other."""
    earliest = watched.now - REFUSALS_WITHIN
    refused = Order.objects.filter(state=OrderState.REJECTED, created_at__gte=earliest)
    numbers = dict(refused.order_by().values_list("broker_account").annotate(n=Count("pk")))
    for account in BrokerAccount.objects.in_bulk(numbers).values() if numbers else ():
        needed = watched.limit("rejects_in_row", account)
        if needed is None or numbers[account.pk] < max(needed, 1):
            continue
        since = watched.counts_from(("account", str(account.pk)), earliest)
        answered = Order.objects.filter(broker_account=account, state__in=ANSWERED, created_at__gt=since)
        last = list(answered.order_by("-created_at").values_list("state", flat=True)[: max(int(needed), 1)])
        if len(last) >= needed and set(last) == {OrderState.REJECTED.value}:
            yield _on_account(account.pk, account.user_id, "rejects_in_row", count=str(len(last)))


def open_differences(_watched: Watched) -> Iterator[Trip]:
    """The broker holds something else than our books say."""
    for row in PositionDifference.objects.filter(closed_at=None).select_related("broker_account"):
        account = row.broker_account
        yield _on_account(account.pk, account.user_id, "position_mismatch", instrument=row.instrument)


def stale_feeds(watched: Watched) -> Iterator[Trip]:
    """A running plan of a real account has seen no price for a minute while its market is open."""
    plans = SwingPlan.objects.filter(mode="on", broker_account__environment__in=REAL, broker_account__is_active=True)
    running = list(plans.select_related("broker_account", "instrument"))
    instruments = {plan.instrument_id: plan.instrument for plan in running}
    quotes = LatestQuote.objects.in_bulk(instruments) if instruments else {}
    silent = {
        pk
        for pk, instrument in instruments.items()
        if _is_silent(quotes.get(pk), instrument, watched.now) and _is_open(instrument, watched.now)
    }
    for plan in running:
        if plan.instrument_id in silent:
            account = plan.broker_account
            yield _on_account(account.pk, account.user_id, "stale_feed", instrument=plan.instrument.key)


def losses_today(watched: Watched) -> Iterator[Trip]:
    """The market day has cost an account, or one plan, more than it may (`trading.day_result` says what a loss is)."""
    accounts = {each.pk: each for each in watched.limited("daily_loss_account", "daily_loss_plan")}
    if not accounts:
        return
    losses = day_losses(standings(accounts.values()))
    plans = SwingPlan.objects.in_bulk([pk for loss in losses.values() for pk in loss.plans])
    for pk, loss in losses.items():
        account = accounts[pk]
        most = watched.limit("daily_loss_account", account)
        if _is_beyond(loss.account, most):
            yield _on_account(pk, account.user_id, "daily_loss_account", **_percents(loss.account, most))
        for plan_id, lost in loss.plans.items():
            most = watched.limit("daily_loss_plan", account, plans[plan_id])
            if _is_beyond(lost, most):
                yield _on_plan(plans[plan_id], Mode.REDUCE_ONLY, "daily_loss_plan", **_percents(lost, most))


def losses_in_row(watched: Watched) -> Iterator[Trip]:
    """A plan's last cycles have each lost money, costs included."""
    accounts = {each.pk: each for each in watched.limited("losses_in_row")}
    if not accounts:
        return
    ended = SignalStep.objects.filter(plan__broker_account__in=accounts, to_signal=3, plan__mode="on")
    for plan in SwingPlan.objects.filter(pk__in=ended.values("plan")):
        needed = watched.limit("losses_in_row", accounts[plan.broker_account_id], plan)
        if needed is None:
            continue
        since = watched.counts_from(("plan", str(plan.pk)), plan.created_at)
        sold = ended.filter(plan=plan, order__created_at__gt=since).order_by("-id")
        cycles = list(sold.values_list("cycle", flat=True)[: max(int(needed), 1)])
        if cycles and len(cycles) >= needed and all(result < 0 for result in _cycle_results(plan, cycles)):
            yield _on_plan(plan, Mode.REDUCE_ONLY, "losses_in_row", count=str(len(cycles)))


def orders_per_minute(watched: Watched) -> Iterator[Trip]:
    """More orders in a minute than an account or plan may have, those our limits denied included: something runs away.

    The whole site's number denies orders and halts nothing: one person's runaway must not stop everybody.
    """
    minute = watched.now - timedelta(minutes=1)
    recent = Order.objects.filter(created_at__gt=minute)
    rows = list(recent.values_list("broker_account_id", "plan_id", "created_at"))
    by_account, by_plan = _times(rows, 0), _times(rows, 1)
    for account in BrokerAccount.objects.in_bulk(by_account).values() if rows else ():
        scope, most = ("account", str(account.pk)), watched.limit("orders_per_minute_account", account)
        count = _since(by_account[account.pk], watched.counts_from(scope, minute))
        if most is not None and count > most:
            yield Trip(scope, Mode.HALTED, "too_many_orders", account.user_id, _counts(count, most))
    plans = SwingPlan.objects.select_related("broker_account").in_bulk([pk for pk in by_plan if pk is not None])
    for plan in plans.values():
        most = watched.limit("orders_per_minute_plan", plan.broker_account, plan)
        count = _since(by_plan[plan.pk], watched.counts_from(("plan", str(plan.pk)), minute))
        if most is not None and count > most:
            yield _on_plan(plan, Mode.HALTED, "too_many_orders", **_counts(count, most))


def clock_is_wrong(_watched: Watched) -> Iterator[Trip]:
    """This machine's clock was set, or a venue's is more than a second from it (I28)."""
    wrong = clock.wrong_by()
    if wrong is None:
        return
    for account in BrokerAccount.objects.active().filter(environment__in=REAL):
        yield _on_account(account.pk, account.user_id, "clock", seconds=f"{wrong.total_seconds():+.1f}")


def books_that_differ(watched: Watched) -> Iterator[Trip]:
    """Recompute the books of the accounts whose turn it is: each about every five minutes, a few in one sweep."""
    started, due = monotonic(), watched.now - scaled(BOOKS_EVERY)
    waiting = BrokerAccount.objects.filter(Q(books_check=None) | Q(books_check__at__lt=due))
    for account in waiting.order_by(F("books_check__at").asc(nulls_first=True), "created_at")[:50]:
        differences = check_books(account.pk).differences
        BooksCheck.objects.update_or_create(
            broker_account=account, defaults={"at": watched.now, "differences": len(differences)}
        )
        if differences:
            facts = {"differences": str(len(differences)), "check": differences[0].check}
            yield Trip(("account", str(account.pk)), Mode.HALTED, "books_differ", account.user_id, facts)
        if monotonic() - started > BOOKS_BUDGET:
            return


def audit_that_broke(watched: Watched) -> Iterator[Trip]:
    """Once an hour: entries of the audit were changed or are gone, and nobody can say any more who did what.

    What was broken when a person last opened the site again is known to that person and stops nothing more.
    """
    if Pulse.objects.filter(name=AUDIT, at__gt=watched.now - scaled(AUDIT_EVERY)).exists():
        return
    breaks = audit.verify().breaks
    Pulse.objects.update_or_create(name=AUDIT, defaults={"at": watched.now})
    opened = AuditEntry.objects.filter(action="resume", subject=subject_of(SITE))
    known = opened.aggregate(last=Max("number"))["last"] or 0
    news = [each for each in breaks if each.number > known]
    if news:
        facts = {"number": str(news[0].number), "fault": news[0].fault, "breaks": str(len(news))}
        yield Trip(SITE, Mode.HALTED, "audit_broken", None, facts)


def _on_account(account_id: UUID, user_id: UUID, reason: str, **facts: str) -> Trip:
    return Trip(("account", str(account_id)), Mode.REDUCE_ONLY, reason, user_id, facts)


def _on_plan(plan: SwingPlan, mode: Mode, reason: str, **facts: str) -> Trip:
    return Trip(("plan", str(plan.pk)), mode, reason, plan.user_id, facts)


def _is_silent(quote: LatestQuote | None, instrument: Instrument, now: datetime) -> bool:
    return quote is None or quote.source != instrument.source or quote.received_at < now - scaled(SILENT_TOO_LONG)


def _is_open(instrument: Instrument, now: datetime) -> bool:
    """Whether its market trades. A silent feed's own clock stands still: only a simulated market is asked for its time."""
    present = markets.moment(instrument.source)
    is_simulated = instrument.source in {Source.SIMULATOR, Source.REPLAY}
    return markets.session_calendar(instrument, present).is_open(present.at if is_simulated else now)


def _is_beyond(loss: Decimal | None, most: Decimal | None) -> bool:
    return loss is not None and most is not None and loss > most


def _percents(loss: Decimal | None, most: Decimal | None) -> dict[str, str]:
    return {name: limits.percent(rate) for name, rate in (("percent", loss), ("most", most)) if rate is not None}


def _cycle_results(plan: SwingPlan, cycles: Iterable[int]) -> list[Decimal]:
    """What each of these cycles has brought, after fees and taxes."""
    results: dict[int | None, Decimal] = defaultdict(Decimal)
    for order in Order.objects.filter(plan=plan, cycle__in=list(cycles), filled_quantity__gt=0):
        sign = 1 if order.side == Side.SELL else -1
        results[order.cycle] += sign * order.filled_amount - order.fee - order.tax
    return list(results.values())


def _times(rows: Iterable[tuple[Any, ...]], column: int) -> dict[Any, list[datetime]]:
    times: dict[Any, list[datetime]] = defaultdict(list)
    for row in rows:
        times[row[column]].append(row[2])
    return times


def _since(times: Iterable[datetime], since: datetime) -> int:
    return sum(at > since for at in times)


def _counts(count: int, most: Decimal) -> dict[str, str]:
    return {"count": str(count), "most": format(most, "f")}
