"""Who may call: keys of one environment each, their access tokens and approval keys, and how often they may call."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from tests.servers.kis import refusals
from tests.servers.kis.refusals import Refused

LIVE, PAPER = "live", "paper"
LIFE = timedelta(hours=24)
SAME_TOKEN = timedelta(hours=6)
BETWEEN_ISSUES = 60.0
DEFAULT_LIMITS = {LIVE: 18, PAPER: 1}  # requests per second and key


@dataclass(slots=True)
class Token:
    text: str
    issued: datetime
    expires: datetime
    is_revoked: bool = False


@dataclass(slots=True)
class Key:
    """`accounts` are ten digits each (8 + 2)."""

    environment: str
    appkey: str
    appsecret: str
    hts_id: str
    accounts: list[str]
    tokens: dict[str, Token] = field(default_factory=dict)
    latest: Token | None = None
    approvals: dict[str, datetime] = field(default_factory=dict)
    asked_at: datetime | None = None
    asked_wall: float = 0.0
    issues: int = 0
    calls: deque[float] = field(default_factory=deque)


def default_key(environment: str, hts_id: str = "demo1") -> Key:
    """The key every sandbox starts with; its account is 50123456-01 live, 50987654-01 on paper."""
    account = "5012345601" if environment == LIVE else "5098765401"
    return Key(
        environment,
        f"PSsandbox{environment}".ljust(36, "0"),
        f"secret-{environment}-".ljust(180, "s"),
        hts_id,
        [account],
    )


class Access:
    """Not thread-safe; the sandbox holds its lock. `limits` is requests per second by environment."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self.keys: dict[str, Key] = {}
        self.limits: dict[str, int] = dict(DEFAULT_LIMITS)
        self.refused_share = 0.0  # of calls below the limit: several servers share the count

    def add(self, key: Key) -> None:
        self.keys[key.appkey] = key

    def of(self, environment: str, appkey: str | None, appsecret: str | None) -> Key:
        """The key named, if it is one of this environment's. Raises Refused."""
        if not appkey:
            raise Refused(refusals.NO_APPKEY)
        key = self.keys.get(appkey)
        if key is not None and key.environment == PAPER and environment == LIVE:
            raise Refused(refusals.PAPER_KEY_AT_LIVE)
        if key is None or key.environment != environment:
            raise Refused(refusals.BAD_APPKEY)
        if not appsecret:
            raise Refused(refusals.NO_SECRET)
        if appsecret != key.appsecret:
            raise Refused(refusals.BAD_SECRET)
        return key

    def issue_token(self, key: Key, now: datetime, wall: float) -> dict[str, Any]:
        """The same token for six hours, never twice within a minute (of either clock: ours may stand). Raises Refused."""
        if key.asked_at is not None:
            passed = max((now - key.asked_at).total_seconds(), wall - key.asked_wall)
            if passed < BETWEEN_ISSUES:
                raise Refused(refusals.TOKEN_TOO_SOON)
        key.asked_at, key.asked_wall = now, wall
        key.issues += 1
        token = key.latest
        if token is None or token.is_revoked or now - token.issued >= SAME_TOKEN:
            text = f"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.{self._hex(40)}.{self._hex(40)}"
            token = key.latest = key.tokens[text] = Token(text, now, now + LIFE)
        return {
            "access_token": token.text,
            "token_type": "Bearer",
            "expires_in": int((token.expires - now).total_seconds()),
            "access_token_token_expired": f"{token.expires:%Y-%m-%d %H:%M:%S}",
        }

    def revoke_token(self, key: Key, text: str) -> None:
        """Raises Refused."""
        token = key.tokens.get(text)
        if token is None:
            raise Refused(refusals.BAD_TOKEN)
        token.is_revoked = True

    def end_tokens(self, appkey: str | None = None, *, revoked: bool) -> None:
        """All tokens of one key, or of all, end now: as revoked, or as expired."""
        for key in self.keys.values():
            if appkey in {None, key.appkey}:
                for token in key.tokens.values():
                    token.is_revoked |= revoked
                    token.expires = token.expires if revoked else token.issued
                key.latest = None

    def require_token(self, key: Key, authorization: str | None, now: datetime) -> None:
        """Raises Refused."""
        if not authorization:
            raise Refused(refusals.NO_TOKEN)
        kind, _space, text = authorization.partition(" ")
        if kind != "Bearer":
            raise Refused(refusals.NOT_BEARER)
        token = key.tokens.get(text.strip())
        if token is None or token.is_revoked:
            raise Refused(refusals.BAD_TOKEN)
        if now >= token.expires:
            raise Refused(refusals.OLD_TOKEN)

    def issue_approval(self, key: Key, now: datetime) -> str:
        approval = str(UUID(int=self._random.getrandbits(128), version=4))
        key.approvals[approval] = now
        return approval

    def approved(self, environment: str, approval: object, now: datetime) -> Key | None:
        """Whose approval key of this environment it is, while it is valid."""
        for key in self.keys.values():
            issued = key.approvals.get(str(approval))
            if issued is not None and key.environment == environment and now - issued < LIFE:
                return key
        return None

    def count_call(self, key: Key, wall: float) -> None:
        """One call of the running second (sliding; refused calls do not count). Raises Refused."""
        while key.calls and wall - key.calls[0] >= 1.0:
            key.calls.popleft()
        if len(key.calls) >= self.limits[key.environment] or self._random.random() < self.refused_share:
            raise Refused(refusals.TOO_MANY)
        key.calls.append(wall)

    def secret(self, length: int) -> str:
        """Letters and digits for a stream's key or iv."""
        return self._hex(length)

    def _hex(self, length: int) -> str:
        return "".join(self._random.choice("0123456789abcdef") for _ in range(length))
