"""The streams of the simulated week: one session per key, cut again and again, and what they heard."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

from django.utils import timezone

from brokers.kis.frames import NOTICES_OF, Channel
from brokers.kis.live.mailbox import Mailbox
from brokers.kis.live.registrations import Registration
from brokers.kis.services import keys
from brokers.kis.stream import KisStream
from brokers.models import Credential
from trading.management.kis_streams import KeyApprovals

if TYPE_CHECKING:
    from decimal import Decimal

HEARD_WITHIN = 0.3  # seconds a price may take from the sandbox's frame to us


@dataclass(slots=True)
class WeekStreams:
    """Every key's stream into one mailbox."""

    codes: tuple[str, ...]
    trades: int = 0
    bells: int = 0
    mailbox: Mailbox = field(default_factory=Mailbox)
    streams: list[KisStream] = field(default_factory=list)

    def start(self, rows: Iterable[Credential], seed: int) -> None:
        for row in rows:
            who = keys.opened(row)
            stream = KisStream(
                keys.endpoints(who.environment).ws,
                KeyApprovals(row.pk),
                self.mailbox,
                clock=monotonic,
                venue_now=timezone.now,
                chance=Random(seed).random,
                notices=Registration(NOTICES_OF[who.environment], who.hts_id),
            )
            stream.want([Registration(Channel.TRADES, code) for code in self.codes])
            stream.start()
            self.streams.append(stream)

    def newest_prices(self) -> "dict[str, Decimal]":
        """The last price of each instrument the streams told since the last look; nothing of those whose lines are cut."""
        found: dict[str, Decimal] = {}
        until = monotonic() + HEARD_WITHIN
        while len(found) < len(self.codes) and (left := until - monotonic()) > 0 and self._is_any_on():
            mail = self.mailbox.take(left)
            self.trades += len(mail.trades)
            self.bells += len(mail.bells)
            found |= {trade.tick.instrument: trade.tick.price for trade in mail.trades}
        return found

    @property
    def connections(self) -> int:
        return sum(stream.state().connections for stream in self.streams)

    def stop(self) -> None:
        for stream in self.streams:
            stream.ask_to_stop()
        for stream in self.streams:
            stream.stop()

    def _is_any_on(self) -> bool:
        return any(stream.state().registered for stream in self.streams)
