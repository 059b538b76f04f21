"""Values from outside, taken only where they are beyond doubt: JSON without floats, numbers that are finite and short."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

LONGEST_NUMBER = 60  # characters
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")

Path = tuple[str, ...]


class Garbled(ValueError):
    """A body, or a value in it, that cannot be what it should be."""


def json_object(body: bytes) -> dict[str, Any]:
    """The body as an object: numbers with a fraction are Decimal, never float. Raises Garbled."""
    try:
        value = json.loads(
            body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_no_name_twice
        )
    except (ValueError, ArithmeticError, RecursionError) as e:
        raise Garbled(f"not JSON: {type(e).__name__}") from None
    if not isinstance(value, dict):
        raise Garbled("not a JSON object")
    return value


def at(value: Any, path: Path) -> Any:
    """What stands under `path`; None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(value: Any) -> str:
    """A string, or a whole number as one: venues tell codes and keys both ways. Raises Garbled."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Garbled(f"no text: {type(value).__name__}")


def number(value: Any) -> Decimal:
    """A finite number from its digits. Raises Garbled."""
    digits = str(value) if isinstance(value, str | Decimal) or type(value) is int else ""
    if len(digits) > LONGEST_NUMBER or not _NUMBER.fullmatch(digits):
        raise Garbled(f"no number: {type(value).__name__}")
    return Decimal(digits)


def positive(value: Any) -> Decimal:
    """Raises Garbled."""
    read = number(value)
    if read <= 0:
        raise Garbled("not above zero")
    return read


def not_negative(value: Any) -> Decimal:
    """Raises Garbled."""
    read = number(value)
    if read < 0:
        raise Garbled("below zero")
    return read


def moment(value: Any) -> datetime:
    """A time with its zone, as aware UTC. Raises Garbled."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise Garbled("no time with a zone")
    return read.astimezone(UTC)


def rows(value: Any) -> Sequence[Mapping[str, Any]]:
    """A list of objects. Raises Garbled."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Garbled("not a list of rows")
    return value


def _no_constant(name: str) -> NoReturn:
    raise Garbled(f"{name} is no number")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Garbled("a name told twice")
    return found
