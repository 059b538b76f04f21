"""Calls to KIS with keys, token and budget: an order once, a question until it is answered or void."""

from typing import Protocol

from brokers.errors import NotSent, ReadIncomplete
from brokers.kis.budget import Budget, Purpose
from brokers.kis.calls import Call
from brokers.kis.codes import GATEWAY, TOKEN_IS_DEAD, TOO_FAST, code_of
from brokers.kis.credentials import Credentials
from brokers.kis.tokens import JSON_HEADERS, Token, Tokens, TokenUnavailable
from brokers.protocol import MaySend, always
from brokers.wire.messages import Reply, Request

ORDER_WAIT = 1.2  # seconds for a slot: within the two an order may take to leave (I13)
READ_WAIT = 20.0
MOST_TRIES = 5
FIRST_BACK_OFF = 0.15  # seconds, doubled each time


class Wire(Protocol):
    """What `brokers.wire.client.WireClient` does."""

    def send_once(self, request: Request, may_send: MaySend = always) -> Reply: ...

    def read(self, request: Request) -> Reply: ...


class KisClient:
    """One key's way to one environment."""

    def __init__(self, http: Wire, who: Credentials, tokens: Tokens, budget: Budget) -> None:
        self._http = http
        self._who = who
        self._tokens = tokens
        self._budget = budget

    def send_once(self, call: Call, may_send: MaySend = always) -> Reply:
        """What must not arrive twice: no second try, whatever comes back. Raises NotSent and OutcomeUnknown."""
        try:
            token = self._tokens.current()
        except TokenUnavailable as e:
            raise NotSent(f"{call.path}: no token ({e})") from e
        if not self._budget.take(Purpose.ORDER, ORDER_WAIT):
            raise NotSent(f"{call.path}: no slot")
        reply = self._http.send_once(self._request(call, token), may_send)
        self._learn(reply, token, FIRST_BACK_OFF)
        return reply

    def read(self, call: Call) -> Reply:
        """The answer to a question. A dead token is renewed once, a limit waited for. Raises ReadIncomplete."""
        renewed = False
        for attempt in range(MOST_TRIES):
            token = self._token_to_read(call)
            if not self._budget.take(Purpose.READ, READ_WAIT):
                raise ReadIncomplete(f"{call.path}: no slot")
            reply = self._http.read(self._request(call, token))
            code = self._learn(reply, token, FIRST_BACK_OFF * 2**attempt)
            if code not in TOO_FAST and (renewed or code not in TOKEN_IS_DEAD):
                return reply
            renewed = renewed or code in TOKEN_IS_DEAD
        raise ReadIncomplete(f"{call.path}: refused {MOST_TRIES} times")

    def _token_to_read(self, call: Call) -> Token:
        try:
            return self._tokens.current()
        except TokenUnavailable as e:
            raise ReadIncomplete(f"{call.path}: no token ({e})") from e

    def _learn(self, reply: Reply, token: Token, back_off: float) -> str:
        """What the gateway said of our manners, "" where nothing."""
        code = code_of(reply) if reply.status == GATEWAY else ""
        if code in TOKEN_IS_DEAD:
            self._tokens.discard(token)
        if code in TOO_FAST:
            self._budget.back_off(back_off)
        return code

    def _request(self, call: Call, token: Token) -> Request:
        headers = {
            **JSON_HEADERS,
            "authorization": f"Bearer {token.value}",
            "appkey": self._who.app_key,
            "appsecret": self._who.app_secret,
            "tr_id": call.tr_id,
            "tr_cont": "N" if call.is_continuation else "",
            "custtype": "P",
        }
        return Request(call.method, call.target, headers, call.body)
