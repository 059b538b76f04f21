"""What the sandbox does wrong, and when: rules told by hand, drawn with a seed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any


class Fault(StrEnum):
    """One way of failing a REST call. The value is its name on the control side."""

    DROP_BEFORE = "drop-before"  # the connection ends, nothing happened
    DROP_AFTER = "drop-after"  # it happened, the connection ends without a reply
    LATE = "accept-late"  # the connection ends, and `seconds` later (sandbox clock) it happens all the same
    ERROR_BEFORE = "500-before"  # HTTP 500 EGW00002, nothing happened
    ERROR_AFTER = "500-after"
    TIMEOUT_BEFORE = "egw00301-before"  # "check the previous transaction", nothing happened
    TIMEOUT_AFTER = "egw00301-after"  # the same words, and it happened
    RATE = "egw00201"  # refused by the gateway: nothing happened
    LEDGER_BUSY = "egw00215"
    TOKEN_EXPIRED = "egw00123"  # the call's token ends now
    TOKEN_INVALID = "egw00121"
    EMPTY = "empty-body"  # it happened; HTTP 200 with nothing
    HTML = "html"  # it happened; HTTP 200 with a maintenance page
    CUT = "cut-body"  # it happened; half of the answer
    HIDDEN = "hidden"  # it happened, no reply (orders); for `seconds` the account's lists are empty with rt_cd 0
    DUPLICATE = "duplicate"  # lists: every row twice; orders: the gateway enters the order twice
    PAGE_FAILS = "page-fails"  # the first page is fine, every later one is a 500
    SLOW = "slow"  # it happens at once; the answer comes `seconds` (real ones) later


@dataclass(frozen=True, slots=True)
class Rule:
    """`fault` strikes a `share` of the calls of one route ("*": of all), `times` at most (None: for ever)."""

    route: str
    fault: Fault
    times: int | None = 1
    share: float = 1.0
    seconds: float = 60.0

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Rule":
        """Raises KeyError or ValueError."""
        times = data.get("times", 1)
        return cls(
            str(data["route"]),
            Fault(data["fault"]),
            None if times is None else int(times),
            float(data.get("share", 1.0)),
            float(data.get("seconds", 60.0)),
        )

    def as_data(self) -> dict[str, Any]:
        return {
            "route": self.route,
            "fault": self.fault.value,
            "times": self.times,
            "share": self.share,
            "seconds": self.seconds,
        }


class Plan:
    """The rules in force, asked in their order. The same seed and calls give the same faults. Not thread-safe."""

    def __init__(self, rules: Iterable[Rule] = (), seed: int = 0) -> None:
        self._rules = list(rules)
        self._random = Random(seed)

    def draw(self, route: str, *, is_later_page: bool = False) -> Rule | None:
        """What strikes this call; counts it down."""
        for place, rule in enumerate(self._rules):
            if rule.route not in {"*", route} or rule.times == 0:
                continue
            if rule.fault is Fault.PAGE_FAILS and not is_later_page:
                continue
            if self._random.random() < rule.share:
                if rule.times is not None:
                    self._rules[place] = replace(rule, times=rule.times - 1)
                return rule
        return None
