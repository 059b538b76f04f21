"""Writing what was decided: evaluation rows and the plans they move, many in one statement."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from json import dumps
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone

from markets.models.fields import exact
from trading.models import PlanEvaluation, SwingPlan
from trading.services.planning.evaluation.among import among
from trading.services.planning.evaluation.deciding import Outcome
from trading.services.planning.evaluation.looks import Look
from trading.services.planning.evaluation.standing import Remembered, Standing

MANY = 8  # rows from which PostgreSQL is sent a COPY
LINES_AT_ONCE = 32  # of it: the server takes them in while the next are made
EVALUATIONS, PLANS = PlanEvaluation._meta.db_table, SwingPlan._meta.db_table


class Written(NamedTuple):
    """One evaluation as it is stored; the names are the columns'."""

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


class Moved(NamedTuple):
    """A locked plan after so many looks, and what it remembered before them."""

    plan: Standing
    before: Remembered
    looks: int


def row_of(plan: Standing, look: Look, told: Outcome, now: datetime) -> Written:
    """The evaluation of a look by a plan that stands where it stood when it looked."""
    facts = dumps(dict(told.facts)) if told.facts else "{}"
    around = look.around.text(plan.broker_account_id, told.limit)
    version = plan.strategy_version_id  # the rule that judged, whatever the plan follows later (G16)
    detail = f'{{"row": {look.seen.text}, "facts": {facts}, "around": {around}, "version": "{version}"}}'
    return Written(
        plan.id,
        look.closed_at,
        look.now,
        now,
        plan.signal,
        look.close,
        told.outcome,
        told.reason,
        detail,
        told.order_id,
    )


def write_rows(rows: Sequence[Written]) -> None:
    """Store evaluations. Raises IntegrityError where one of these bars has been decided on, and writes none then."""
    columns = ", ".join(Written._fields)
    if connection.vendor == "postgresql" and len(rows) >= MANY:
        sql = f"COPY {EVALUATIONS} ({columns}) FROM STDIN"
        lines = _lines(rows)
        with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(sql) as copy:
            while some := "".join(islice(lines, LINES_AT_ONCE)):
                copy.write(some)
        return
    sql = f"INSERT INTO {EVALUATIONS} ({columns}) VALUES ({', '.join(['%s'] * len(Written._fields))})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_values(row) for row in rows])


def _lines(rows: Sequence[Written]) -> Iterator[str]:
    """The rows in the text form of COPY. What many share is turned into text once."""
    said: dict[Any, str] = {}

    def text(value: datetime | Decimal) -> str:
        if value not in said:
            said[value] = value.isoformat() if isinstance(value, datetime) else format(exact(value), "f")
        return said[value]

    return (
        f"{row.plan_id}\t{text(row.bar_closed_at)}\t{text(row.market_at)}\t{text(row.created_at)}\t{row.signal}\t"
        f"{text(row.close)}\t{row.outcome}\t{row.reason}\t{_escaped(row.detail)}\t{row.order_id or _NULL}\n"
        for row in rows
    )


_NULL = "\\N"


def _escaped(detail: str) -> str:
    """JSON knows no raw line ends and tabs; a backslash is the one sign that COPY would read as its own."""
    return detail.replace("\\", "\\\\")


_FIELDS: dict[str, Any] = {field.attname: field for field in PlanEvaluation._meta.local_concrete_fields}


def _values(row: Written) -> list[Any]:
    return [
        value if name == "detail" else _FIELDS[name].get_db_prep_save(value, connection)
        for name, value in zip(Written._fields, row, strict=True)
    ]


def write_plans(moved: Sequence[Moved]) -> None:
    """Store what looks have changed of locked plans; those that only moved on to a later bar, hundreds in one statement."""
    now = timezone.now()
    onward = defaultdict(list)
    changed = []
    for plan, before, looks in moved:
        if plan.remembered == before and len(moved) > 1:
            onward[plan.decided_until, looks].append(plan.id)
        else:
            changed.append(plan)
    for (decided_until, looks), keys in onward.items():
        plans = SwingPlan.objects.filter(among("pk", keys))
        plans.update(decided_until=decided_until, version=F("version") + looks, updated_at=now)
    if changed:
        _write_changed(changed, now)


_COLUMNS = (*Remembered._fields, "decided_until", "version")
_TYPES = ("int", "int", "numeric", "numeric", "int", "timestamptz", "int", "timestamptz", "uuid")
_PLAN_FIELDS: list[Any] = [SwingPlan._meta.get_field(name) for name in (*_COLUMNS, "updated_at", "id")]


def _write_changed(plans: Sequence[Standing], now: datetime) -> None:
    rows = [[*plan.remembered, plan.decided_until, plan.version, now, plan.id] for plan in plans]
    changes = (*_COLUMNS, "updated_at")
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            said = [[f.get_db_prep_save(v, connection) for f, v in zip(_PLAN_FIELDS, row, strict=True)] for row in rows]
            new = ", ".join(f"{name} = %s" for name in changes)
            cursor.executemany(f"UPDATE {PLANS} SET {new} WHERE id = %s", said)  # noqa: S608
            return
        arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
        new = ", ".join(f"{name} = n.{name}" for name in changes)
        sql = f"UPDATE {PLANS} p SET {new} FROM unnest({arrays}) n({', '.join(changes)}, id) WHERE p.id = n.id"  # noqa: S608
        cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])
