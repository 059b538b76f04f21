"""How often a rule held on bars that are known: what its owner sees before trusting it. Pure; loads what computes."""

from dataclasses import dataclass

import numpy as np

from markets.bars import Bars
from strategies.compiler import compile_document
from strategies.document import RuleDocument
from strategies.evaluation import BoolArray


@dataclass(frozen=True, slots=True)
class Fired:
    """On how many bars one step's rule held, and when the last of them closed: seconds since 1970 UTC, None for none."""

    count: int
    last_closed_at: int | None


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule on `bars` bars, the first and the last closed at these times; bars on which a plan would still warm up left out.

    Counted are bars on which a rule holds, not trades: a plan buys its second step only after its first.
    """

    bars: int
    first_closed_at: int
    last_closed_at: int
    entries: tuple[Fired, ...]
    exit: Fired


def firing_of(document: RuleDocument, bars: Bars, since: int) -> Firing | None:
    """The rule on the bars closed after `since` (seconds since 1970 UTC); None where no bar has its warm-up.

    Raises BarsInvalid.
    """
    evaluator = compile_document(document)
    first = max(int(np.searchsorted(bars.closed_at, since, side="right")), evaluator.warm_up - 1)
    if first >= len(bars):
        return None
    seen, closed = evaluator.evaluate(bars), bars.closed_at[first:]
    return Firing(
        bars=len(closed),
        first_closed_at=int(closed[0]),
        last_closed_at=int(closed[-1]),
        entries=tuple(_fired(entry[first:], bars, first) for entry in seen.entries),
        exit=_fired(seen.exit[first:], bars, first),
    )


def _fired(held: BoolArray, bars: Bars, first: int) -> Fired:
    places = np.flatnonzero(held)
    return Fired(len(places), int(bars.closed_at[first + places[-1]]) if len(places) else None)
