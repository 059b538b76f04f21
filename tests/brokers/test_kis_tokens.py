"""Tokens are issued once, kept, used by all, and renewed in time; the customer is told of each, so none is wasted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from brokers.errors import ReadIncomplete
from brokers.kis.token_memory import TokenMemory
from brokers.kis.tokens import Token, TokenKind, Tokens, TokenUnavailable, access_token, approval_key
from brokers.protocol import Environment
from brokers.wire.messages import Reply, Request
from brokers.wire.values import Garbled
from tests.brokers.kis_account import MovableClock, ScriptedKis, credentials, reply, token_reply
from tests.brokers.kis_examples import examples, json_example

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
LIMIT = {"error_code": "EGW00133", "error_description": "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)"}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(NOW)


@pytest.fixture
def wire() -> ScriptedKis:
    return ScriptedKis()


@pytest.fixture
def store() -> TokenMemory:
    return TokenMemory()


@pytest.fixture
def tokens(wire: ScriptedKis, store: TokenMemory, clock: MovableClock) -> Tokens:
    return Tokens(wire, credentials(Environment.PAPER), store, clock)


def test_the_recorded_token_ends_when_korea_says(clock: MovableClock) -> None:
    """2026-11-22 09:01:07 there is one minute past midnight here."""
    now = datetime(2026, 11, 21, 0, 1, 7, tzinfo=UTC)
    token = access_token(reply(json_example("### 2.1")), now)
    assert token.value == "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.ZGVtbw.c2ln"
    assert token.expires_at == datetime(2026, 11, 22, 0, 1, 7, tzinfo=UTC)


def test_a_token_told_two_ends_has_the_earlier() -> None:
    assert access_token(token_reply(ends="2026-11-20 12:00:00"), NOW).expires_at == NOW + timedelta(hours=2)
    assert access_token(token_reply(ends="2026-12-20 12:00:00"), NOW).expires_at == NOW + timedelta(days=1)


def test_the_recorded_approval_key_lasts_a_day() -> None:
    token = approval_key(reply(json_example("### 2.3", 1)), NOW)
    assert (token.value, token.expires_at) == ("3f1c2d7a-55aa-4c1e-9b0e-0f4e5d6c7b8a", NOW + timedelta(days=1))


def test_what_is_asked_is_what_the_reference_asks(tokens: Tokens, wire: ScriptedKis) -> None:
    """The secret has another name where the key of the socket is asked for."""
    wire.say("tokenP", token_reply())
    wire.say("Approval", reply(json_example("### 2.3", 1)))
    tokens.current()
    tokens.current(TokenKind.APPROVAL)
    recorded = examples("### 2.1")[0].partition("\n\n")[2], examples("### 2.3")[0]
    assert [request.body for request in wire.asked] == [each.encode() for each in recorded]


@pytest.mark.parametrize(
    "spoilt",
    [
        reply(LIMIT, 403),
        reply({**LIMIT, "access_token": "token-one"}),
        reply({"access_token": "token-one"}),
        reply({"access_token": "", "token_type": "Bearer", "expires_in": 1, "access_token_token_expired": "x"}),
        token_reply("tok en\r\nX: y"),
        token_reply(ends="tomorrow"),
        Reply(200, {}, b""),
        Reply(200, {}, b"<html>"),
        Reply(500, {}, token_reply().body),
    ],
    ids=["limit", "both", "no end", "empty", "header", "odd end", "nothing", "html", "status"],
)
def test_what_is_no_token_is_not_taken_for_one(spoilt: Reply) -> None:
    with pytest.raises(Garbled):
        access_token(spoilt, NOW)


def test_a_token_is_used_again_until_an_hour_before_its_end(
    tokens: Tokens, wire: ScriptedKis, clock: MovableClock
) -> None:
    wire.say("tokenP", token_reply("token-one"), token_reply("token-two", "2026-11-22 09:00:00"))
    assert tokens.current().value == "token-one"
    clock.now = NOW + timedelta(hours=22, minutes=59)
    assert tokens.current().value == "token-one"
    assert wire.count("tokenP") == 1
    clock.now = NOW + timedelta(hours=23)
    assert tokens.current().value == "token-two"
    assert wire.count("tokenP") == 2


def test_one_that_cannot_be_renewed_serves_to_its_end(tokens: Tokens, wire: ScriptedKis, clock: MovableClock) -> None:
    wire.say("tokenP", token_reply("token-one"), ReadIncomplete("no answer"))
    tokens.current()
    clock.now = NOW + timedelta(hours=23, minutes=30)
    assert tokens.current().value == "token-one"
    clock.now = NOW + timedelta(hours=24)
    with pytest.raises(TokenUnavailable):
        tokens.current()


def test_one_is_asked_for_at_most_once_a_minute_even_when_the_answer_was_lost(
    tokens: Tokens, wire: ScriptedKis, clock: MovableClock
) -> None:
    wire.say("tokenP", ReadIncomplete("cut short"), token_reply())
    for seconds in (0, 1, 30, 60):
        clock.now = NOW + timedelta(seconds=seconds)
        with pytest.raises(TokenUnavailable):
            tokens.current()
    assert wire.count("tokenP") == 1
    clock.now = NOW + timedelta(seconds=61)
    assert tokens.current().value == "token-one"


def test_a_refusal_of_the_issuer_is_said_by_its_code_and_without_the_secret(tokens: Tokens, wire: ScriptedKis) -> None:
    wire.say("tokenP", reply(LIMIT, 403))
    with pytest.raises(TokenUnavailable, match="EGW00133"):
        tokens.current()


def test_a_discarded_token_is_replaced_unless_somebody_has_done_so(
    tokens: Tokens, wire: ScriptedKis, store: TokenMemory, clock: MovableClock
) -> None:
    wire.say("tokenP", token_reply("token-one"), token_reply("token-two"))
    old = tokens.current()
    clock.now = NOW + timedelta(minutes=2)
    tokens.discard(old)
    assert tokens.current().value == "token-two"
    tokens.discard(old)
    assert tokens.current().value == "token-two"
    assert wire.count("tokenP") == 2


def test_twenty_who_need_a_token_at_once_ask_for_one(store: TokenMemory, clock: MovableClock) -> None:
    gate, asked = threading.Barrier(20), []

    class SlowIssuer:
        def read(self, request: Request) -> Reply:
            asked.append(request)
            return token_reply()

    def need_one(_number: int) -> str:
        tokens = Tokens(SlowIssuer(), credentials(), store, clock)
        gate.wait(10)
        return tokens.current().value

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(need_one, range(20))) == {"token-one"}
    assert len(asked) == 1


def test_the_key_of_the_socket_is_kept_apart(tokens: Tokens, wire: ScriptedKis) -> None:
    wire.say("tokenP", token_reply())
    wire.say("Approval", reply({"approval_key": "approval-one"}))
    assert tokens.current().value == "token-one"
    assert tokens.current(TokenKind.APPROVAL).value == "approval-one"
    assert tokens.current(TokenKind.APPROVAL).value == "approval-one"
    assert wire.count("Approval") == 1


def test_a_removed_key_gives_its_token_back(tokens: Tokens, wire: ScriptedKis, store: TokenMemory) -> None:
    wire.say("tokenP", token_reply())
    wire.say("revokeP", reply({"code": 200, "message": "접근토큰 폐기에 성공하였습니다"}))
    tokens.revoke()
    assert wire.asked == []
    tokens.current()
    tokens.revoke()
    assert wire.count("revokeP") == 1
    assert store.read(TokenKind.ACCESS) is None


def test_no_token_shows_in_a_repr(store: TokenMemory) -> None:
    """I34."""
    token = Token("token-one", NOW)
    store.keep(TokenKind.ACCESS, token)
    assert "token-one" not in f"{token!r} {store!r}"
