"""What one bar looked like to a rule: each condition's value, threshold, distance and verdict. Plain data, to store."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import Field

from strategies.conditions import AnyCondition
from strategies.document import IndicatorSpec
from strategies.shape import Name, Part


class ConditionRow(Part):
    """One condition on one bar. A figure is None where there was too little history for it.

    `value` and `threshold` are the two things compared, in their own unit, and `distance` is value - threshold.
    `extreme` is the lowest (highest) value in the window of a was_below_within (was_above_within); where the threshold
    is a series of its own, the lowest (highest) distance from it. `upper` is the upper edge of a between, `threshold`
    the lower one. A candle's value is 1, -1 or 0. `condition` has numbers for parameters, and `indicators` says what its
    aliases stand for, so that a stored row explains itself.
    """

    path: str
    label: str
    condition: AnyCondition
    indicators: dict[Name, IndicatorSpec]
    value: float | None
    threshold: float | None
    distance: float | None
    extreme: float | None = None
    upper: float | None = None
    passed: bool


class EntryRow(Part):
    """One step on one bar. Bought at the next open, or, where there is a `level`, inside the next bar once it gets there.

    `level` is a price in the instrument's currency or, `above_open`, a distance above the next bar's open.
    """

    name: Name
    passed: bool
    level: float | None = None
    above_open: bool = False


class Row(Part):
    """One bar as a strategy saw it. `closed_at`: whole seconds since 1970 UTC; `close` in the instrument's currency."""

    closed_at: int
    close: float
    entries: Annotated[tuple[EntryRow, ...], Field(min_length=1, max_length=2)]
    exit: bool
    conditions: tuple[ConditionRow, ...]

    def of_entry(self, number: int) -> list[ConditionRow]:
        """The conditions of the entry at `number`, 0 or 1."""
        return [each for each in self.conditions if each.path.startswith(f"entries[{number}]")]

    def of_exit(self) -> list[ConditionRow]:
        return [each for each in self.conditions if each.path.startswith("exit")]


class HasPassed(Protocol):
    @property
    def passed(self) -> bool: ...


class Verdict(Protocol):
    """What a rule says about one closed bar, as far as a decision needs it: a `Row`, or what `Evaluator.see` gives."""

    @property
    def close(self) -> float: ...

    @property
    def entries(self) -> Sequence[HasPassed]: ...

    @property
    def exit(self) -> bool: ...
