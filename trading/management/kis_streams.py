"""The streams of all KIS keys together: one session each, the registrations divided among them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from time import monotonic
from uuid import UUID

from django.db import DatabaseError, connections
from django.utils import timezone

from brokers.errors import BrokerError
from brokers.kis.frames import NOTICES_OF, Channel
from brokers.kis.live.mailbox import Mailbox
from brokers.kis.live.registrations import MOST, Registration, allot, spread
from brokers.kis.live.venue_clock import VenueClock
from brokers.kis.services import keys
from brokers.kis.services.token_rows import SharedTokens
from brokers.kis.stream import KisStream
from brokers.kis.tokens import TokenKind, TokenUnavailable
from brokers.models import Credential
from brokers.protocol import Environment
from trading.services.running.live_feed import Need

logger = logging.getLogger(__name__)

HEARD_WITHIN = 15.0  # PINGPONG comes every 10 to 14 s
TURN_SECONDS = 10.0  # how long those that take turns keep a place


class KeyApprovals:
    """The approval key of one credential, from our rows: a thread of its own asks, with a connection of its own."""

    def __init__(self, credential_id: UUID) -> None:
        self._credential_id = credential_id

    def approval_key(self) -> str:
        """Raises a BrokerError."""
        try:
            return keys.socket_key(self._row()).approval_key
        except DatabaseError as e:
            raise TokenUnavailable(type(e).__name__) from None
        finally:
            connections.close_all()

    def discard_approval(self, value: str) -> None:
        try:
            SharedTokens(self._row()).forget(TokenKind.APPROVAL, value)
        except (DatabaseError, BrokerError) as e:
            logger.warning("an approval key was not given up (%s)", type(e).__name__)
        finally:
            connections.close_all()

    def _row(self) -> Credential:
        row = Credential.objects.select_related("account").filter(pk=self._credential_id).first()
        if row is None:
            raise keys.NoKey("the key is gone")
        return row


@dataclass(frozen=True, slots=True)
class OneKey:
    """A stream and whose orders it tells of."""

    stream: KisStream
    account_id: UUID
    fingerprint: str
    hint: str
    environment: Environment


@dataclass(frozen=True, slots=True)
class Places:
    """How the wishes fared: for pages to say why a price stands still."""

    wished: int = 0
    places: int = 0
    waiting: tuple[str, ...] = ()  # keys of instruments that take turns
    refused: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """How the stream of one key stands, for who runs the site. `heard_at`: the last frame, wall time; "" before the first."""

    key: str  # its last four characters
    environment: str
    is_connected: bool
    registered: int  # the notices of own orders included
    most: int
    has_notices: bool
    connections: int  # since the feed took it up: more than one says that it was cut
    heard_at: str
    problem: str


class Streams:
    """Starts and stops streams as keys come and go, and tells each what to register."""

    def __init__(self, mailbox: Mailbox, venue: VenueClock) -> None:
        self._mailbox, self._venue = mailbox, venue
        self._keys: dict[UUID, OneKey] = {}
        self._owners: dict[str, UUID] = {}  # the ten digits of a notice → account

    def follow(self, rows: Sequence[Credential]) -> None:
        """These keys from now on; a replaced one is another key."""
        wanted = {row.pk: row for row in rows}
        for pk in list(self._keys):
            if pk not in wanted or wanted[pk].fingerprint != self._keys[pk].fingerprint:
                self._keys.pop(pk).stream.stop()
        for pk, row in wanted.items():
            if pk not in self._keys:
                self._begin(row)

    def accounts(self, owners: set[str]) -> set[UUID]:
        """The accounts that these notices are about; all of them where one names nobody we know."""
        if owners <= self._owners.keys():
            return {self._owners[owner] for owner in owners}
        return {each.account_id for each in self._keys.values()}

    def want(self, needs: Sequence[Need]) -> Places:
        """Register what is needed, as far as there are places; the least important take turns."""
        streams = [each.stream for each in self._keys.values()]
        states = [stream.state() for stream in streams]
        rooms = [state.room for state in states]
        wishes = [_registration(need) for need in needs]
        allotment = allot(wishes, sum(rooms), int(monotonic() / TURN_SECONDS))
        divided = spread(allotment.now, [state.registered for state in states], rooms)
        for stream, registrations in zip(streams, divided, strict=True):
            stream.want(registrations)
        return Places(
            wished=len(wishes),
            places=sum(rooms),
            waiting=tuple(sorted({f"KRX:{each.key}" for each in allotment.waiting})),
            refused=tuple(sorted({str(each) for state in states for each in state.refused})),
            problems=tuple(sorted({state.problem for state in states if state.problem})),
        )

    def standing(self, now: datetime) -> list[KeyStanding]:
        """Every key's stream as it is now."""
        return [_standing(each, now, monotonic()) for each in self._keys.values()]

    def is_heard(self) -> bool:
        """Whether every stream that has something registered has given a sign of life lately."""
        states = [each.stream.state() for each in list(self._keys.values())]  # another thread asks
        return all(monotonic() - state.heard_at < HEARD_WITHIN for state in states if state.registered)

    def stop(self) -> None:
        for each in self._keys.values():
            each.stream.ask_to_stop()
        for each in self._keys.values():
            if not each.stream.stop():
                logger.warning("a KIS stream has not ended")
        self._keys.clear()

    def _begin(self, row: Credential) -> None:
        try:
            who = keys.opened(row)
        except BrokerError as e:
            logger.warning("a KIS key cannot be listened with (%s)", e.code)
            return
        notices = Registration(NOTICES_OF[who.environment], who.hts_id) if who.hts_id else None
        stream = KisStream(
            keys.endpoints(who.environment).ws,
            KeyApprovals(row.pk),
            self._mailbox,
            clock=monotonic,
            venue_now=self._now,
            chance=random,
            notices=notices,
            on_venue_time=lambda text: self._venue.note(text, timezone.now()),
        )
        self._keys[row.pk] = OneKey(stream, row.account_id, row.fingerprint, row.key_hint, who.environment)
        self._owners[who.owner] = row.account_id
        stream.start()

    def _now(self) -> datetime:
        return timezone.now() + self._venue.offset


def _standing(each: OneKey, now: datetime, moment: float) -> KeyStanding:
    state = each.stream.state()
    was_heard = state.heard_at != float("-inf")
    return KeyStanding(
        key=each.hint,
        environment=each.environment.value,
        is_connected=state.is_connected,
        registered=len(state.registered) + state.has_notices,
        most=MOST,
        has_notices=state.has_notices,
        connections=state.connections,
        heard_at=(now - timedelta(seconds=moment - state.heard_at)).isoformat() if was_heard else "",
        problem=state.problem,
    )


def _registration(need: Need) -> Registration:
    channel = Channel.BOOK if need.in_depth else Channel.TRADES
    return Registration(channel, need.instrument.partition(":")[2])
