"""The positions of the kill switch, and what each lets through. Pure: the service reads the latches and stores them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from markets.types import Side
from trading.risk import Denial


class Mode(StrEnum):
    """How far a latch is closed. Programs only ever close it further; opening it takes a person."""

    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"  # what makes a position smaller still goes out
    HALTED = "halted"

    @property
    def strictness(self) -> int:
        return _ORDER.index(self)


_ORDER = (Mode.ACTIVE, Mode.REDUCE_ONLY, Mode.HALTED)


@dataclass(frozen=True, slots=True)
class Latch:
    """One scope's latch as it was read."""

    scope: str  # site · user · account · plan · instrument
    target: str
    mode: Mode
    reason: str


def tightens(now: Mode, asked: Mode) -> bool:
    """Whether `asked` is a stricter position than `now`."""
    return asked.strictness > now.strictness


def reduces(side: Side) -> bool:
    """Whether an order can only make a position smaller. On a cash account nothing is sold but what is held."""
    return side is Side.SELL


def denial(latches: Iterable[Latch], *, is_reducing: bool) -> Denial | None:
    """What the strictest of these latches forbids, or None. Among equals the first one speaks."""
    strictest = max(latches, key=lambda latch: latch.mode.strictness, default=None)
    if strictest is None or strictest.mode is Mode.ACTIVE or (strictest.mode is Mode.REDUCE_ONLY and is_reducing):
        return None
    facts = {"scope": strictest.scope, "target": strictest.target, "why": strictest.reason}
    return Denial(strictest.mode.value, facts)
