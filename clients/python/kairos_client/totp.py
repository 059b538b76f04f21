"""The codes of an authenticator app (RFC 6238: SHA-1, six digits, thirty seconds), for programs that sign in alone."""

import base64
import hashlib
import hmac
import time


def code_now(seed: str, at: float | None = None) -> str:
    """The code of this moment for a seed as the server shows it, in base32. Raises ValueError for another text."""
    key = base64.b32decode(seed.replace(" ", "").upper() + "=" * (-len(seed.replace(" ", "")) % 8))
    step = int((time.time() if at is None else at) // 30)
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    begin = digest[-1] & 15
    return f"{(int.from_bytes(digest[begin : begin + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"
