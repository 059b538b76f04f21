"""What every KIS error code proves about an order (reliability.md §3.6): a list of what is known, all else is doubt.

`REFUSED`: nothing reached the book. `RETRYABLE`: nothing reached the book, and later it may. `UNKNOWN`: it may be there; these
stand in the list so that no word of success beside one of them is believed. A code counts only with its HTTP status: the
gateway (EGW) answers 500, the ledger 200.
"""

import re
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from brokers.errors import OutcomeUnknown
from brokers.protocol import CancelReply, OrderReport
from brokers.wire.classify import Accepted, Classifier, Refused, Unknown, Verdict, as_report
from brokers.wire.messages import Reply
from brokers.wire.values import Garbled, at, json_object, text


class Proof(StrEnum):
    REFUSED = "refused"
    RETRYABLE = "retryable"
    UNKNOWN = "unknown"


GATEWAY, LEDGER = 500, 200

# Refused by the gateway before anything was routed: who asks, in what shape, how often.
_GATEWAY_REFUSED = (
    *("EGW00003", "EGW00004", "EGW00101", "EGW00102", "EGW00103", "EGW00104", "EGW00105"),
    *("EGW00112", "EGW00115", "EGW00116", "EGW00124", "EGW00125", "EGW00126", "EGW00131", "EGW00132"),
    *("EGW00205", "EGW00206", "EGW00207", "EGW00208", "EGW00209", "EGW00210", "EGW00213"),
    *("EGW00303", "EGW00304", "EGW02004", "EGW02006"),
)
TOKEN_IS_DEAD = frozenset({"EGW00121", "EGW00122", "EGW00123"})
TOO_FAST = frozenset({"EGW00201", "EGW00215"})
# Routing errors, time-outs behind the gateway ("check the previous transaction"), and "temporary" without saying where.
_GATEWAY_UNKNOWN = (
    *("EGW00001", "EGW00002", "EGW00133", "EGW00202", "EGW00203", "EGW00204", "EGW00300", "EGW00301", "EGW00302"),
    *("IGW00007", "IGW00009"),
)
_LEDGER_REFUSED = (
    *("APBK0400", "APBK0506", "APBK0919", "APBK0952", "APBK0963", "APBK1943", "APBK3013", "APAC0081"),
    *("OPSQ2000", "OPSQ2001", "OPSQ2002"),  # refused by the check of the parameters
    *("40030000", "40070000", "40100000", "40250000", "40570000", "40580000"),
)
MARKET_CLOSED = "APBK0918"  # told with other texts as well, so it proves something only beside its own
MARKET_CLOSED_TEXT = "장운영시간이 아닙니다"
# Of uncertain meaning, of other services, or from behind the check of the parameters.
_LEDGER_UNKNOWN = (
    *("APBK0013", "APBK0066", "APBK0344", "APBK0656", "APBK0927", "APBK1234", "APBK1664", "APBK2938"),
    *("MCA00000", "MCA00124", "KIOK0510", "KIOK0500", "KIOK0460", "KIOK0420", "KIOK0560"),
    *(f"OPSQ{number:04d}" for number in (*range(1, 12), 1002, 2003, 3001, 3002, 3004, *range(9995, 10000))),
    *("40330000", "40600000", "40590000", "40620000", "40630000", "70070000", "90020000"),
)
SUCCESSES = frozenset(
    {"APBK0013", "40600000", "40590000", "40620000", "40630000", "MCA00000"}
    | {"KIOK0510", "KIOK0500", "KIOK0460", "KIOK0420", "KIOK0560"}
)

PROOFS = MappingProxyType(
    {
        **{(GATEWAY, code): Proof.REFUSED for code in _GATEWAY_REFUSED},
        **{(GATEWAY, code): Proof.RETRYABLE for code in TOKEN_IS_DEAD | TOO_FAST},
        **{(GATEWAY, code): Proof.UNKNOWN for code in _GATEWAY_UNKNOWN},
        **{(LEDGER, code): Proof.REFUSED for code in _LEDGER_REFUSED},
        (LEDGER, MARKET_CLOSED): Proof.REFUSED,
        **{(LEDGER, code): Proof.UNKNOWN for code in _LEDGER_UNKNOWN},
    }
)
FAILURES = frozenset(code for _status, code in PROOFS) - SUCCESSES

