"""What goes over the wire and what comes back, before anybody has judged it. Nothing of either shows in a `repr`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below a client's base URL. `target` is path and query; headers and body may hold secrets."""

    method: str  # "GET", "POST"
    target: str = field(repr=False)  # "/orders?account=1"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """For logs and errors: method and path, without the query, which may hold an account or a signature."""
        return f"{self.method} {self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole HTTP reply, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
