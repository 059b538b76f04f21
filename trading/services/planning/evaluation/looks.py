"""What is looked at: the bars of one instrument and interval as they stand now, and one plan's place in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import numpy as np

from markets.bars import Bars, IntArray
from markets.types import from_epoch
from trading.services.planning.evaluation.around import Around
from trading.services.planning.evaluation.rules import Rule
from trading.sizing import to_decimal

if TYPE_CHECKING:  # TA-Lib is loaded by the first evaluation
    from strategies.compiler import Seen, Sight
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


class Look(NamedTuple):
    """One rule on one closed bar, with everything known at that moment: the same for all plans with this rule."""

    rule: Rule
    seen: "Seen"
    is_late: bool
    bars: int  # known by then
    closed_at: datetime
    close: Decimal
    now: datetime  # market time
    around: Around
    closes: IntArray  # when the bars of the view closed, in seconds since 1970

    def bars_since(self, at: datetime) -> int:
        """How many bars have closed after an instant, the one that it lies in and this one included."""
        return self.bars - int(np.searchsorted(self.closes[: self.bars], int(at.timestamp()), side="right"))

    @property
    def is_warming_up(self) -> bool:
        return self.bars < self.rule.warm_up


@dataclass(eq=False)
class View:
    """Closed bars of one instrument and interval, and what rules have said about them."""

    bars: Bars
    is_late: bool  # too late to act on the last of them
    now: datetime  # market time
    around: Around
    _sights: "dict[int, tuple[Sight, datetime, Decimal]]" = field(default_factory=dict)
    _looks: dict[tuple[str, int], Look] = field(default_factory=dict)
    _looks_since: dict[tuple[str, datetime], list[Look]] = field(default_factory=dict)
    _undecided: dict[datetime, range] = field(default_factory=dict)

    @cached_property
    def frame(self) -> "Frame":
        from strategies.indicators import Frame

        return Frame(self.bars)

    def looks(self, key: str, rule: Rule, since: datetime) -> Sequence[Look]:
        """The rule on every bar that closed after `since`, oldest first; all but the last are late."""
        known = self._looks_since.get((key, since))
        if known is None:
            known = [self._looks.get((key, index)) or self._look(key, rule, index) for index in self._places(since)]
            self._looks_since[key, since] = known
        return known

    def forget(self) -> None:
        """Look at the bars anew: no figure and no verdict is known any more."""
        self._sights, self._looks, self._looks_since = {}, {}, {}
        self.__dict__.pop("frame", None)

    def _places(self, since: datetime) -> range:
        """Where the bars closed after `since` are, as far back as is caught up with."""
        if since not in self._undecided:
            first = int(np.searchsorted(self.bars.closed_at, int(since.timestamp()), side="right"))
            self._undecided[since] = range(max(first, len(self.bars) - MOST_MISSED), len(self.bars))
        return self._undecided[since]

    def _look(self, key: str, rule: Rule, index: int) -> Look:
        if index not in self._sights:
            sight = self._sight(index)
            self._sights[index] = sight, from_epoch(sight.closed_at), to_decimal(sight.close)
        sight, closed_at, close = self._sights[index]
        is_late = self.is_late or index + 1 < len(self.bars)
        look = Look(
            rule, rule.see(sight), is_late, index + 1, closed_at, close, self.now, self.around, self.bars.closed_at
        )
        self._looks[key, index] = look
        return look

    def _sight(self, index: int) -> "Sight":
        from strategies.compiler import Sight

        return Sight(self.frame, index)
