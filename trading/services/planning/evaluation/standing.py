"""Where a plan stands, as far as a look reads and changes it: a few columns, for plans are read by the ten thousand."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from trading.models import SwingPlan
from trading.services.planning.evaluation.among import among


class Remembered(NamedTuple):
    """What a plan remembers besides the bar it has decided on; in most hours nothing of it changes."""

    signal: int
    cycle: int
    cycle_spent: Decimal
    peak_close: Decimal | None
    cooldown_left: int


@dataclass(slots=True)
class Standing:
    """A locked plan. The names are the plan's own."""

    id: UUID
    user_id: UUID
    broker_account_id: UUID
    strategy_version_id: UUID
    mode: str
    signal: int
    cycle: int
    cycle_spent: Decimal
    held_quantity: Decimal
    held_cost: Decimal
    exiting: bool
    repeat: bool
    peak_close: Decimal | None
    held_since: datetime | None
    cooldown_left: int
    watches_from: datetime
    decided_until: datetime | None
    version: int

    @property
    def average_cost(self) -> Decimal | None:
        return self.held_cost / self.held_quantity if self.held_quantity else None

    @property
    def since(self) -> datetime:
        """Bars that closed until then are nobody's business any more."""
        return max(self.watches_from, self.decided_until or self.watches_from)

    @property
    def remembered(self) -> Remembered:
        return Remembered(self.signal, self.cycle, self.cycle_spent, self.peak_close, self.cooldown_left)


NAMES = tuple(field.name for field in fields(Standing))


def lock_free(keys: Sequence[UUID]) -> dict[UUID, Standing]:
    """Those of these plans that run and that nobody else holds just now, locked until the transaction ends.

    Nobody is waited for. (SQLite has one lock, and whoever is here holds it.)
    """
    plans = SwingPlan.objects.running().filter(among("pk", keys)).select_for_update(skip_locked=True, no_key=True)
    return {row[0]: Standing(*row) for row in plans.order_by("pk").values_list(*NAMES)}


def standing_of(plan: SwingPlan) -> Standing:
    """Where a plan that has been read, and locked, stands."""
    return Standing(*(getattr(plan, name) for name in NAMES))
