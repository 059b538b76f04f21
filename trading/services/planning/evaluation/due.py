"""What there is to decide: instruments with a closed bar that some plan has not decided on, and how late it is."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, F, Min
from django.db.models.functions import Coalesce, Greatest

from markets import services as markets
from markets.calendars import Calendar
from markets.models import Instrument
from markets.services import Moment
from markets.services.series import Series, newest_closes, read_many_bars
from markets.types import InstrumentKind, Interval, market_day
from trading.errors import TradingError
from trading.models.plans import SwingPlanQuerySet
from trading.services.planning.evaluation.around import Around, free_cash, price_ages
from trading.services.planning.evaluation.looks import FEW_MISSED, MOST_MISSED, Pending, View
from trading.services.planning.evaluation.rules import Rule

# How late, in session time as the watch runs, a decision may be acted on (I26). Later bars are recorded as skipped.
LATEST = {InstrumentKind.STOCK: 600, InstrumentKind.ETF: 600, InstrumentKind.CRYPTO: 300}  # seconds
PLANS_AT_ONCE = 1000  # one chunk: what one worker takes, and what is in memory at once
INSTRUMENTS_AT_ONCE = 100
SINCE = Greatest(F("watches_from"), Coalesce(F("decided_until"), F("watches_from")))


class NotYet(TradingError):
    """The market has not come this far: what is asked for lies in its future."""

    code = "in_the_future"


class Due(NamedTuple):
    """One instrument and interval with something to decide."""

    series: Series
    instrument: Instrument
    newest: datetime  # when its last bar closed
    plans: int  # how many watch it


class Market:
    """What time it is in each market, and whether an instrument trades: asked once, for as long as one chunk takes."""

    def __init__(self, until: datetime | None = None) -> None:
        self._until = until
        self._moments: dict[str, Moment] = {}
        self._calendars: dict[tuple[str, str], Calendar] = {}

    def present(self, source: str) -> Moment:
        if source not in self._moments:
            self._moments[source] = markets.moment(source)
        return self._moments[source]

    def until(self, sources: set[str]) -> dict[str, datetime]:
        """Bars closed later are not looked at."""
        return {source: self._until or self.present(source).at for source in sources}

    def is_open(self, instrument: Instrument) -> bool:
        return self._calendar(instrument).is_open(self.present(instrument.source).at)

    def session(self, instrument: Instrument) -> str:
        """What the market keeps now: "always" where it never closes, else "open", "closed" or the name of a special day."""
        calendar, at = self._calendar(instrument), self.present(instrument.source).at
        if calendar.key == markets.ALWAYS:
            return "always"
        return "open" if calendar.is_open(at) else calendar.name(market_day(at)) or "closed"

    def is_late(self, instrument: Instrument, closed_at: datetime) -> bool:
        """Whether a bar that closed then is too old to act on."""
        return self.waited(instrument, closed_at) > LATEST[InstrumentKind(instrument.kind)]

    def waited(self, instrument: Instrument, closed_at: datetime) -> float:
        """Seconds of session since then, as a watch would count them; none where the market waits for us."""
        present = self.present(instrument.source)
        return self._calendar(instrument).open_seconds(closed_at, present.at) / present.speed if present.speed else 0.0

    def next_close(self, instrument: Instrument, interval: Interval, since: datetime) -> datetime:
        """When the bar after `since` closes, if its session is held as the calendar says."""
        calendar = self._calendar(instrument)
        opens = since if calendar.is_open(since) else calendar.next_open(since)
        bounds = calendar.bar_bounds(interval, opens)
        return bounds[1] if bounds else opens

    def _calendar(self, instrument: Instrument) -> Calendar:
        key = instrument.calendar, instrument.source
        if key not in self._calendars:
            self._calendars[key] = markets.session_calendar(instrument, self.present(instrument.source))
        return self._calendars[key]


def due(plans: SwingPlanQuerySet, market: Market) -> list[Due]:
    """Every instrument and interval on which one of these plans has a bar to decide on, while its market is open.

    A bar that closed with its session is decided at the next open.
    """
    groups = plans.order_by("instrument_id", "interval").values("instrument_id", "interval")
    watched = list(groups.annotate(earliest=Min(SINCE), plans=Count("pk")))
    instruments = Instrument.objects.in_bulk({group["instrument_id"] for group in watched})
    trading = {pk for pk, instrument in instruments.items() if market.is_open(instrument)}
    open_now = [
        (Series.of(instruments[group["instrument_id"]], Interval(group["interval"])), group)
        for group in watched
        if group["instrument_id"] in trading
    ]
    newest = newest_closes([series for series, _ in open_now], market.until({s.source for s, _ in open_now}))
    return [
        Due(series, instruments[series.instrument_id], newest[series], group["plans"])
        for series, group in open_now
        if series in newest and newest[series] > group["earliest"]
    ]


def chunks(found: Sequence[Due]) -> Iterator[list[Due]]:
    """Whole instruments, as many as one worker takes at a time."""
    chunk: list[Due] = []
    for each in found:
        plans, instruments = sum(other.plans for other in chunk), {other.series.instrument_id for other in chunk}
        is_full = plans + each.plans > PLANS_AT_ONCE or len(instruments) >= INSTRUMENTS_AT_ONCE
        if chunk and is_full and each.series.instrument_id not in instruments:
            yield chunk
            chunk = []
        chunk.append(each)
    if chunk:
        yield chunk


def pending_plans(plans: SwingPlanQuerySet, found: Sequence[Due]) -> list[Pending]:
    """The plans with a bar to decide on, in the order in which they get their turn at an account's money."""
    newest = {(each.series.instrument_id, each.series.interval): each.newest for each in found}
    rows = plans.filter(instrument_id__in=sorted({instrument for instrument, _ in newest})).order_by(
        "instrument_id", "interval", "created_at"
    )
    columns = ("pk", "broker_account_id", "instrument_id", "interval", "strategy_version_id")
    read = rows.values_list(*columns, "strategy_version__version_hash", "watches_from", "decided_until")
    return [
        Pending(plan, account, instrument, interval, version, rule, since)
        for plan, account, instrument, interval, version, rule, watches_from, decided_until in read
        if (key := (instrument, interval)) in newest
        and newest[key] > (since := max(watches_from, decided_until or watches_from))
    ]


