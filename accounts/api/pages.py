"""Lists in pages: each answer names where the next one begins, so that a list that grows meanwhile repeats nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet
from rest_framework import serializers

from accounts.api.fields import Strict
from accounts.api.problems import Problem

MOST, USUAL = 200, 50
LONGEST_CURSOR = 256


class PageQuery(Strict):
    """Which part of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=USUAL, help_text="Rows in the answer.")
    cursor = serializers.CharField(
        max_length=LONGEST_CURSOR, required=False, help_text="`next_cursor` of the page before."
    )


def page(
    rows: QuerySet[Any],
    query: dict[str, Any],
    shape: Callable[[Any], dict[str, Any]],
    *,
    by: tuple[str, str] = ("created_at", "id"),
    newest_first: bool = True,
) -> dict[str, Any]:
    """One page of `rows`: models, or `values()` that hold both columns of `by`, which are a time and the primary key."""
    first, key = by
    if "cursor" in query:
        rows = rows.filter(_after(by, _read(query["cursor"]), newest_first))
    sign = "-" if newest_first else ""
    found = list(rows.order_by(f"{sign}{first}", f"{sign}{key}")[: query["limit"] + 1])
    more = len(found) > query["limit"]
    shown = found[: query["limit"]]
    return {
        "results": [shape(row) for row in shown],
        "next_cursor": _written((_column(shown[-1], first), _column(shown[-1], key))) if more else None,
    }


def _column(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


def _after(by: tuple[str, str], place: tuple[Any, Any], newest_first: bool) -> Q:
    word = "lt" if newest_first else "gt"
    (first, key), (value, pk) = by, place
    if first == key:
        return Q(**{f"{key}__{word}": pk})
    # The first condition repeats the second in a way an index can begin with.
    return Q(**{f"{first}__{word}e": value}) & (
        Q(**{f"{first}__{word}": value}) | Q(**{first: value, f"{key}__{word}": pk})
    )


def _written(place: tuple[Any, Any]) -> str:
    parts = [_marked(each) for each in place]
    return urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _marked(value: Any) -> list[Any]:
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    return ["u", str(value)] if isinstance(value, UUID) else ["v", value]


def _read(cursor: str) -> tuple[Any, Any]:
    try:
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        first, second = (_unmarked(*part) for part in parts)
    except (ValueError, TypeError):
        raise Problem("bad_cursor", 400) from None
    return first, second


def _unmarked(mark: str, value: Any) -> Any:
    if mark == "t":
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("a time without a zone")
        return at
    if mark == "u":
        return UUID(value)
    if mark != "v" or isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("no place in a list")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("no key is that large")
    if isinstance(value, str) and ("\x00" in value or len(value) > LONGEST_CURSOR):
        raise ValueError("no name is like that")
    return value
