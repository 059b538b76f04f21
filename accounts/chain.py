"""The hash chain of the audit: plain text in, sha256 out. What is hashed is what is stored, to the letter."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal

BEGINNING = "0" * 64  # what the first entry follows
MASK = "•••"
SECRET_WORDS = ("password", "secret", "token", "passphrase", "credential", "otp", "recovery", "app_key", "api_key")
LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the chain without its own hash. `before` and `after` are masked already."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, str]
    after: dict[str, str]
    address: str
    result: str
    prev_hash: str

    def hash(self) -> str:
        """sha256 over the hash before and the entry, its fields in one order and its time in UTC."""
        fields = asdict(self) | {"at": self.at.astimezone(UTC).isoformat(timespec="microseconds")}
        text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256((self.prev_hash + text).encode("ascii")).hexdigest()


def masked(facts: Mapping[str, object] | None) -> dict[str, str]:
    """`facts` as text, without secrets: those are blanked by name, and of an e-mail address the first letter is left."""
    return {
        plain(name): MASK if _is_secret(name) else _masked_email(_text(value)) for name, value in (facts or {}).items()
    }


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text that every database keeps as it is: printable, no half characters, and no longer than this."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in whole)[:longest]


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)


def _masked_email(text: str) -> str:
    name, at, host = text.partition("@")
    return f"{name[:1]}{MASK}@{host}" if at and name and "." in host and " " not in text else text


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return plain(value.isoformat() if isinstance(value, datetime) else str(value))
