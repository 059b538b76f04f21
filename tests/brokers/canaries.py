"""Secrets that must be found nowhere, and every form in which they could be (I34)."""

import base64
from collections.abc import Iterable, Iterator
from urllib.parse import quote


def forms_of(secret: str) -> set[bytes]:
    """The secret in clear, reversed, in hex, URL-encoded, and in base64 at whichever place of a longer text."""
    plain = secret.encode()
    found = {plain, plain[::-1], plain.hex().encode(), plain.hex().upper().encode(), quote(secret, safe="").encode()}
    found |= set(_in_base64(plain)) | set(_in_base64(plain[::-1]))
    return found


def leaks(secrets: Iterable[str], sinks: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """(sink, secret) wherever one shows."""
    wanted = {secret: forms_of(secret) for secret in secrets}
    return [
        (name, secret)
        for name, content in sinks
        for secret, forms in wanted.items()
        if any(form in content for form in forms)
    ]


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """What is sure to stand in the base64 of any text that holds it: its own letters, by where in a triple it begins."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + plain)
        sure = whole[(0, 2, 3)[before] :].rstrip(b"=")
        yield sure[: len(sure) - 2]
