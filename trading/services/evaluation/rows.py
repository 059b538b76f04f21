"""Writing what was decided: evaluation rows and the plans they move, many in one statement."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from json import dumps
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone

from markets.models.fields import exact
from trading.models import PlanEvaluation, SwingPlan
from trading.services.evaluation.deciding import Outcome
from trading.services.evaluation.looks import Look

MANY = 8  # rows from which PostgreSQL is sent a COPY
EVALUATIONS, PLANS = PlanEvaluation._meta.db_table, SwingPlan._meta.db_table
COLUMNS = (
    *("plan_id", "bar_closed_at", "market_at", "created_at", "signal"),
    *("close", "outcome", "reason", "detail", "order_id"),
)


class Written(NamedTuple):
    """One evaluation as it is stored."""

    plan_id: UUID
    bar_closed_at: datetime
    market_at: datetime
    created_at: datetime
    signal: int
    close: Decimal
    outcome: str
    reason: str
    detail: str
    order_id: UUID | None


def row_of(plan_id: UUID, signal: int, look: Look, told: Outcome) -> Written:
    """The evaluation of a look by a plan that stood at `signal`."""
    detail = f'{{"row": {look.seen.text}, "facts": {dumps(told.facts)}}}'
    at, now = look.closed_at, timezone.now()
    return Written(
        plan_id, at, look.now, now, signal, look.close, str(told.outcome), str(told.reason), detail, told.order_id
    )


def write_rows(rows: Sequence[Written]) -> None:
    """Store evaluations. Raises IntegrityError where one of these bars has been decided on, and writes none then."""
    if connection.vendor == "postgresql" and len(rows) >= MANY:
        _copy(rows)
        return
    line = f"({', '.join(['%s'] * len(COLUMNS))})"
    sql = f"INSERT INTO {EVALUATIONS} ({', '.join(COLUMNS)}) VALUES {line}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_values(row) for row in rows])


def _copy(rows: Sequence[Written]) -> None:
    lines = "".join(["\t".join(_said(value) for value in row) + "\n" for row in rows])
    sql = f"COPY {EVALUATIONS} ({', '.join(COLUMNS)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(sql) as copy:
        copy.write(lines)


def _said(value: Any) -> str:
    """A value in the text form of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(exact(value), "f")
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


_FIELDS: dict[str, Any] = {field.attname: field for field in PlanEvaluation._meta.local_concrete_fields}


def _values(row: Written) -> list[Any]:
    return [
        value if name == "detail" else _FIELDS[name].get_db_prep_save(value, connection)
        for name, value in zip(COLUMNS, row, strict=True)
    ]


class Remembered(NamedTuple):
    """What a plan remembers from bar to bar. In most hours nothing of it changes but the bar it has decided on."""

    signal: int
    cycle: int
    cycle_spent: Decimal
    peak_close: Decimal | None
    cooldown_left: int

    @classmethod
    def of(cls, plan: SwingPlan) -> "Remembered":
        return cls(plan.signal, plan.cycle, plan.cycle_spent, plan.peak_close, plan.cooldown_left)


class Before(NamedTuple):
    """A locked plan before it looked."""

    remembered: Remembered
    version: int

    @classmethod
    def of(cls, plan: SwingPlan) -> "Before":
        return cls(Remembered.of(plan), plan.version)


def write_plans(plans: Sequence[tuple[SwingPlan, Before]]) -> None:
    """Store what looks have changed of locked plans."""
    now = timezone.now()
    onward = defaultdict(list)
    changed = []
    for plan, before in plans:
        if Remembered.of(plan) == before.remembered:
            onward[plan.decided_until, plan.version - before.version].append(plan.pk)
        else:
            changed.append(plan)
    for (decided_until, looks), keys in onward.items():
        moved = {"decided_until": decided_until, "version": F("version") + looks, "updated_at": now}
        SwingPlan.objects.filter(pk__in=keys).update(**moved)
    if changed:
        _write_changed(changed, now)


_MOVES = ("signal", "cycle", "cycle_spent", "peak_close", "cooldown_left", "decided_until", "version")
_TYPES = ("int", "int", "numeric", "numeric", "int", "timestamptz", "int")
_PLAN_FIELDS: list[Any] = [SwingPlan._meta.get_field(name) for name in (*_MOVES, "updated_at", "id")]


def _write_changed(plans: Sequence[SwingPlan], now: datetime) -> None:
    rows = [[*(getattr(plan, name) for name in _MOVES), now, plan.pk] for plan in plans]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in (*_TYPES, "timestamptz", "uuid"))
            new = ", ".join(f"{name} = n.{name}" for name in (*_MOVES, "updated_at"))
            sql = (
                f"UPDATE {PLANS} AS p SET {new} FROM unnest({arrays})"  # noqa: S608
                f" AS n({', '.join(_MOVES)}, updated_at, id) WHERE p.id = n.id"
            )
            cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])
            return
        new = ", ".join(f"{name} = %s" for name in (*_MOVES, "updated_at"))
        said = [[f.get_db_prep_save(v, connection) for f, v in zip(_PLAN_FIELDS, row, strict=True)] for row in rows]
        cursor.executemany(f"UPDATE {PLANS} SET {new} WHERE id = %s", said)  # noqa: S608
