"""Sealing everything anew under the current key, while Kairos runs: row by row, and as often as it takes (I36).

Each row names the key it is sealed under, so whoever dies halfway leaves nothing to remember: the rest is what still names
another key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.models import SecondFactor
from brokers.models import Credential, Token
from brokers.sealing import KeyRing, Unopenable
from brokers.services import secrets

SEALED: tuple[type[secrets.Sealing], ...] = (Credential, Token, SecondFactor)
AT_ONCE = 500


@dataclass(slots=True)
class Rotation:
    """How many seals were made anew, how many changed under our hands, and how many open under no key there is."""

    rewrapped: int = 0
    moved: int = 0
    unreadable: int = 0

    @property
    def left(self) -> int:
        return self.moved + self.unreadable


def rotate(ring: KeyRing | None = None) -> Rotation:
    """Wrap every data key anew that is not under the current key. What does not open stays as it is, and is counted."""
    ring = ring or secrets.key_ring()
    done = Rotation()
    for row in _behind(ring.current):
        try:
            fresh = ring.rewrap(secrets.sealed_of(row), row.owner)
        except Unopenable:
            done.unreadable += 1
            continue
        # Only over the seal that was read: a key replaced or a token renewed meanwhile is under the current key already.
        unchanged = type(row)._default_manager.filter(pk=row.pk, kek_id=row.kek_id, wrapped_key=row.wrapped_key)
        if unchanged.update(kek_id=fresh.kek_id, wrapped_key=fresh.wrapped_key):
            done.rewrapped += 1
        else:
            done.moved += 1
    return done


def _behind(current: str) -> Iterator[secrets.Sealing]:
    for model in SEALED:
        sealed = model._default_manager.exclude(kek_id__in=["", current]).order_by("pk")
        yield from sealed.iterator(chunk_size=AT_ONCE)
