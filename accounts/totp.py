"""Time-based one-time codes (RFC 6238: SHA-1, 30 s, six digits), as every authenticator app makes them. Pure."""

import hmac
from base64 import b32encode
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SEED_BYTES = 20
DRIFT = 1  # steps a phone's clock may be off


def code_at(seed: bytes, step: int) -> str:
    """The six digits of one 30 s step since 1970."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def steps_of_code(seed: bytes, code: str, at: datetime) -> Iterator[int]:
    """The steps around `at` whose code this is; every one is compared, in equal time."""
    now = step_of(at)
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(code_at(seed, step).encode(), code.encode()):
            yield step


def secret_text(seed: bytes) -> str:
    """The seed as people type it into an app."""
    return b32encode(seed).decode().rstrip("=")


def otpauth_address(seed: bytes, email: str, issuer: str = "Kairos") -> str:
    """What an app reads from a QR code."""
    asked = urlencode(
        {"secret": secret_text(seed), "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": 30}
    )
    return f"otpauth://totp/{quote(issuer)}:{quote(email)}?{asked}"
