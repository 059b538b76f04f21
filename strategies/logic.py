"""What a rule makes of the values of its figures: conditions, groups, entries, exit. It knows no bar, no indicator, no number.

Values come by their places, and may be single numbers, a value for every bar of a series, or one for each of many bars that
have nothing to do with one another: all it does are operators that mean the same of each. Documents that differ in numbers
alone have one logic, and are asked in one go, however many they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

# Value, threshold, passed, extreme, upper edge, as `rows.ConditionRow` names them: numbers, or arrays of shape (n,).
# None: this kind of condition has no such figure.
Told = tuple[Any, Any, Any, Any, Any]
PASSED = 2
Tell = Callable[..., Told]  # what a kind of condition says of its figures' values


@dataclass(frozen=True, slots=True, eq=False)
class Holds:
    """Whether a group holds, given the verdicts of all conditions of its document, by their numbers."""

    join: Callable[[Any, Any], Any]
    numbers: tuple[int, ...]
    groups: tuple["Holds", ...]

    def __call__(self, passed: Sequence[Any]) -> Any:
        return reduce(self.join, [passed[n] for n in self.numbers] + [holds(passed) for holds in self.groups])


@dataclass(frozen=True, slots=True, eq=False)
class Logic:
    """The conditions of a document, each with the places of its figures' values, and what follows from them."""

    conditions: tuple[tuple[Tell, tuple[int, ...]], ...]
    steps: tuple[
        tuple[Holds, int | None], ...
    ]  # of each entry: its rule, and the place of the level where its order waits
    leaves: Holds | None  # the exit's rule

    def told(self, values: Sequence[Any]) -> list[Told]:
        """What each condition says."""
        return [tell(*[values[place] for place in places]) for tell, places in self.conditions]

    def entered(self, told: Sequence[Told], levels: Sequence[Any]) -> list[Any]:
        """Whether each entry's rule holds: without a level there is nothing to wait at, and so nothing to do."""
        passed = [each[PASSED] for each in told]
        return [
            holds(passed) if level is None else holds(passed) & (level > 0)
            for (holds, _), level in zip(self.steps, levels, strict=True)
        ]

    def left(self, told: Sequence[Told]) -> Any:
        """Whether the exit's rule holds; None where there is none."""
        return None if self.leaves is None else self.leaves([each[PASSED] for each in told])
