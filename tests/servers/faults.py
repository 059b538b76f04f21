"""What a hostile broker does wrong, and when: drawn from a seed, or told one by one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any


class Fault(StrEnum):
    """One way of failing. Its value is the name under which figures are printed."""

    DROP_BEFORE = "drop-before-accepting"  # the connection ends, nothing happened
    DROP_AFTER = "drop-after-accepting"  # it happened, the connection ends without a reply
    ACCEPT_LATE = "accept-late"  # the connection ends, and `seconds` later it happens all the same
    ERROR_BEFORE = "500-without-accepting"
    ERROR_AFTER = "500-after-accepting"
    GARBAGE = "garbage-reply"  # it happened; HTTP 200 with something that is no answer, or two
    HIDDEN = "hidden-from-lists"  # it happened, no reply, and for `seconds` the account's lists are empty with HTTP 200
    RATE_LIMITED = "rate-limited"  # a refusal that proves nothing reached the book
    PAGE_FAILS = "page-two-fails"  # reads: the first page is fine, every later one is a 500
    DUPLICATE_ROWS = "duplicate-rows"  # reads: every row twice


class Verb(StrEnum):
    """What a request asks for."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    LIST = "list"
    FIND = "find"
    HOLDINGS = "holdings"


ORDER_FAULTS = (
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.ACCEPT_LATE,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.GARBAGE,
    Fault.HIDDEN,
    Fault.RATE_LIMITED,
)
READ_FAULTS = (Fault.DROP_BEFORE, Fault.ERROR_BEFORE, Fault.GARBAGE, Fault.HIDDEN, Fault.PAGE_FAILS)
_MEANT_FOR = {
    Verb.SUBMIT: set(ORDER_FAULTS),
    Verb.CANCEL: set(ORDER_FAULTS) - {Fault.HIDDEN},
    Verb.LIST: {*READ_FAULTS, Fault.RATE_LIMITED, Fault.DUPLICATE_ROWS},
    Verb.FIND: {Fault.DROP_BEFORE, Fault.ERROR_BEFORE, Fault.GARBAGE, Fault.RATE_LIMITED},
    Verb.HOLDINGS: {Fault.DROP_BEFORE, Fault.ERROR_BEFORE, Fault.GARBAGE, Fault.RATE_LIMITED},
}


@dataclass(frozen=True, slots=True)
class Rule:
    """`fault` strikes a `share` of the requests of one verb, `times` at most (None: for ever)."""

    fault: Fault
    verb: Verb = Verb.SUBMIT
    times: int | None = 1
    share: float = 1.0
    seconds: float = 60.0  # how late, or how long hidden

    def __post_init__(self) -> None:
        if self.fault not in _MEANT_FOR[self.verb]:
            raise ValueError(f"{self.fault} means nothing for {self.verb}")

    def as_data(self) -> dict[str, Any]:
        return {
            "fault": self.fault,
            "verb": self.verb,
            "times": self.times,
            "share": self.share,
            "seconds": self.seconds,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Rule":
        return cls(
            Fault(data["fault"]),
            Verb(data["verb"]),
            None if data["times"] is None else int(data["times"]),
            float(data["share"]),
            float(data["seconds"]),
        )


class FaultPlan:
    """The rules in force, asked in their order. The same seed and requests give the same faults. Not thread-safe."""

    def __init__(self, rules: Iterable[Rule] = (), seed: int = 0) -> None:
        self._rules = list(rules)
        self._random = Random(seed)

    def draw(self, verb: Verb, *, later_page: bool = False) -> Rule | None:
        """What strikes this request; counts it down."""
        for place, rule in enumerate(self._rules):
            if rule.verb is not verb or rule.times == 0 or (rule.fault is Fault.PAGE_FAILS and not later_page):
                continue
            if self._random.random() < rule.share:
                if rule.times is not None:
                    self._rules[place] = replace(rule, times=rule.times - 1)
                return rule
        return None

    def any_of(self, kinds: int) -> int:
        """One of several forms of the same fault."""
        return self._random.randrange(kinds)
