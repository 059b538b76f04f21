"""What a KIS reply proves: every code of the reference, and ten thousand replies that prove nothing."""

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.errors import OutcomeUnknown
from brokers.kis.codes import FAILURES, PROOFS, REASONS, SUCCESSES, Proof, code_of, judge, judge_cancel, report
from brokers.protocol import CancelReply
from brokers.wire.classify import Accepted, Refused, Unknown
from brokers.wire.messages import Reply
from tests.brokers.kis_account import reply
from tests.brokers.kis_examples import json_example, reference
from trading.templatetags.reasons import SENTENCES

SPOILT = 10_000
YES: dict[str, Any] = {
    "rt_cd": "0",
    "msg_cd": "APBK0013",
    "msg1": "주문 전송 완료 되었습니다.",
    "output": {"KRX_FWDG_ORD_ORGNO": "06010", "ODNO": "0000123456", "ORD_TMD": "101510"},
}
NO: dict[str, Any] = {"rt_cd": "7", "msg_cd": "APBK0952", "msg1": "주문가능금액을 초과 했습니다"}


@pytest.mark.parametrize(
    ("number", "key"), [(0, "06010-0000123456-101510"), (1, "00950-0000001562-101510")], ids=["real", "paper"]
)
def test_a_recorded_acceptance_is_one(number: int, key: str) -> None:
    verdict = judge(reply(json_example("### 4.11", number)))
    assert isinstance(verdict, Accepted)
    assert verdict.key == key


def test_a_recorded_refusal_is_one() -> None:
    verdict = judge(reply(json_example("### 4.11", 3)))
    assert verdict == Refused("APBK0952", retryable=False, raw={"http": "200", "code": "APBK0952"})


def test_the_gateways_limit_is_a_refusal_that_may_be_tried_again() -> None:
    verdict = judge(reply(json_example("## 3."), status=500))
    assert isinstance(verdict, Refused)
    assert verdict.retryable


def test_a_dead_token_is_a_refusal_that_may_be_tried_again() -> None:
    verdict = judge(reply(json_example("### 2.6"), status=500))
    assert isinstance(verdict, Refused)
    assert verdict.retryable


@pytest.mark.parametrize("code", ["EGW00301", "EGW00302", "EGW00300", "EGW00203", "EGW00001", "90020000", "APBK1234"])
@pytest.mark.parametrize("status", [200, 500])
def test_what_may_have_reached_the_ledger_is_unknown(code: str, status: int) -> None:
    """I2: "check the previous transaction" is no refusal."""
    assert isinstance(judge(reply({"rt_cd": "1", "msg_cd": code, "msg1": ""}, status)), Unknown)


@pytest.mark.parametrize(("status", "code"), sorted(PROOFS), ids=str)
def test_every_code_proves_what_the_list_says_and_nothing_under_another_status(status: int, code: str) -> None:
    """§3.6."""
    told = {"rt_cd": "1", "msg_cd": code, "msg1": "장운영시간이 아닙니다.(주문불가)"}
    verdict = judge(reply(told, status))
    wanted = {Proof.REFUSED: Refused, Proof.RETRYABLE: Refused, Proof.UNKNOWN: Unknown}[PROOFS[status, code]]
    assert isinstance(verdict, wanted)
    if isinstance(verdict, Refused):
        assert verdict.retryable == (PROOFS[status, code] is Proof.RETRYABLE)
    others = (set(range(100, 600)) - {status}) - {s for s, c in PROOFS if c == code}
    assert all(isinstance(judge(reply(told, other)), Unknown) for other in others)


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_no_code_of_a_failure_is_believed_beside_a_word_of_success(code: str) -> None:
    for status in (200, 500):
        assert isinstance(judge(reply({**YES, "msg_cd": code}, status)), Unknown)


def test_every_code_of_the_reference_is_on_the_list() -> None:
    """Of sections 7.2 to 7.5, their ranges and their slashes written out."""
    section = reference().partition("### 7.2")[2].partition("\n## 8.")[0]
    cells = [line.split("|")[1].replace("*", "").strip() for line in section.splitlines() if line.startswith("| ")]
    named: set[str] = set()
    for cell in cells:
        for whole, tail in re.findall(
            r"((?:EGW|IGW|APBK|APAC|OPSQ|MCA|KIOK)\d{4,5}|\b\d{8}\b)((?:[–/]\w+|, \d{4})*)", cell
        ):
            named.add(whole)
            if tail.startswith("–"):
                first, last = int(whole[-4:]), int(re.sub(r"\D", "", tail)[-4:])
                named |= {f"{whole[:-4]}{number:04d}" for number in range(first, last + 1)}
            else:
                named |= {whole[: -len(digits)] + digits for digits in re.findall(r"\d{4,5}", tail)}
    assert len(named) > 80
    assert named <= {code for _status, code in PROOFS} | SUCCESSES


def test_a_closed_market_is_a_refusal_only_in_its_own_words() -> None:
    told = {"rt_cd": "7", "msg_cd": "APBK0918", "msg1": "장운영시간이 아닙니다.(주문불가)"}
    assert isinstance(judge(reply(told)), Refused)
    assert isinstance(judge(reply({**told, "msg1": "처리중 오류가 발생하였습니다."})), Unknown)


