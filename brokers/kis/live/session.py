"""One connection's conversation with KIS: one command at a time, every answer matched to it, silence noticed. Pure.

`now` is in seconds that only grow. Nothing outlives a connection: the next one registers everything anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brokers.kis import frames
from brokers.kis.frames import BAD_KEY, CHANNELS, KEY_IN_USE, NOTICE_CHANNELS, TOO_MANY, Ack, Data, Ping, Strange
from brokers.kis.live.registrations import MOST, Registration
from brokers.kis.sealed import NoticeKey
from brokers.wire.values import Garbled

SPACING = 0.06  # between two commands
ANSWER_WITHIN = 10.0
SILENT_FOR = 35.0  # PINGPONG comes every 10 to 14 s
SILENT, UNANSWERED = "silent", "unanswered"


@dataclass(frozen=True, slots=True)
class Turned:
    """A registration is in force from here on, or no longer."""

    registration: Registration
    is_on: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """KIS will not have this registration, and why; it is not asked for again on this connection."""

    registration: Registration
    code: str


@dataclass(frozen=True, slots=True)
class Bell:
    """Something happened to own orders, and what cannot be read: nobody knows to whose."""


@dataclass(frozen=True, slots=True)
class Useless:
    """Nothing can be had over this connection: give it up. `code` is KIS's."""

    code: str

    @property
    def is_bad_key(self) -> bool:
        return self.code in BAD_KEY


Event = Ping | Data | Turned | Refused | Bell | Useless


@dataclass(frozen=True, slots=True)
class _Asked:
    registration: Registration
    is_on: bool
    at: float


class Session:
    """What is registered over one connection, and what is to be said next."""

    def __init__(self, approval: str, now: float) -> None:
        self._approval = approval
        self._wanted: Sequence[Registration] = ()
        self._held: dict[Registration, None] = {}
        self._refused: set[Registration] = set()
        self._asked: _Asked | None = None
        self._said_at = float("-inf")
        self._heard_at = now
        self._notice_key: NoticeKey | None = None
        self._is_settled = False  # nothing to say until the wishes change
        self.room = MOST
        self.garbled = 0  # frames that could not be read

    @property
    def held(self) -> tuple[Registration, ...]:
        return tuple(self._held)

    @property
    def has_asked(self) -> Registration | None:
        """What was asked for and not answered yet."""
        return self._asked.registration if self._asked else None

    @property
    def has_more_to_say(self) -> bool:
        return not self._is_settled

    def want(self, wanted: Sequence[Registration]) -> None:
        """From now on these, the most important first."""
        if wanted is not self._wanted:
            self._wanted, self._is_settled = wanted, False

    def next_message(self, now: float) -> str | None:
        """The command that goes out now, if any; the same one is not said twice."""
        if self._is_settled or self._asked is not None or now - self._said_at < SPACING:
            return None
        following = self._next()
        if following is None:
            self._is_settled = True
            return None
        registration, is_on = following
        self._asked, self._said_at = _Asked(registration, is_on, now), now
        return frames.subscription(self._approval, registration.channel, registration.key, is_on=is_on)

    def problem(self, now: float) -> str | None:
        """Why this connection should be given up, if it should."""
        if now - self._heard_at > SILENT_FOR:
            return SILENT
        if self._asked is not None and now - self._asked.at > ANSWER_WITHIN:
            return UNANSWERED
        return None

    def hear(self, text: str, now: float) -> Iterator[Event]:
        """What one frame says."""
        self._heard_at = now
        try:
            frame = frames.read(text, self._notice_key)
        except Garbled:
            self.garbled += 1
            if text.startswith(tuple(f"1|{channel}" for channel in NOTICE_CHANNELS)):
                yield Bell()
            return
        if isinstance(frame, Ack):
            yield from self._answered(frame)
        elif not isinstance(frame, Strange):
            yield frame

    def _next(self) -> tuple[Registration, bool] | None:
        wanted = dict.fromkeys(each for each in self._wanted if each not in self._refused)
        kept = list(wanted)[: self.room]
        for registration in self._held:
            if registration not in kept:
                return registration, False
        missing = next((each for each in kept if each not in self._held), None)
        return None if missing is None else (missing, True)

    def _answered(self, ack: Ack) -> Iterator[Event]:
        if ack.code in BAD_KEY | {KEY_IN_USE}:
            yield Useless(ack.code)
            return
        asked = self._asked
        if asked is None or (ack.channel, ack.key) != (asked.registration.channel.value, asked.registration.key):
            yield from self._told_unasked(ack)
            return
        self._asked, self._is_settled = None, False
        registration = asked.registration
        if ack.notice_key is not None:
            self._notice_key = ack.notice_key
        if asked.is_on and ack.is_subscribed:
            self._held[registration] = None
            yield Turned(registration, is_on=True)
        elif asked.is_on and ack.code == TOO_MANY:
            self.room = len(self._held)
            yield Refused(registration, ack.code)
        elif asked.is_on:
            self._refused.add(registration)
            yield Refused(registration, ack.code)
        else:  # ended, or never there
            self._held.pop(registration, None)
            yield Turned(registration, is_on=False)

    def _told_unasked(self, ack: Ack) -> Iterator[Event]:
        """An answer that came late, or twice: the keys of notices are always the newest."""
        if ack.notice_key is not None and ack.channel in CHANNELS:
            self._notice_key = ack.notice_key
        yield from ()
