"""Sealing secrets for the database: a fresh data key per secret, wrapped by a key that is never in the database.

AES-256-GCM throughout. Who a secret belongs to is bound in as associated data, so that a sealed value copied to another row,
or another person's, does not open (reliability.md §3.14, I35).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16


class Unopenable(Exception):
    """A sealed value does not open: another key, another row's, or altered. Nothing of it is told."""

    code = "secret_unopenable"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the database keeps of one secret."""

    kek_id: str
    wrapped_key: bytes = field(repr=False)  # nonce, then the data key under the key named by `kek_id`
    ciphertext: bytes = field(repr=False)  # version byte, nonce, then the secret under the data key


class KeyRing:
    """The keys that wrap: the first seals, every one opens. Raises ValueError without any."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._keys = {_key_id(secret): _wrapping_key(secret) for secret in secrets}
        if not self._keys:
            raise ValueError("a key ring needs a key")
        self.current = next(iter(self._keys))

    def __repr__(self) -> str:
        return "<key ring>"

    def seal(self, secret: bytes, owner: str) -> Sealed:
        """`owner` names the row and whose it is; the same words open it again."""
        data_key = os.urandom(KEY_BYTES)
        ciphertext = VERSION + _encrypted(data_key, secret, owner.encode())
        return Sealed(self.current, self._wrapped(data_key, owner), ciphertext)

    def open(self, sealed: Sealed, owner: str) -> bytes:
        """Raises Unopenable."""
        if sealed.ciphertext[:1] != VERSION:
            raise Unopenable("a seal of another kind")
        return _decrypted(self._data_key(sealed, owner), sealed.ciphertext[1:], owner.encode())

    def rewrap(self, sealed: Sealed, owner: str) -> Sealed:
        """The same secret under the current key: its data key is wrapped anew. Raises Unopenable."""
        data_key = self._data_key(sealed, owner)
        return Sealed(self.current, self._wrapped(data_key, owner), sealed.ciphertext)

    def _wrapped(self, data_key: bytes, owner: str) -> bytes:
        return _encrypted(self._keys[self.current], data_key, _wrap_owner(self.current, owner))

    def _data_key(self, sealed: Sealed, owner: str) -> bytes:
        wrapping = self._keys.get(sealed.kek_id)
        if wrapping is None:
            raise Unopenable("sealed by a key that is not here")
        return _decrypted(wrapping, sealed.wrapped_key, _wrap_owner(sealed.kek_id, owner))


def _key_id(secret: str) -> str:
    """A name that tells nothing of the key."""
    return sha256(_derived(secret, b"kairos key id")).hexdigest()[:16]


def _wrapping_key(secret: str) -> AESGCM:
    return AESGCM(_derived(secret, b"kairos wrapping key"))


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(secret.encode())


def _wrap_owner(kek_id: str, owner: str) -> bytes:
    return f"{kek_id}|{owner}".encode()


def _encrypted(key: AESGCM | bytes, plain: bytes, owner: bytes) -> bytes:
    cipher = AESGCM(key) if isinstance(key, bytes) else key
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, owner)


def _decrypted(key: AESGCM | bytes, sealed: bytes, owner: bytes) -> bytes:
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise Unopenable("too short to be a seal")
    try:
        cipher = AESGCM(key) if isinstance(key, bytes) else key
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner)
    except (InvalidTag, ValueError):
        raise Unopenable("it does not open") from None
