"""The tokens of one key in the database, sealed: one process issues, all use, whichever machine they are on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import Q, QuerySet
from django.utils import timezone

from brokers.kis import tokens
from brokers.kis.tokens import TokenKind, TokenUnavailable
from brokers.models import Credential, Token
from brokers.sealing import Unopenable
from brokers.services import secrets

ISSUING = timedelta(seconds=20)  # longer than asking for a token can take; whoever died meanwhile is not waited for
LONGEST_WAIT = 25.0  # seconds
LOOK_AGAIN = 0.1


class SharedTokens:
    """`brokers.kis.tokens.TokenStore` for all processes."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def __repr__(self) -> str:
        return "<tokens>"

    def read(self, kind: TokenKind) -> tokens.Token | None:
        """The token kept; None also where it does not open: a new one heals that."""
        row = self._row(kind).first()
        return None if row is None else _token_in(row)

    def keep(self, kind: TokenKind, token: tokens.Token) -> None:
        row = Token(credential=self._credential, kind=kind)
        secrets.seal(row, {"value": token.value})
        fields = {name: getattr(row, name) for name in secrets.SEALED_FIELDS}
        self._row(kind).update(**fields, expires_at=token.expires_at)

    def forget(self, kind: TokenKind, value: str) -> None:
        row = self._row(kind).first()
        token = None if row is None else _token_in(row)
        if row is None or token is None or token.value != value:
            return
        # By the seal as it was read: a token renewed meanwhile by another process stays.
        self._row(kind).filter(ciphertext=row.ciphertext).update(
            kek_id="", wrapped_key=b"", ciphertext=b"", expires_at=None
        )

    def tried_at(self, kind: TokenKind) -> datetime | None:
        return self._row(kind).values_list("tried_at", flat=True).first()

    def note_try(self, kind: TokenKind, at: datetime) -> None:
        self._row(kind).update(tried_at=at)

    @contextmanager
    def issuing(self, kind: TokenKind) -> Iterator[None]:
        """Held by one process; its hold lapses with its time, should it die. Raises TokenUnavailable."""
        me = uuid4()
        Token.objects.get_or_create(credential=self._credential, kind=kind)
        until = time.monotonic() + LONGEST_WAIT
        while not self._may_issue(kind, me):
            if time.monotonic() > until:
                raise TokenUnavailable("somebody else is asking for one, for too long")
            time.sleep(LOOK_AGAIN)
        try:
            yield
        finally:
            self._row(kind).filter(issuer=me).update(issuer=None, issuing_until=None)

    def _may_issue(self, kind: TokenKind, me: UUID) -> bool:
        now = timezone.now()
        is_free = Q(issuing_until__isnull=True) | Q(issuing_until__lt=now) | Q(issuing_until__gt=now + 2 * ISSUING)
        return bool(self._row(kind).filter(is_free).update(issuer=me, issuing_until=now + ISSUING))

    def _row(self, kind: TokenKind) -> QuerySet[Token]:
        return Token.objects.filter(credential=self._credential, kind=kind)


def _token_in(row: Token) -> tokens.Token | None:
    if row.expires_at is None:
        return None
    try:
        return tokens.Token(secrets.reveal(row)["value"], row.expires_at)
    except (Unopenable, KeyError):
        return None
