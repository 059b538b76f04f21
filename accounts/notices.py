"""Which kinds of news there are, through which channels they go by themselves, and what a person may change. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

PAGE, EMAIL = "page", "email"
CHANNELS = (PAGE, EMAIL)
SECURITY, TROUBLE, SIGNALS, FILLS, BACKTESTS = "security", "trouble", "signals", "fills", "backtests"

GATHERING = timedelta(minutes=2)  # what nobody waits for is told together
REPEAT_FIRST, REPEAT_LAST = timedelta(minutes=15), timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Kind:
    """Where news of a kind goes unless its person says otherwise; `fixed` channels nobody switches off."""

    name: str
    by_itself: frozenset[str]
    fixed: frozenset[str]
    is_urgent: bool  # mailed at once, not with other news


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        # A stranger who got in must not be able to keep the owner from hearing of it.
        Kind(SECURITY, frozenset(CHANNELS), frozenset(CHANNELS), True),
        # On the page these are the alerts, which stay until somebody has seen them.
        Kind(TROUBLE, frozenset(CHANNELS), frozenset({PAGE}), True),
        Kind(SIGNALS, frozenset({PAGE}), frozenset(), False),
        Kind(FILLS, frozenset(), frozenset(), False),
        Kind(BACKTESTS, frozenset({PAGE}), frozenset(), False),
    )
}


def channels_of(kind: str, chosen: Mapping[tuple[str, str], bool]) -> frozenset[str]:
    """Where news of this kind goes for a person with these choices, {(kind, channel): on}."""
    rule = KINDS[kind]
    return rule.fixed | {channel for channel in CHANNELS if chosen.get((kind, channel), channel in rule.by_itself)}


def may_choose(kind: str, channel: str) -> bool:
    """Whether this is a person's to switch."""
    return kind in KINDS and channel in CHANNELS and channel not in KINDS[kind].fixed


def mail_due(kind: str, now: datetime) -> datetime:
    """When a mail about news of this kind is to go out."""
    return now if KINDS[kind].is_urgent else now + GATHERING


def next_reminder(told: Iterable[datetime]) -> datetime | None:
    """When trouble that nobody has looked at is mailed again: after 15 minutes, an hour, four … at last once a day.

    `told` holds the times of its earlier mails. None: at once, for there was none.
    """
    times = sorted(told)
    if not times:
        return None
    fourfold: int = 4 ** min(len(times) - 1, 8)
    return times[-1] + min(REPEAT_FIRST * fourfold, REPEAT_LAST)
