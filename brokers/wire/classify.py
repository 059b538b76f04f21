"""What a reply to an order proves (reliability.md §3.6): an allow-list per venue, and everything else is unknown."""

import re
from dataclasses import dataclass

from brokers.errors import OutcomeUnknown
from brokers.protocol import OrderReport, ReportStatus
from brokers.wire.messages import Reply
from brokers.wire.values import Garbled, Path, at, json_object, text

StatusAndCode = tuple[int, str]  # the HTTP status and the venue's own code: neither alone proves anything


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the order, under this key."""

    key: str
    raw: dict[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """Proof that nothing reached the book. `retryable`: asking again later may succeed."""

    code: str
    retryable: bool
    raw: dict[str, str]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The order may or may not be there. `why` is for the log."""

    why: str


Verdict = Accepted | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Classifier:
    """How one venue says yes and no, as data.

    Accepted needs a status of `accepted`, the word of success where the venue has one, and a well-formed order key: the
    texts under `key_at` joined by "-". Refused needs status and code together on one of the lists, no word of success
    and no key. A reply that says both is unknown, like everything that is on no list.
    """

    key_at: tuple[Path, ...]
    key_shape: re.Pattern[str]
    code_at: Path
    refused: frozenset[StatusAndCode]
    retryable: frozenset[StatusAndCode] = frozenset()
    accepted: frozenset[int] = frozenset({200})
    success: tuple[Path, str] | None = None  # e.g. (("rt_cd",), "0")

    def judge(self, reply: Reply) -> Verdict:
        try:
            body = json_object(reply.body)
        except Garbled as e:
            return Unknown(f"HTTP {reply.status}: {e}")
        code, key = _told(body, self.code_at), self._key(body)
        raw = {"http": str(reply.status), "code": code}
        says_yes = self.success is None or _told(body, self.success[0]) == self.success[1]
        on_a_list = (reply.status, code) in self.refused | self.retryable
        if on_a_list and not self._names_an_order(body) and not (self.success and says_yes):
            return Refused(code, (reply.status, code) in self.retryable, raw)
        if not on_a_list and says_yes and reply.status in self.accepted and key:
            return Accepted(key, raw)
        return Unknown(f"HTTP {reply.status}: {code[:40]!r} is on no list, or has no order key")

    def _key(self, body: object) -> str:
        """'' where it is not whole or not well-formed."""
        key = "-".join(_told(body, path) for path in self.key_at)
        return key if self.key_shape.fullmatch(key) else ""

    def _names_an_order(self, body: object) -> bool:
        return any(at(body, path) not in (None, "") for path in self.key_at)


def as_report(verdict: Verdict) -> OrderReport:
    """The verdict in our words. Raises OutcomeUnknown."""
    match verdict:
        case Accepted(key, raw):
            return OrderReport(ReportStatus.ACCEPTED, key, raw=raw)
        case Refused(code, retryable, raw):
            return OrderReport(ReportStatus.REJECTED, reason=code, raw=raw, retryable=retryable)
        case Unknown(why):
            raise OutcomeUnknown(why)


def _told(body: object, path: Path) -> str:
    try:
        return text(at(body, path))
    except Garbled:
        return ""
