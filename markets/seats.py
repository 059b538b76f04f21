"""One socket's place at the hub: what it watches, and the newest of it that has not gone out yet."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

FULL_BYTES = 64 * 1024


class Outlet(Protocol):
    """One socket."""

    async def send_frame(self, text: str) -> None: ...
    async def close_with(self, code: int) -> None: ...
    def waiting(self) -> int:
        """Bytes accepted by the server but not yet by the network."""
        ...


@dataclass(slots=True, eq=False)
class Seat:
    """One socket's place: what it watches, and the newest of it that has not gone out yet."""

    outlet: Outlet
    keys: frozenset[str] = frozenset()
    book: str | None = None
    quotes: dict[str, str] = field(default_factory=dict)  # at most one value per watched instrument
    book_text: str | None = None
    tape_text: str | None = None
    sending: "asyncio.Task[None] | None" = None
    behind_since: float | None = None

    def keep(self, quotes: dict[str, str], books: dict[str, str], tapes: dict[str, str]) -> None:
        """Remember the newest of what this socket watches, for when it can take a frame again."""
        for key in quotes.keys() & self.keys:
            self.quotes[key] = quotes[key]
        if self.book in books:
            self.book_text = books[self.book]
        if self.book in tapes:
            self.tape_text = tapes[self.book]

    def is_busy(self) -> bool:
        return self.sending is not None or self.outlet.waiting() > FULL_BYTES
