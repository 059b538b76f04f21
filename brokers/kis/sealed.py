"""Notices of own orders come encrypted: AES-256-CBC under the key a subscription was answered with."""

import base64
import binascii
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from brokers.wire.values import Garbled

KEY_BYTES, IV_BYTES = 32, 16
BLOCK_BITS = 128


@dataclass(frozen=True, slots=True)
class NoticeKey:
    """Raises Garbled where it cannot be one; shows nothing of itself."""

    key: str = field(repr=False)  # 32 ASCII characters, used as bytes
    iv: str = field(repr=False)  # 16

    def __post_init__(self) -> None:
        is_ascii = self.key.isascii() and self.iv.isascii()
        if not is_ascii or len(self.key) != KEY_BYTES or len(self.iv) != IV_BYTES:
            raise Garbled("no key for notices")


def opened(sealed: str, by: NoticeKey) -> str:
    """Base64 text as plain text. Raises Garbled; a wrong key is found by the padding or the text, nearly always."""
    try:
        data = base64.b64decode(sealed, validate=True)
        decryptor = Cipher(algorithms.AES256(by.key.encode()), modes.CBC(by.iv.encode())).decryptor()
        padded = decryptor.update(data) + decryptor.finalize()
        unpadder = PKCS7(BLOCK_BITS).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode("utf-8")
    except (ValueError, binascii.Error):
        raise Garbled("a notice that does not open") from None
