"""Rules that change over time, kept as data: rows with a first day, a last day and a source."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class Dated(Protocol):
    """A row that holds for a period."""

    @property
    def period(self) -> Period: ...


Row = TypeVar("Row", bound=Dated)


class NoRuleInForce(LookupError):
    """No row of our data speaks for this subject on this day."""

    code = "no_rule_in_force"


def period_of(row: Mapping[str, Any]) -> Period:
    """The period of a JSON row: `valid_from` and `valid_to` as ISO dates, null where open."""
    first, last = row["valid_from"], row["valid_to"]
    return Period(
        date.fromisoformat(first) if first else date.min,
        date.fromisoformat(last) if last else date.max,
    )


def in_force(rows: Iterable[Row], on: date, subject: str) -> Row:
    """The one row that holds on the day `on`. Raises NoRuleInForce, naming `subject`."""
    for row in rows:
        if on in row.period:
            return row
    raise NoRuleInForce(f"{subject}: no rule in force on {on}")


def read_json(path: Path) -> Any:
    """A data file of ours; numbers in it are strings, so that no float comes near them."""
    return json.loads(path.read_text(encoding="utf-8"))
