"""Access tokens: signed claims of who a request comes from and through which device, good for 30 minutes (A05). Pure.

HS256 and a key of its own; nothing else is read, whatever a token says of itself. What a person may do is not in it: that
is read from the database with every request.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

LIFE = timedelta(minutes=30)
LEEWAY = timedelta(seconds=5)
ALGORITHM, ISSUER, AUDIENCE, TYPE = "HS256", "kairos", "kairos-api", "access"
CLAIMS = ["iss", "aud", "sub", "sid", "jti", "typ", "iat", "nbf", "exp"]
LONGEST = 2048


class TokenRefused(Exception):
    """The text is no access token of ours, or its time is over; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Access:
    """What a token says: a person, and the device that person signed in on."""

    user_id: UUID
    device_id: UUID
    ends_at: datetime | None = None  # of a token that was read


def issue(secret: str, access: Access, token_id: UUID, now: datetime) -> str:
    """A token that can be used from now on."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(access.user_id),
        "sid": str(access.device_id),
        "jti": token_id.hex,
        "typ": TYPE,
        "iat": now,
        "nbf": now,
        "exp": now + LIFE,
    }
    return jwt.encode(claims, secret, ALGORITHM)


def read(secret: str, token: str) -> Access:
    """Raises TokenRefused: `token_expired` where only its time is over, else `token_invalid`."""
    if len(token) > LONGEST:
        raise TokenRefused("token_invalid")
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY,
            options={"require": CLAIMS},
        )
        if claims["typ"] != TYPE:
            raise TokenRefused("token_invalid")
        return Access(UUID(claims["sub"]), UUID(claims["sid"]), datetime.fromtimestamp(claims["exp"], UTC))
    except jwt.ExpiredSignatureError:
        raise TokenRefused("token_expired") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
        raise TokenRefused("token_invalid") from None
