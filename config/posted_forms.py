"""A posted form is read by Django alone, from where daphne kept it.

Twisted would parse it first, for nobody: a file of 92 MB was 900 MiB of memory then, and every socket of the process waited.
"""

from typing import Any

from daphne import http_protocol


class UnreadRequest(http_protocol.WebRequest):  # type: ignore[misc]  # daphne has no types
    """A request whose body is left as it came."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"parsePOSTFormSubmission": False})


def leave_to_django() -> None:
    """Every request that daphne takes from now on."""
    http_protocol.WebRequest = UnreadRequest
