"""What is looked at: the bars of one instrument and interval as they stand now, and one plan's place in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import numpy as np

from markets.bars import Bars
from markets.types import from_epoch
from trading.services.evaluation.rules import Rule, SeenRow
from trading.sizing import to_decimal
from trading.one_bar import Seen, Sight

if TYPE_CHECKING:  # TA-Lib is loaded by the first evaluation
    from strategies.indicators import Frame

FEW_MISSED, MOST_MISSED = 8, 500  # bars caught up with in one go


class Pending(NamedTuple):
    """A plan with a closed bar to decide on, as it was read, without a lock."""

    plan_id: UUID
    account_id: UUID
    instrument_id: int
    interval: str
    version_id: UUID
    rule: str  # the version's hash: the same for the same content
    decided_until: datetime


@dataclass(eq=False)
class View:
    """Closed bars of one instrument and interval, and what rules have said about them."""

    bars: Bars
    is_late: bool  # too late to act on the last of them
    now: datetime  # market time
    _sights: dict[int, Sight] = field(default_factory=dict)
    _seen: dict[tuple[str, int], Seen | SeenRow] = field(default_factory=dict)

    @cached_property
    def frame(self) -> "Frame":
        from strategies.indicators import Frame

        return Frame(self.bars)

    def see(self, key: str, rule: Rule, index: int) -> Seen | SeenRow:
        """What the rule says about the bar at `index`: asked once, whatever the number of plans."""
        seen = self._seen.get((key, index))
        if seen is None:
            seen = self._seen[key, index] = rule.see(self._sight(index))
        return seen

    def undecided(self, since: datetime) -> range:
        """The places of the bars closed after `since`, as far back as is caught up with."""
        first = int(np.searchsorted(self.bars.closed_at, int(since.timestamp()), side="right"))
        return range(max(first, len(self.bars) - MOST_MISSED), len(self.bars))

    def _sight(self, index: int) -> Sight:
        if index not in self._sights:
            self._sights[index] = Sight(self.frame, index)
        return self._sights[index]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One rule on one closed bar, with everything known at that moment."""

    view: View
    index: int
    rule: Rule
    seen: Seen | SeenRow
    is_late: bool
    closed_at: datetime
    close: Decimal

    @property
    def now(self) -> datetime:
        return self.view.now

    @property
    def is_warming_up(self) -> bool:
        return self.index + 1 < self.rule.warm_up


def looks_at(view: View, key: str, rule: Rule, since: datetime) -> Iterator[Look]:
    """The rule on every bar that closed after `since`, oldest first; all but the last are late."""
    last = len(view.bars) - 1
    for index in view.undecided(since):
        seen = view.see(key, rule, index)
        closed_at = from_epoch(seen.closed_at)
        yield Look(view, index, rule, seen, view.is_late or index < last, closed_at, to_decimal(seen.close))
