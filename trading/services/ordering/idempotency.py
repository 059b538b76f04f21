"""Doing a money request once: its key is written in the transaction of the act itself (G06).

Whoever comes second with the same key waits for the first to commit and gets what the first one made; a first one that
failed leaves no key behind.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from accounts.models import User
from markets.models import Statements
from trading.errors import OrderRefused, SameKeyOtherRequest
from trading.models import IdempotencyKey

KEYS = Statements(IdempotencyKey)
KEPT = timedelta(days=30)
LONGEST_KEY = 128


class Keyed(Protocol):
    """A wish under its sender's key."""

    @property
    def user(self) -> User: ...

    @property
    def client_key(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...


def fingerprint(act: str, *content: str | int | None) -> str:
    """The same for the same wish: a repeated key with another fingerprint is a mistake, not a retry."""
    return hashlib.sha256(json.dumps([act, *content]).encode()).hexdigest()


def check_key(key: str) -> None:
    """Raise OrderRefused for a key that cannot be kept."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise OrderRefused("bad_client_key")


def claim_key(user: User, key: str, request_hash: str, result: dict[str, Any]) -> dict[str, Any] | None:
    """None for the first to ask under this key, who goes on and makes `result`; for later ones, what the first had made.

    Call inside the transaction of the act, with the account's lock held: that order keeps two requests from waiting for
    each other. Raises SameKeyOtherRequest where the key was used with another content.
    """
    if KEYS.insert(
        [IdempotencyKey(user=user, key=key, request_hash=request_hash, result=result)], "ON CONFLICT DO NOTHING"
    ):
        return None
    earlier = IdempotencyKey.objects.get(user=user, key=key)
    if earlier.request_hash != request_hash:
        raise SameKeyOtherRequest(**earlier.result)
    return dict(earlier.result)


def claim_keys(wishes: Sequence[Keyed], results: Mapping[str, dict[str, Any]]) -> bool:
    """`claim_key` for several wishes at once, their results by key; False where one of them has been asked before.

    Then the transaction must end without keeping anything: some of the keys are written.
    """
    keys = [
        IdempotencyKey(
            user=each.user, key=each.client_key, request_hash=each.fingerprint, result=results[each.client_key]
        )
        for each in wishes
    ]
    return KEYS.insert(keys, "ON CONFLICT DO NOTHING") == len(keys)


def prune(now: datetime) -> int:
    """Forget keys older than 30 days (wall time); how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEPT).delete()[0]