@pytest.mark.parametrize(
    "told",
    [
        {**NO, "rt_cd": "0"},
        {**NO, "rt_cd": "3"},
        {"msg_cd": "APBK0952"},
        {**NO, "output": YES["output"]},
        {**NO, "output": {"odno": "0000123456"}},
        {**NO, "output": ["0000123456"]},
        {**YES, "output": {**YES["output"], "ODNO": "0000000000"}},
        {**YES, "output": {**YES["output"], "ODNO": "00001234567"}},
        {**YES, "output": {**YES["output"], "ODNO": ""}},
        {**YES, "output": {**YES["output"], "KRX_FWDG_ORD_ORGNO": ""}},
        {**YES, "output": {**YES["output"], "ORD_TMD": "251510"}},
        {**YES, "output": {**YES["output"], "ORD_TMD": "١٠١٥١٠"}},
        {**YES, "rt_cd": 1},
        {**YES, "rt_cd": "9"},
    ],
    ids=str,
)
def test_a_reply_that_says_two_things_or_half_a_thing_is_unknown(told: dict[str, Any]) -> None:
    assert isinstance(judge(reply(told)), Unknown)


def test_ten_thousand_spoilt_replies_are_all_unknown() -> None:
    """I1, I3."""
    random = Random(20261120)
    taken = [told for told in (_spoilt(random) for _ in range(SPOILT)) if not isinstance(judge(told), Unknown)]
    assert taken == []


@settings(deadline=None)
@given(status=st.integers(100, 599), body=st.binary(max_size=300))
def test_bytes_are_never_an_answer(status: int, body: bytes) -> None:
    assert isinstance(judge(Reply(status, {}, body)), Unknown)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    status=st.sampled_from([200, 201, 400, 404, 408, 500, 502, 503, 504]),
    code=st.sampled_from(sorted({code for _status, code in PROOFS})) | st.text(max_size=10),
    rt_cd=st.sampled_from(["0", "1", "2", "7", "", None, 0, 7]),
    output=JSON | st.just(YES["output"]),
)
def test_only_a_listed_refusal_or_a_whole_acceptance_is_more_than_unknown(
    status: int, code: str, rt_cd: str | int | None, output: Any
) -> None:
    told = {"rt_cd": rt_cd, "msg_cd": code, "msg1": "장운영시간이 아닙니다.", "output": output}
    verdict = judge(reply(told, status))
    if isinstance(verdict, Accepted):
        assert (status, str(rt_cd), output) == (200, "0", YES["output"])
        assert code.strip() not in FAILURES
    if isinstance(verdict, Refused):
        assert PROOFS[status, code] is not Proof.UNKNOWN
        assert str(rt_cd) in {"1", "2", "7"}
        assert output != YES["output"]


@pytest.mark.parametrize("code", ["APBK0927", "APBK0344", "40330000", "APBK0918", "40580000"])
def test_a_cancel_that_finds_nothing_is_refused(code: str) -> None:
    told = {"rt_cd": "7", "msg_cd": code, "msg1": "장운영시간이 아닙니다."}
    assert judge_cancel(reply(told)) is CancelReply.REFUSED


@pytest.mark.parametrize("code", sorted({*REASONS, "APBK0952"}))
def test_a_refusal_is_told_in_our_words_where_they_fit_and_by_its_code_elsewhere(code: str) -> None:
    told = {"rt_cd": "1", "msg_cd": code, "msg1": "장운영시간이 아닙니다."}
    status = next(status for status, each in PROOFS if each == code)
    answer = report(judge(reply(told, status)))
    assert answer.reason == (REASONS[code] if code != "APBK0952" else code)
    assert answer.raw == {"http": str(status), "code": code}


def test_every_word_for_a_refusal_has_a_sentence_without_gaps() -> None:
    assert [word for word in REASONS.values() if "%(" in str(SENTENCES[word])] == []


def test_a_recorded_cancel_is_a_wish_taken_and_no_more() -> None:
    assert judge_cancel(reply(json_example("### 4.12", 1))) is CancelReply.TAKEN


@pytest.mark.parametrize(
    ("status", "told"),
    [(500, {"rt_cd": "1", "msg_cd": "EGW00301"}), (200, {**NO, "msg_cd": "surprise"}), (502, "<html>")],
    ids=["time-out", "unheard of", "no JSON"],
)
def test_a_cancel_in_doubt_is_said_to_be_so(status: int, told: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        judge_cancel(reply(told, status))


def test_the_code_of_what_is_no_answer_is_empty() -> None:
    assert code_of(Reply(200, {}, b"<html>")) == ""
    assert code_of(reply(NO)) == "APBK0952"


def _spoilt(random: Random) -> Reply:
    status = random.choice((200, 201, 204, 301, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504))
    match random.randrange(6):
        case 0:
            return Reply(status, {}, random.randbytes(random.randrange(80)))
        case 1:
            whole = json.dumps(random.choice((YES, NO))).encode()
            return Reply(random.choice((200, 500)), {}, whole[: random.randrange(len(whole))])
        case 2:
            gone = random.choice(("rt_cd", "output"))
            return reply({name: value for name, value in YES.items() if name != gone}, 200)
        case 3:
            part = random.choice(("KRX_FWDG_ORD_ORGNO", "ODNO", "ORD_TMD"))
            odd: Any = random.choice((None, "", " ", "0", -1, True, [], {}, "x", "9" * 20, "\x00", "٣"))
            return reply({**YES, "output": {**YES["output"], part: odd}})
        case 4:
            return reply(YES, random.choice([each for each in range(100, 600) if each != 200]))
        case _:
            code = random.choice([code for _status, code in PROOFS] + ["", "x", "APBK9999", "EGW99999"])
            if PROOFS.get((status, code), Proof.UNKNOWN) is not Proof.UNKNOWN:
                status = 502
            return reply({"rt_cd": random.choice(("0", "1", "7")), "msg_cd": code}, status)
