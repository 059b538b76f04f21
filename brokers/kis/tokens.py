"""The tokens of one key: issued by one process at a time, kept, used again, and renewed before they run out.

KIS issues one a minute and tells the customer of each by message, so a token is asked for when there is none, never "to be
safe". The store is shared by all processes; it keeps values sealed.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from brokers.errors import BrokerError, ReadIncomplete
from brokers.kis.calls import compact
from brokers.kis.credentials import Credentials
from brokers.kis.instants import SEOUL
from brokers.wire.messages import Reply, Request
from brokers.wire.values import Garbled, json_object, positive, text

REFRESH_BEFORE = timedelta(hours=1)
APPROVAL_LIFE = timedelta(hours=24)
LONGEST_LIFE = 100 * 86400  # seconds
JSON_HEADERS = {"content-type": "application/json; charset=utf-8"}
_VALUE = re.compile(r"[\x21-\x7e]{8,2048}")  # it goes into a header: no space, no line break
_ERROR_CODE = re.compile(r"[A-Z]{3}[0-9]{5}")

Clock = Callable[[], datetime]


class TokenKind(StrEnum):
    ACCESS = "access"
    APPROVAL = "approval"  # opens the WebSocket


TIME_BETWEEN_ISSUES = {TokenKind.ACCESS: timedelta(seconds=61), TokenKind.APPROVAL: timedelta(seconds=2)}


class TokenUnavailable(BrokerError):
    """There is no token and none may be had now: nothing was sent. `told`: KIS's code where it refused, else ""."""

    code = "broker_token_unavailable"

    def __init__(self, message: str, told: str = "") -> None:
        super().__init__(message)
        self.told = told


class IssueRefused(Garbled):
    """The issuer answered with an error of its own instead of a token."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(f"token: HTTP {status} {told}".rstrip())
        self.told = told


@dataclass(frozen=True, slots=True)
class Token:
    value: str = field(repr=False)
    expires_at: datetime


class TokenStore(Protocol):
    """Where the tokens of one key in one environment are, for all processes. The value is a secret."""

    def read(self, kind: TokenKind) -> Token | None: ...

    def keep(self, kind: TokenKind, token: Token) -> None: ...

    def forget(self, kind: TokenKind, value: str) -> None:
        """Drop the token if it is still this one: another process may have renewed it."""
        ...

    def tried_at(self, kind: TokenKind) -> datetime | None:
        """When one was last asked for, with or without success."""
        ...

    def note_try(self, kind: TokenKind, at: datetime) -> None: ...

    def issuing(self, kind: TokenKind) -> AbstractContextManager[object]:
        """Held by the one that asks for a token; the others wait. Raises TokenUnavailable where that lasts too long."""
        ...


class Wire(Protocol):
    """The part of `brokers.wire.client.WireClient` that asks."""

    def read(self, request: Request) -> Reply: ...


class Tokens:
    """What opens KIS for one key. Raises TokenUnavailable."""

    def __init__(self, http: Wire, who: Credentials, store: TokenStore, clock: Clock) -> None:
        self._http = http
        self._who = who
        self._store = store
        self._clock = clock

    def current(self, kind: TokenKind = TokenKind.ACCESS) -> Token:
        """A token with life left in it; one near its end is renewed where that succeeds."""
        if token := self._fresh(kind):
            return token
        with self._store.issuing(kind):
            return self._fresh(kind) or self._renewed(kind)

    def discard(self, token: Token, kind: TokenKind = TokenKind.ACCESS) -> None:
        """KIS refused it before its time: the next call asks for another."""
        self._store.forget(kind, token.value)

    def revoke(self) -> None:
        """Give the access token back, where there is one: the key is being removed. Raises ReadIncomplete."""
        token = self._store.read(TokenKind.ACCESS)
        if token is None:
            return
        reply = self._http.read(_request("/oauth2/revokeP", {**self._keys("appsecret"), "token": token.value}))
        self._store.forget(TokenKind.ACCESS, token.value)
        if reply.status != 200:
            raise ReadIncomplete(f"revoke: HTTP {reply.status}")

    def _fresh(self, kind: TokenKind) -> Token | None:
        token = self._store.read(kind)
        return token if token is not None and self._clock() < token.expires_at - REFRESH_BEFORE else None

    def _renewed(self, kind: TokenKind) -> Token:
        """A new one, or the old one as long as it lasts."""
        now = self._clock()
        old = self._store.read(kind)
        last = self._store.tried_at(kind)
        try:
            if last is not None and now < last + TIME_BETWEEN_ISSUES[kind]:
                raise TokenUnavailable("asked for less than a minute ago")  # noqa: TRY301
            return self._issued(kind, now)
        except TokenUnavailable:
            if old is not None and now < old.expires_at:
                return old
            raise

    def _issued(self, kind: TokenKind, now: datetime) -> Token:
        self._store.note_try(kind, now)  # before asking: an answer that got lost counts as well
        try:
            reply = self._http.read(self._question(kind))
            token = _READERS[kind](reply, now)
        except (ReadIncomplete, Garbled) as e:
            raise TokenUnavailable(str(e), e.told if isinstance(e, IssueRefused) else "") from None
        self._store.keep(kind, token)
        return token

    def _question(self, kind: TokenKind) -> Request:
        if kind is TokenKind.ACCESS:
            return _request("/oauth2/tokenP", {"grant_type": "client_credentials", **self._keys("appsecret")})
        return _request("/oauth2/Approval", {"grant_type": "client_credentials", **self._keys("secretkey")})

    def _keys(self, name_of_secret: str) -> dict[str, str]:
        return {"appkey": self._who.app_key, name_of_secret: self._who.app_secret}


def access_token(reply: Reply, now: datetime) -> Token:
    """Told with its life in seconds and its end in Korean time: the earlier of the two. Raises Garbled."""
    body = _issue(reply)
    if text(body.get("token_type")) != "Bearer":
        raise Garbled("a token of another kind")
    seconds = positive(body.get("expires_in"))
    if seconds > LONGEST_LIFE:
        raise Garbled("a token that never ends")
    by_seconds = now + timedelta(seconds=int(seconds))
    return Token(_value(body.get("access_token")), min(by_seconds, _end(body.get("access_token_token_expired"))))


def approval_key(reply: Reply, now: datetime) -> Token:
    """Raises Garbled."""
    return Token(_value(_issue(reply).get("approval_key")), now + APPROVAL_LIFE)


_READERS = {TokenKind.ACCESS: access_token, TokenKind.APPROVAL: approval_key}


def _issue(reply: Reply) -> dict[str, Any]:
    """The body of an issue; errors of the issuer have a shape of their own. Raises Garbled."""
    body = json_object(reply.body)
    code = body.get("error_code")
    if reply.status != 200 or code is not None:
        raise IssueRefused(reply.status, code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else "")
    return body


def _value(value: object) -> str:
    told = text(value)
    if not _VALUE.fullmatch(told):
        raise Garbled("no token")
    return told


def _end(value: object) -> datetime:
    try:
        return datetime.strptime(text(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=SEOUL).astimezone(UTC)
    except ValueError:
        raise Garbled("no end of a token's life") from None


def _request(path: str, body: dict[str, str]) -> Request:
    return Request("POST", path, JSON_HEADERS, compact(body))