# What a page says of a refusal, where our own words fit; elsewhere KIS's code is shown as it is.
REASONS = MappingProxyType(
    {
        **dict.fromkeys(TOO_FAST, "rate_limited"),
        **dict.fromkeys((MARKET_CLOSED, "APBK0919", "40100000", "40570000", "40580000"), "closed_session"),
        **dict.fromkeys(("APBK0963", "APBK1943", "APBK3013"), "order_type_not_supported"),
        "40070000": "instrument_not_tradable",
    }
)

CANCEL_REFUSED = frozenset({"APBK0927", "APBK0344", "40330000"})  # very often it has just been filled
REFUSALS = frozenset({"1", "2", "7"})  # rt_cd where it is not a success
BRANCH, NUMBER, TIME = ("output", "KRX_FWDG_ORD_ORGNO"), ("output", "ODNO"), ("output", "ORD_TMD")
KEY = re.compile(r"[0-9]{5}-(?!0+$)[0-9]{1,10}")
_TIME = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]")

CLASSIFIER = Classifier(
    key_at=(BRANCH, NUMBER),
    key_shape=KEY,
    code_at=("msg_cd",),
    refused=frozenset(told for told, proof in PROOFS.items() if proof is Proof.REFUSED),
    retryable=frozenset(told for told, proof in PROOFS.items() if proof is Proof.RETRYABLE),
    success=(("rt_cd",), "0"),
)


def judge(reply: Reply) -> Verdict:
    """What a reply to an order proves. The key of an acceptance is branch, number and time of day, as KIS told them."""
    verdict = CLASSIFIER.judge(reply)
    if isinstance(verdict, Unknown):
        return verdict
    body = json_object(reply.body)
    if isinstance(verdict, Refused):
        return verdict if _is_a_plain_refusal(body) else Unknown(f"HTTP {reply.status}: a refusal with more to it")
    told_at = _told(body, TIME)
    if _told(body, ("msg_cd",)) in FAILURES or not _TIME.fullmatch(told_at) or not told_at.isascii():
        return Unknown(f"HTTP {reply.status}: a success that contradicts itself")
    return Accepted(f"{verdict.key}-{told_at}", verdict.raw)


def report(verdict: Verdict) -> OrderReport:
    """The verdict in our words; `raw` keeps KIS's code. Raises OutcomeUnknown."""
    told = as_report(verdict)
    return replace(told, reason=REASONS.get(told.reason, told.reason))


def judge_cancel(reply: Reply) -> CancelReply:
    """What a reply to a cancel says. Raises OutcomeUnknown. A success means that the wish was passed on, no more."""
    verdict = judge(reply)
    if isinstance(verdict, Accepted):
        return CancelReply.TAKEN
    if isinstance(verdict, Refused) or finds_nothing_to_change(reply):
        return CancelReply.REFUSED
    raise OutcomeUnknown(f"cancel: {verdict.why}")


def code_of(reply: Reply) -> str:
    """`msg_cd`, or "" where there is none."""
    try:
        return _told(json_object(reply.body), ("msg_cd",))
    except Garbled:
        return ""


def _is_a_plain_refusal(body: object) -> bool:
    if _told(body, ("rt_cd",)) not in REFUSALS or _names_an_order(body):
        return False
    return _told(body, ("msg_cd",)) != MARKET_CLOSED or MARKET_CLOSED_TEXT in _told(body, ("msg1",))


def finds_nothing_to_change(reply: Reply) -> bool:
    """Whether the reply proves that nothing of the order can be changed or canceled: very often it has just filled."""
    try:
        body = json_object(reply.body)
    except Garbled:
        return False
    is_listed = reply.status == LEDGER and _told(body, ("msg_cd",)) in CANCEL_REFUSED
    return is_listed and _is_a_plain_refusal(body)


def _names_an_order(body: object) -> bool:
    """Whether anything stands where an order's number would, in any spelling: the documents and the wire differ in case."""
    output = at(body, ("output",))
    if output in (None, "", [], {}):
        return False
    if not isinstance(output, dict):
        return True
    return any(value not in (None, "") for value in output.values())


def _told(body: object, path: tuple[str, ...]) -> str:
    try:
        return text(at(body, path)).strip()
    except Garbled:
        return ""
