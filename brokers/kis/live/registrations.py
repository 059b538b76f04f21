"""What one session may listen to: 41 registrations, whatever is wished. The most important stay, the last take turns. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from brokers.kis.frames import NOTICE_CHANNELS, Channel

MOST = 41  # per session, over all channels
TURNING = 8  # of a session's places, shared by all that is wished beyond them


@dataclass(frozen=True, slots=True)
class Registration:
    """One channel for one key: a symbol, or the person's HTS id, which is not shown."""

    channel: Channel
    key: str = field(repr=False)

    @property
    def is_notice(self) -> bool:
        return self.channel in NOTICE_CHANNELS

    def __str__(self) -> str:
        return self.channel.value if self.is_notice else f"{self.channel.value} {self.key}"


@dataclass(frozen=True, slots=True)
class Allotment:
    """What is registered now, the important first, and what waits for its turn."""

    now: tuple[Registration, ...]
    waiting: tuple[Registration, ...]


def allot(wished: Iterable[Registration], room: int, turn: int) -> Allotment:
    """Of what is wished, the important first, as much as there is `room` for; the next `turn` gives others a chance.

    Where not all fit, up to eight places go round: every wish beyond the fixed ones is heard once in so many turns.
    """
    wishes = list(dict.fromkeys(wished))
    if len(wishes) <= room:
        return Allotment(tuple(wishes), ())
    turning = min(TURNING, room)
    fixed, others = wishes[: room - turning], wishes[room - turning :]
    start = turn * turning % len(others)
    ring = others[start:] + others[:start]
    return Allotment(tuple(fixed + ring[:turning]), tuple(ring[turning:]))


def spread(
    wished: Sequence[Registration], held: Sequence[Iterable[Registration]], rooms: Sequence[int]
) -> list[tuple[Registration, ...]]:
    """`wished` divided among sessions with so much room each: what one holds already stays there, the rest fills up.

    `held[n]` is what session n has. Whatever finds no room is left out; the order within a session is that of `wished`.
    """
    known = [set(each) for each in held]
    homes: dict[Registration, int] = {}
    left = list(rooms)
    for wish in wished:
        home = next((n for n, has in enumerate(known) if wish in has and left[n] > 0), None)
        if home is not None:
            homes[wish] = home
            left[home] -= 1
    for wish in wished:
        if wish not in homes and any(room > 0 for room in left):
            homes[wish] = max(range(len(left)), key=left.__getitem__)
            left[homes[wish]] -= 1
    return [tuple(wish for wish in wished if homes.get(wish) == n) for n in range(len(rooms))]
