"""Which running plans on the real market's prices have too short a past to say anything."""

from dataclasses import dataclass

from brokers.kis.services.warming import lacks
from markets.models import Instrument
from markets.types import Interval, Source
from trading.models import SwingPlan
from trading.services.planning.evaluation.rules import rules_of


@dataclass(frozen=True, slots=True)
class Lack:
    """A series of the real market and how many bars the most demanding of its plans wants."""

    instrument: Instrument
    interval: Interval
    needed: int


def lacking() -> list[Lack]:
    """The series that are too short for a running plan, in an order that stays as it is."""
    plans = SwingPlan.objects.running().filter(instrument__source=Source.KIS)
    columns = ("instrument_id", "interval", "strategy_version__version_hash", "strategy_version_id")
    rows = list(plans.order_by("instrument_id", "interval").values_list(*columns).distinct())
    rules = rules_of({rule: version for _instrument, _interval, rule, version in rows})
    needs: dict[tuple[int, str], int] = {}
    for instrument_id, interval, rule, _version in rows:
        key = (instrument_id, interval)
        needs[key] = max(needs.get(key, 0), rules[rule].warm_up)
    instruments = Instrument.objects.in_bulk([instrument_id for instrument_id, _interval in needs])
    found = [Lack(instruments[pk], Interval(interval), needed) for (pk, interval), needed in needs.items()]
    return [each for each in found if lacks(each.instrument, each.interval, each.needed)]
