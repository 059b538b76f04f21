"""What is looked at: the bars of one instrument and interval as they stand now, and one plan's place in them."""

from collections.abc import Iterable, Sequence
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


Place = tuple[bool, int, datetime, Decimal, datetime, Around, IntArray]  # what a Look says after its rule and verdict


@dataclass(eq=False)
class View:
    """Closed bars of one instrument and interval, and what rules have said about them."""

    bars: Bars
    is_late: bool  # too late to act on the last of them
    now: datetime  # market time
    around: Around
    _sights: "dict[int, Sight]" = field(default_factory=dict)
    _places: dict[int, Place] = field(default_factory=dict)
    _looks: dict[tuple[str, datetime], list[Look]] = field(default_factory=dict)  # by rule, and since when
    _undecided: dict[datetime, range] = field(default_factory=dict)

    @cached_property
    def frame(self) -> "Frame":
        from strategies.indicators import Frame

        return Frame(self.bars)

    def looks(self, key: str, rule: Rule, since: datetime) -> Sequence[Look]:
        """The rule on every bar that closed after `since`, oldest first; all but the last are late."""
        known = self._looks.get((key, since))
        if known is None:
            look_ahead([(self, key, rule, since)])
            known = self._looks[key, since]
        return known

    def is_known(self, key: str, since: datetime) -> bool:
        """Whether the rule has been asked about the bars that closed after `since`."""
        return (key, since) in self._looks

    def keep(self, key: str, since: datetime, looks: list[Look]) -> None:
        """What the rule says about these bars."""
        self._looks[key, since] = looks

    def forget(self) -> None:
        """Look at the bars anew: no figure and no verdict is known any more."""
        self._sights, self._places, self._looks = {}, {}, {}
        self.__dict__.pop("frame", None)

    def sight(self, index: int) -> "Sight":
        """One of the bars, as rules are asked about it."""
        if index not in self._sights:
            from strategies.compiler import Sight

            self._sights[index] = Sight(self.frame, index)
        return self._sights[index]

    def place(self, index: int) -> Place:
        """What all looks at one of the bars have in common."""
        if index not in self._places:
            closes, is_last = self.bars.closed_at, index + 1 == len(self.bars)
            closed_at, close = from_epoch(int(closes[index])), to_decimal(float(self.bars.close[index]))
            is_late = self.is_late or not is_last
            self._places[index] = is_late, index + 1, closed_at, close, self.now, self.around, closes
        return self._places[index]

    def missed(self, since: datetime) -> range:
        """Where the bars closed after `since` are, as far back as is caught up with."""
        if since not in self._undecided:
            first = int(np.searchsorted(self.bars.closed_at, int(since.timestamp()), side="right"))
            self._undecided[since] = range(max(first, len(self.bars) - MOST_MISSED), len(self.bars))
        return self._undecided[since]


Asked = tuple[View, str, Rule, datetime]  # which bars, the rule's key and the rule, and since when they closed


def look_ahead(asked: Iterable[Asked]) -> None:
    """Ask all these rules about their bars in one go. What they say is kept in the views."""
    from strategies.compiler import see_all

    missing = [each for each in dict.fromkeys(asked) if not each[0].is_known(each[1], each[3])]
    new = {(view, key, index): rule for view, key, rule, since in missing for index in view.missed(since)}
    told = see_all((rule.compiled, view.sight(index)) for (view, _key, index), rule in new.items())
    looks = {
        (view, key, index): Look(rule, seen, *view.place(index))
        for ((view, key, index), rule), seen in zip(new.items(), told, strict=True)
    }
    for view, key, _rule, since in missing:
        view.keep(key, since, [looks[view, key, index] for index in view.missed(since)])
