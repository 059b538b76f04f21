"""An allow-list: what it does not know is unknown, whatever it looks like (reliability.md §3.6)."""

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.errors import OutcomeUnknown
from brokers.protocol import ReportStatus
from brokers.wire.classify import Accepted, Classifier, Refused, Unknown, as_report
from brokers.wire.messages import Reply
from tests.servers.plain import CLASSIFIER as WITH_A_WORD_OF_SUCCESS

BODIES = 10_000
WITH_STATUS_ONLY = Classifier(
    key_at=(("orderId",),),
    key_shape=re.compile(r"[0-9]{1,20}"),
    code_at=("code",),
    refused=frozenset({(400, "-2010"), (400, "-1013")}),
    retryable=frozenset({(429, "-1003")}),
)
YES: dict[str, Any] = {"code": "ok", "day": "20260304", "branch": "00950", "number": "0000000012"}
YES_BY_STATUS: dict[str, Any] = {"orderId": 4711, "status": "NEW"}
ODD: tuple[Any, ...] = (None, "", " ", "0", -1, 1.5, True, [], {}, "x" * 70, "\x00", "NaN", "٣", ["0000000012"])
WORDS = ("ok", "no_cash", "rate_limited", "-2010", "-1003", "-1021", "EGW00301", "", "error")
VENUES = [(WITH_A_WORD_OF_SUCCESS, YES), (WITH_STATUS_ONLY, YES_BY_STATUS)]


def reply(status: int, told: object) -> Reply:
    return Reply(status, {}, json.dumps(told).encode())


def test_an_order_key_with_the_word_of_success_is_an_acceptance() -> None:
    assert WITH_A_WORD_OF_SUCCESS.judge(reply(200, YES)) == Accepted(
        "20260304-00950-0000000012", {"http": "200", "code": "ok"}
    )
    assert isinstance(WITH_STATUS_ONLY.judge(reply(200, YES_BY_STATUS)), Accepted)


def test_a_code_on_the_list_with_its_status_is_a_refusal() -> None:
    assert WITH_A_WORD_OF_SUCCESS.judge(reply(400, {"code": "no_cash"})) == Refused(
        "no_cash", retryable=False, raw={"http": "400", "code": "no_cash"}
    )
    verdict = WITH_STATUS_ONLY.judge(reply(429, {"code": -1003}))
    assert as_report(verdict).retryable
    assert as_report(verdict).status is ReportStatus.REJECTED


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (500, YES),
        (201, YES),
        (302, YES),
        (408, {"code": "no_cash"}),
        (500, {"code": "no_cash"}),
        (200, {"code": "no_cash"}),
        (400, {"code": "surprise"}),
        (400, {**YES, "code": "no_cash"}),
        (200, {**YES, "code": "no_cash"}),
        (200, {**YES, "number": "12"}),
        (200, {"code": "ok"}),
    ],
)
def test_a_status_a_code_or_a_key_alone_proves_nothing(status: int, told: dict[str, Any]) -> None:
    verdict = WITH_A_WORD_OF_SUCCESS.judge(reply(status, told))
    assert isinstance(verdict, Unknown)
    with pytest.raises(OutcomeUnknown):
        as_report(verdict)


@pytest.mark.parametrize(("venue", "yes"), VENUES, ids=["word of success", "status only"])
def test_ten_thousand_spoilt_replies_are_all_unknown(venue: Classifier, yes: dict[str, Any]) -> None:
    """I1, I3: no random or damaged reply is taken for an acceptance or a refusal."""
    random = Random(20260304)
    taken = [spoilt for spoilt in (_spoilt(random, venue, yes) for _ in range(BODIES)) if _is_taken(venue, spoilt)]
    assert taken == []


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_bytes_are_never_an_answer(status: int, body: bytes) -> None:
    assert isinstance(WITH_A_WORD_OF_SUCCESS.judge(Reply(status, {}, body)), Unknown)


def _is_taken(venue: Classifier, spoilt: Reply) -> bool:
    return not isinstance(venue.judge(spoilt), Unknown)


def _spoilt(random: Random, venue: Classifier, yes: dict[str, Any]) -> Reply:
    """A reply that proves nothing: random bytes, random words, or a good one damaged where it matters."""
    status = random.choice((200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 504))
    key = random.choice(venue.key_at)[0]
    match random.randrange(6):
        case 0:
            return Reply(status, {}, random.randbytes(random.randrange(80)))
        case 1:
            whole = json.dumps(yes).encode()
            return Reply(200, {}, whole[: random.randrange(len(whole))])
        case 2:
            return reply(200, {name: value for name, value in yes.items() if name != key})
        case 3:
            malformed = [odd for odd in ODD if not venue.key_shape.fullmatch(str(odd))]
            return reply(status if status not in venue.accepted else 200, {**yes, key: random.choice(malformed)})
        case 4:
            return reply(random.choice([s for s in range(100, 600) if s not in venue.accepted]), yes)
        case _:
            code = random.choice(WORDS)
            if (status, code) in venue.refused | venue.retryable:
                status = 500  # the same word from a gateway that may have passed the order on
            return reply(status, {"code": code, "message": random.choice(ODD)})
