"""Sealing what a row keeps secret, and opening it, by the keys of the settings. Nobody else touches either."""

import json
from collections.abc import Mapping
from functools import lru_cache

from django.conf import settings

from accounts.models import SecondFactor
from brokers.models import SealedRow
from brokers.sealing import KeyRing, Sealed, Unopenable

Sealing = SealedRow | SecondFactor  # every row that keeps one secret; the second factor's lies below this app
SEALED_FIELDS = ("kek_id", "wrapped_key", "ciphertext")


def key_ring() -> KeyRing:
    return _key_ring(tuple(settings.ENCRYPTION_KEYS))


@lru_cache
def _key_ring(secrets: tuple[str, ...]) -> KeyRing:
    return KeyRing(secrets)


def seal(row: Sealing, secret: Mapping[str, str]) -> None:
    """Put `secret` into the row, which is not saved yet, under the current key."""
    put(row, key_ring().seal(json.dumps(secret).encode(), row.owner))


def put(row: Sealing, sealed: Sealed) -> None:
    row.kek_id, row.wrapped_key, row.ciphertext = sealed.kek_id, sealed.wrapped_key, sealed.ciphertext


def sealed_of(row: Sealing) -> Sealed:
    return Sealed(row.kek_id, bytes(row.wrapped_key), bytes(row.ciphertext))


def reveal(row: Sealing) -> dict[str, str]:
    """What the row keeps. Raises Unopenable, which says nothing of it."""
    opened = json.loads(key_ring().open(sealed_of(row), row.owner))
    if not isinstance(opened, dict):
        raise Unopenable("a secret of another shape")
    return {str(name): str(value) for name, value in opened.items()}
