"""Lists in pages: each answer names where the next one begins, so that a list that grows meanwhile repeats nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from rest_framework import serializers

from accounts.api.fields import Strict
from accounts.api.problems import Problem

MOST, USUAL = 200, 50
LONGEST_CURSOR = 256
PLACE = ("created_at", "id")  # what a list is ordered by, where nothing else is said


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
    by: tuple[str, str] = PLACE,
    newest_first: bool = True,
) -> dict[str, Any]:
    """One page of `rows`: models, or `values()` that hold both columns of `by`, which are a time and the primary key."""
    if "cursor" in query:
        rows = _going_on(rows, after(by, place_of(query["cursor"]), newest_first))
    told = cut(list(rows.order_by(*order_of(by, newest_first))[: query["limit"] + 1]), query["limit"], by)
    return told | {"results": [shape(row) for row in told["results"]]}


def cut(found: list[Any], limit: int, by: tuple[str, str] = PLACE) -> dict[str, Any]:
    """The page of `limit` rows out of as many and one more, which tells only whether there is a next page."""
    shown = found[:limit]
    more = len(found) > limit
    return {"results": shown, "next_cursor": _written(tuple(_column(shown[-1], name) for name in by)) if more else None}


def order_of(by: tuple[str, str], newest_first: bool) -> list[str]:
    return [f"-{name}" if newest_first else name for name in by]


def _going_on(rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
    """The rows from there on. Raises Problem for a cursor of another list, whose places are of other kinds."""
    try:
        return rows.filter(condition)
    except (TypeError, ValueError, ValidationError):
        raise Problem("bad_cursor", 400) from None


def _column(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


def after(by: tuple[str, str], place: tuple[Any, Any], newest_first: bool) -> Q:
    """What comes after a place in a list."""
    word = "lt" if newest_first else "gt"
    (first, key), (value, pk) = by, place
    if first == key:
        return Q(**{f"{key}__{word}": pk})
    # The first condition repeats the second in a way an index can begin with.
    return Q(**{f"{first}__{word}e": value}) & (
        Q(**{f"{first}__{word}": value}) | Q(**{first: value, f"{key}__{word}": pk})
    )


def _written(place: tuple[Any, ...]) -> str:
    parts = [_marked(each) for each in place]
    return urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _marked(value: Any) -> list[Any]:
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    return ["u", str(value)] if isinstance(value, UUID) else ["v", value]


def place_of(cursor: str) -> tuple[Any, Any]:
    """The place in a list that a cursor means. Raises Problem."""
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
