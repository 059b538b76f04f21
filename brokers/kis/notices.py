"""Notices of own orders and executions: a bell that says which order to ask about, never a booking of its own.

They carry no id of an execution and some get lost when the socket drops, so money moves only by the order list.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from brokers.kis.calls import instrument_key
from brokers.kis.frames import Record
from brokers.kis.instants import time_of_day
from brokers.kis.mapping import SIDES, shares
from brokers.wire.values import Garbled, not_negative
from markets.types import Side

ACCOUNT_DIGITS = 10
SHORT, LONG = 23, 26  # fields: the tail differs, and what stands before it is the same


class NoticeKind(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CHANGED = "changed"  # modified; the new number is the live order
    CANCELED = "canceled"
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. `quantity` is that of the execution, or of the order where nothing was executed."""

    kind: NoticeKind
    account: str = field(repr=False)  # 10 digits; notices of all accounts of one HTS id come together
    number: str
    original: str
    branch: str
    instrument: str
    side: Side
    quantity: Decimal
    price: Decimal
    told_at: str  # HHMMSS in Korea
    exchange: str  # 1 KRX, 2 NXT, 3 and 4 by smart routing; "" where not told


def notice(record: Record) -> Notice:
    """Raises Garbled. Numbers are padded with zeros or not; the long and the short layout are told apart by width."""
    if len(record) < SHORT:
        raise Garbled("no notice")
    account, side = record[1], SIDES.get(record[4])
    if side is None or not (account.isascii() and account.isdigit() and len(account) == ACCOUNT_DIGITS):
        raise Garbled("nobody's notice")
    time_of_day(record[11])
    return Notice(
        kind=_kind(record),
        account=account,
        number=_number(record[2]),
        original=_number(record[3]) if record[3].strip("0 ") else "",
        branch=record[15].zfill(5),
        instrument=instrument_key(record[8]),
        side=side,
        quantity=shares(record[9]),
        price=not_negative(record[10] or "0"),
        told_at=record[11],
        exchange=_exchange(record),
    )


def _kind(record: Record) -> NoticeKind:
    change, refused, executed, stage = record[5], record[12], record[13], record[14]
    if refused not in {"0", "1"} or executed not in {"1", "2"} or change not in {"0", "1", "2"}:
        raise Garbled("a notice of an unknown kind")
    if executed == "2":
        return NoticeKind.FILLED
    if refused == "1":
        return NoticeKind.REFUSED
    if change == "2" or stage == "3":
        return NoticeKind.CANCELED
    return NoticeKind.CHANGED if change == "1" else NoticeKind.ACCEPTED


def _number(told: str) -> str:
    digits = told.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and digits.strip("0")):
        raise Garbled("no order number")
    return digits.zfill(10)


def _exchange(record: Record) -> str:
    """In the short layout it is glued to a flag ("1Y"); of a width nobody has seen it is not guessed."""
    if len(record) == SHORT:
        return record[18][:1]
    return record[19] if len(record) >= LONG else ""
