"""How the real market's feed stands, key by key, as the feed last wrote it down: for the operations page and health."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markets.models import PriceFeed
from markets.types import Source

SILENT_AFTER = 15.0  # seconds: KIS says something every 10 to 14
WRITTEN_WITHIN = 10.0  # seconds: the feed writes every second while it has a key


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key's stream. `heard_age`: seconds since its last frame; None before the first."""

    key: str
    environment: str
    is_connected: bool
    registered: int
    most: int
    has_notices: bool
    connections: int
    heard_age: float | None
    problem: str

    @property
    def state(self) -> str:
        """`works`, `silent` or `apart`."""
        if not self.is_connected:
            return "apart"
        return "works" if self.heard_age is not None and self.heard_age <= SILENT_AFTER else "silent"


@dataclass(frozen=True, slots=True)
class KisLine:
    """The whole feed. `is_written`: whether a feed runs that writes this; `waiting` instruments take turns for a place."""

    keys: tuple[KeyLine, ...]
    wished: int
    places: int
    waiting: int
    is_written: bool

    @property
    def connected(self) -> int:
        return sum(each.is_connected for each in self.keys)

    @property
    def registered(self) -> int:
        return sum(each.registered for each in self.keys)

    @property
    def heard_age(self) -> float | None:
        """Of the key heard last."""
        return min((each.heard_age for each in self.keys if each.heard_age is not None), default=None)

    def as_json(self) -> dict[str, Any]:
        """For probes: numbers alone, nothing of whose keys they are."""
        return {
            "keys": len(self.keys),
            "connected": self.connected,
            "registered": self.registered,
            "places": sum(each.most for each in self.keys),
            "waiting": self.waiting,
            "last_frame_age_seconds": self.heard_age,
            "is_written": self.is_written,
        }


def kis_line(now: datetime) -> KisLine | None:
    """None where the real market's feed has never run. `now`: wall time."""
    row = PriceFeed.objects.filter(source=Source.KIS).first()
    if row is None:
        return None
    told: dict[str, Any] = row.state or {}
    return KisLine(
        keys=tuple(_key(each, now) for each in told.get("keys", [])),
        wished=int(told.get("wished", 0)),
        places=int(told.get("places", 0)),
        waiting=len(told.get("waiting", [])),
        is_written=(now - row.heartbeat_at).total_seconds() <= WRITTEN_WITHIN,
    )


def _key(told: dict[str, Any], now: datetime) -> KeyLine:
    heard = told["heard_at"]
    age = round(max(0.0, (now - datetime.fromisoformat(heard)).total_seconds()), 1) if heard else None
    names = ("key", "environment", "is_connected", "registered", "most", "has_notices", "connections", "problem")
    return KeyLine(heard_age=age, **{name: told[name] for name in names})
