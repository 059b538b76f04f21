"""What accounts were worth day by day, from what moved and where each day closed. Pure, exact to the last unit.

Money paid in or out is no result: a day's return compares the value in the evening with that of the evening before and what was
paid in since (time-weighted). A day on which something held had no price yet is left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

ZERO = Decimal(0)
Closes = Mapping[str, Mapping[date, Decimal]]  # instrument key → day → close


@dataclass(frozen=True, slots=True)
class Movements:
    """What one market day moved: cash in the accounts' currency, units by instrument key, and money paid in (+) or out (−)."""

    on: date
    cash: Decimal = ZERO
    paid_in: Decimal = ZERO
    units: Mapping[str, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class DayWorth:
    """One evening. `paid_in` is everything paid in until then, less what was paid out; `flow` that of this day alone."""

    on: date
    value: Decimal
    paid_in: Decimal
    flow: Decimal

    @property
    def profit(self) -> Decimal:
        return self.value - self.paid_in


def worth_by_day(movements: Sequence[Movements], closes: Closes, since: date, until: date) -> list[DayWorth]:
    """Every day from `since` to `until`, as far as prices are known. `movements` has one row a day, oldest first."""
    cash = paid_in = ZERO
    units: dict[str, Decimal] = defaultdict(Decimal)
    prices = {key: _Newest(days) for key, days in closes.items()}
    waiting = list(movements)
    worth: list[DayWorth] = []
    unshown = ZERO  # paid in on days that have no row
    first = min([since, *(each.on for each in movements[:1])])
    for on in _days(first, until):
        flow = ZERO
        if waiting and waiting[0].on == on:
            moved = waiting.pop(0)
            cash, paid_in, flow = cash + moved.cash, paid_in + moved.paid_in, moved.paid_in
            for key, amount in (moved.units or {}).items():
                units[key] += amount
        value = _value(cash, units, prices, on)
        unshown += flow
        if on < since or value is None:
            continue
        worth.append(DayWorth(on, value, paid_in, unshown if worth else flow))
        unshown = ZERO
    return worth


def returns(worth: Sequence[DayWorth]) -> list[tuple[date, Decimal]]:
    """Each day's result as a fraction of what was there that morning; days that began with nothing have none."""
    found = []
    for before, day in pairwise(worth):
        morning = before.value + day.flow
        if morning > 0:
            found.append((day.on, day.value / morning - 1))
    return found


def by_month(daily: Iterable[tuple[date, Decimal]]) -> dict[tuple[int, int], Decimal]:
    """Returns of the days of each month, one upon the other."""
    grown: dict[tuple[int, int], Decimal] = defaultdict(lambda: Decimal(1))
    for on, rate in daily:
        grown[on.year, on.month] *= 1 + rate
    return {month: factor - 1 for month, factor in grown.items()}


def total(daily: Iterable[tuple[date, Decimal]]) -> Decimal:
    """All days' returns, one upon the other."""
    factor = Decimal(1)
    for _on, rate in daily:
        factor *= 1 + rate
    return factor - 1


@dataclass(frozen=True, slots=True)
class Statistics:
    """What days were like. `deepest`: the largest fall from an earlier height, as a fraction at or below zero."""

    best: tuple[date, Decimal]
    worst: tuple[date, Decimal]
    up: int
    down: int
    deepest: Decimal


def statistics(daily: Sequence[tuple[date, Decimal]]) -> Statistics | None:
    """Of days' returns, oldest first; None where there is none."""
    if not daily:
        return None
    height = grown = Decimal(1)
    deepest = ZERO
    for _on, rate in daily:
        grown *= 1 + rate
        height = max(height, grown)
        deepest = min(deepest, grown / height - 1)
    ups, downs = sum(rate > 0 for _on, rate in daily), sum(rate < 0 for _on, rate in daily)
    by_rate = sorted(daily, key=lambda day: day[1])
    return Statistics(by_rate[-1], by_rate[0], ups, downs, deepest)


class _Newest:
    """The newest close up to a day, asked for day after day."""

    def __init__(self, closes: Mapping[date, Decimal]) -> None:
        self._waiting = sorted(closes.items())
        self._close: Decimal | None = None
        self._next = 0

    def at(self, on: date) -> Decimal | None:
        while self._next < len(self._waiting) and self._waiting[self._next][0] <= on:
            self._close = self._waiting[self._next][1]
            self._next += 1
        return self._close


def _value(cash: Decimal, units: Mapping[str, Decimal], prices: Mapping[str, _Newest], on: date) -> Decimal | None:
    closes = {key: prices[key].at(on) if key in prices else None for key in units}
    if any(amount and closes[key] is None for key, amount in units.items()):
        return None
    return cash + sum((amount * (closes[key] or ZERO) for key, amount in units.items()), ZERO)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
