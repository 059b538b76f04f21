"""A token store for one process alone: a sandbox, a command, a test. Whoever runs several processes shares a store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from brokers.kis.tokens import Token, TokenKind, TokenUnavailable

LONGEST_WAIT = 15.0  # seconds: longer than asking for a token can take


class TokenMemory:
    """Keeps tokens in memory, for the threads of this process."""

    def __init__(self) -> None:
        self._tokens: dict[TokenKind, Token] = {}
        self._tries: dict[TokenKind, datetime] = {}
        self._issuers = {kind: threading.Lock() for kind in TokenKind}

    def __repr__(self) -> str:
        return "<tokens>"

    def read(self, kind: TokenKind) -> Token | None:
        return self._tokens.get(kind)

    def keep(self, kind: TokenKind, token: Token) -> None:
        self._tokens[kind] = token

    def forget(self, kind: TokenKind, value: str) -> None:
        token = self._tokens.get(kind)
        if token is not None and token.value == value:
            del self._tokens[kind]

    def tried_at(self, kind: TokenKind) -> datetime | None:
        return self._tries.get(kind)

    def note_try(self, kind: TokenKind, at: datetime) -> None:
        self._tries[kind] = at

    @contextmanager
    def issuing(self, kind: TokenKind) -> Iterator[None]:
        if not self._issuers[kind].acquire(timeout=LONGEST_WAIT):
            raise TokenUnavailable("somebody else is asking for one, for too long")
        try:
            yield
        finally:
            self._issuers[kind].release()