def views_for(
    found: Sequence[Due], pending: Sequence[Pending], rules: dict[str, Rule], market: Market
) -> dict[tuple[int, str], View]:
    """The bars of each instrument and interval: what its plans' rules need and a few more; as many as were missed."""
    needs: dict[tuple[int, str], int] = {}
    sinces: dict[tuple[int, str], int] = {}
    for plan in pending:
        key, since = (plan.instrument_id, plan.interval), int(plan.decided_until.timestamp())
        rule = rules[plan.rule]
        needs[key] = max(needs.get(key, 0), rule.warm_up, rule.rates.time_stop_bars or 0)
        sinces[key] = min(sinces.get(key, since), since)
    wanted = {(each.series.instrument_id, each.series.interval): each for each in found}
    wanted = {key: each for key, each in wanted.items() if key in needs}
    until = market.until({each.series.source for each in wanted.values()})
    bars = read_many_bars({each.series: needs[key] + FEW_MISSED for key, each in wanted.items()}, until)
    short = {
        each.series: needs[key] + MOST_MISSED
        for key, each in wanted.items()
        if len(bars[each.series]) == needs[key] + FEW_MISSED
        and bars[each.series].closed_at[needs[key] - 1] > sinces[key]
    }
    bars |= read_many_bars(short, until)
    around = surroundings([each.instrument for each in wanted.values()], {plan.account_id for plan in pending}, market)
    return {
        key: View(
            bars[each.series],
            market.is_late(each.instrument, each.newest),
            market.present(each.series.source).at,
            around[each.instrument.pk],
        )
        for key, each in wanted.items()
    }


def surroundings(instruments: Sequence[Instrument], accounts: Collection[UUID], market: Market) -> dict[int, Around]:
    """What surrounds every look of one chunk, in two queries however many plans it has."""
    ages, cash = price_ages({each.pk for each in instruments}), free_cash(accounts)
    return {
        each.pk: Around(market.session(each), ages.get(each.pk), each.currency, cash.get(each.currency, {}))
        for each in instruments
    }
