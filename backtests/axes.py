"""The values of one parameter as people type them: `20`, `5, 10, 20`, or `5~30:5` (from, to, step). Pure."""

import re
from decimal import Decimal

MOST_VALUES = 100  # of one parameter
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*[~:]\s*({_NUMBER})\s*[:/]\s*({_NUMBER})")
_ONE = re.compile(_NUMBER)


class AxisUnreadable(ValueError):
    """This text is no list of values, or too long a one."""

    code = "bad_axis"


def read_axis(text: str) -> list[Decimal]:
    """The values in ascending order, each once. Raises AxisUnreadable."""
    found: set[Decimal] = set()
    for part in filter(None, (each.strip() for each in text.split(","))):
        if matched := _RANGE.fullmatch(part):
            found |= _between(*map(Decimal, matched.groups()))
        elif _ONE.fullmatch(part):
            found.add(Decimal(part))
        else:
            raise AxisUnreadable(part)
    if not 0 < len(found) <= MOST_VALUES:
        raise AxisUnreadable(text)
    return sorted(found)


def _between(first: Decimal, last: Decimal, step: Decimal) -> set[Decimal]:
    if step <= 0 or last < first or (last - first) / step >= MOST_VALUES:
        raise AxisUnreadable(f"{first}~{last}:{step}")
    return {first + step * number for number in range(int((last - first) / step) + 1)}
