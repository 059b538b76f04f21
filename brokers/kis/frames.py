"""What comes over the KIS WebSocket, taken apart: acknowledgements, calls for a sign of life, and records of data. Pure.

KIS appends fields without warning, so a record's width is what the frame has, never a constant; only too narrow is wrong.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from brokers.kis.sealed import NoticeKey, opened
from brokers.protocol import Environment
from brokers.wire.values import Garbled, at, json_object, text

LONGEST_FRAME = 1024 * 1024  # characters
MOST_RECORDS = 999


class Channel(StrEnum):
    TRADES = "H0STCNT0"
    BOOK = "H0STASP0"
    NOTICES = "H0STCNI0"
    PAPER_NOTICES = "H0STCNI9"


CHANNELS = MappingProxyType({channel.value: channel for channel in Channel})
NOTICE_CHANNELS = frozenset({Channel.NOTICES, Channel.PAPER_NOTICES})
NOTICES_OF = MappingProxyType({Environment.LIVE: Channel.NOTICES, Environment.PAPER: Channel.PAPER_NOTICES})
NARROWEST = MappingProxyType(  # fields of a record as it first was: 46 or 47, 59 or 60, 23 or 26 today
    {Channel.TRADES: 46, Channel.BOOK: 59, Channel.NOTICES: 23, Channel.PAPER_NOTICES: 23}
)
SUBSCRIBED, UNSUBSCRIBED, ALREADY = "OPSP0000", "OPSP0001", "OPSP0002"
TOO_MANY, KEY_IN_USE = "OPSP0008", "OPSP8996"
BAD_KEY = frozenset({"OPSP0010", "OPSP0011"})  # unknown, expired, or of the other environment

Record = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """A call for a sign of life: the same text goes back, and a pong frame with it."""

    text: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to a subscription or its end; matched by channel and key, for there is no number."""

    channel: str
    key: str = field(repr=False)  # a symbol, or the person's HTS id
    code: str
    notice_key: NoticeKey | None = None

    @property
    def is_subscribed(self) -> bool:
        """Subscribed twice is subscribed."""
        return self.code in {SUBSCRIBED, ALREADY}

    @property
    def is_unsubscribed(self) -> bool:
        return self.code == UNSUBSCRIBED


@dataclass(frozen=True, slots=True)
class Data:
    """Records of one channel, each a tuple of texts; not shown, for notices name account and holder."""

    channel: Channel
    records: tuple[Record, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Strange:
    """Data of a channel nobody here asked for."""

    channel: str


Frame = Ping | Ack | Data | Strange


def read(frame: str, notice_key: NoticeKey | None = None) -> Frame:
    """One text frame. Raises Garbled; also for a sealed notice without its key."""
    if len(frame) > LONGEST_FRAME:
        raise Garbled("a frame too long")
    return _message(frame) if frame.startswith("{") else _data(frame, notice_key)


def subscription(approval_key: str, channel: Channel, key: str, *, is_on: bool) -> str:
    """The message that subscribes or ends a subscription, as the reference writes it."""
    header = {"approval_key": approval_key, "custtype": "P", "tr_type": "1" if is_on else "2", "content-type": "utf-8"}
    body = {"input": {"tr_id": channel.value, "tr_key": key}}
    return json.dumps({"header": header, "body": body}, separators=(",", ":"))


def _message(frame: str) -> Ping | Ack:
    told = json_object(frame.encode())
    channel = text(at(told, ("header", "tr_id")))
    if channel == "PINGPONG":
        return Ping(frame)
    key = at(told, ("header", "tr_key"))
    return Ack(
        channel, "" if key is None else text(key), text(at(told, ("body", "msg_cd"))), _notice_key(told, channel)
    )


def _notice_key(told: Any, channel: str) -> NoticeKey | None:
    """Every acknowledgement brings a key, also of channels that need none: those are not taken."""
    output = at(told, ("body", "output"))
    if channel not in NOTICE_CHANNELS or not output:
        return None
    return NoticeKey(text(at(output, ("key",))), text(at(output, ("iv",))))


def _data(frame: str, notice_key: NoticeKey | None) -> Data | Strange:
    parts = frame.split("|", 3)
    if len(parts) != 4 or parts[0] not in {"0", "1"}:
        raise Garbled("no frame")
    sealing, name, count, payload = parts
    channel = CHANNELS.get(name)
    if channel is None:
        return Strange(name[:20])
    if (sealing == "1") != (channel in NOTICE_CHANNELS):
        raise Garbled("sealed what is open, or open what is sealed")
    if sealing == "1":
        if notice_key is None:
            raise Garbled("a notice before its key")
        payload = opened(payload, notice_key)
    return Data(channel, _records(payload, count, NARROWEST[channel]))


def _records(payload: str, count: str, narrowest: int) -> tuple[Record, ...]:
    if not (count.isascii() and count.isdigit() and len(count) <= 6 and 0 < int(count) <= MOST_RECORDS):
        raise Garbled("no number of records")
    fields, number = payload.split("^"), int(count)
    width, rest = divmod(len(fields), number)
    if rest or width < narrowest:
        raise Garbled(f"{len(fields)} fields are not {number} records")
    return tuple(tuple(fields[start : start + width]) for start in range(0, len(fields), width))
