"""Between the ledger's words and ours: order keys, the order list, holdings, and what may be bought. Pure.

Numbers come as strings, names in two spellings; what cannot be what it should be is Garbled, never guessed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from brokers.kis.calls import instrument_key
from brokers.kis.divisions import kind_of
from brokers.kis.envelope import field
from brokers.kis.instants import day, day_of, digits_of_day, instant
from brokers.protocol import Holdings, ListedOrder, OrderType, ReportStatus
from brokers.wire.values import Garbled, not_negative, number, rows
from markets.types import Side

KEY = re.compile(r"[0-9]{8}-[0-9]{5}-[0-9]{10}")
SIDES = {"01": Side.SELL, "02": Side.BUY}
CASH = "현금"
REFUSED_LATER = "refused_after_acceptance"  # by the exchange: neither list nor notice says why
_DIGITS = re.compile(r"[0-9]{1,10}")
_SHARES = re.compile(r"[0-9]{1,15}")
_BRANCH = re.compile(r"[0-9]{1,5}")


def shares(digits: str) -> Decimal:
    """A number of shares: whole, and no power of ten. Raises Garbled."""
    if not _SHARES.fullmatch(digits):
        raise Garbled("no number of shares")
    return Decimal(digits)


@dataclass(frozen=True, slots=True)
class OrderKey:
    """How KIS knows one order: numbers begin anew every day and differ by branch, so all three together."""

    on: date
    branch: str  # 5 digits
    number: str  # 10 digits

    def __str__(self) -> str:
        return f"{digits_of_day(self.on)}-{self.branch}-{self.number}"

    @classmethod
    def of(cls, on: date, branch: str, number: str) -> "OrderKey":
        """Padded as the newer servers do: older ones tell numbers without their zeros. Raises Garbled."""
        if not (_BRANCH.fullmatch(branch) and _DIGITS.fullmatch(number)) or not number.strip("0"):
            raise Garbled("no order key")
        return cls(on, branch.zfill(5), number.zfill(10))

    @classmethod
    def read(cls, key: str) -> "OrderKey":
        """Raises Garbled."""
        if not KEY.fullmatch(key):
            raise Garbled("no order key")
        on, branch, digits = key.split("-")
        return cls.of(day(on), branch, digits)


def accepted_key(told: str, now: datetime) -> OrderKey:
    """The key of an order just taken, from "branch-number-HHMMSS". Raises Garbled."""
    branch, digits, told_at = told.split("-")
    return OrderKey.of(day_of(told_at, now), branch, digits)


def listed_orders(told: Iterable[Mapping[str, Any]], today: date) -> list[ListedOrder]:
    """The orders among the rows of a whole list, cancels left out: they are wishes about orders. Raises Garbled."""
    every = list(told)
    replaced = {_original_of(row) for row in every if _original(row) and not _is_withdrawal(row)}
    found: dict[str, ListedOrder] = {}
    for row in every:
        if not _is_withdrawal(row):
            listed = _listed_order(row, today, replaced)
            found[listed.key] = _newer(found.get(listed.key), listed)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Buyable:
    """What may be bought without going into debt, in won and shares. `maximum` with the broker's margin is not even kept."""

    cash: Decimal
    reusable: Decimal  # from sales not settled yet
    amount: Decimal
    quantity: Decimal
    reckoned_at: Decimal  # won per share: the upper limit for an order without a price


def holdings(pages: Sequence[Mapping[str, Any]], room: Buyable) -> Holdings:
    """Cash and units from a whole balance, and what of them no order has set aside. Raises Garbled.

    Cash is the deposit two trading days ahead: it alone moves when an order fills. Units bought on credit are left out, for
    they cannot be sold for cash.
    """
    cash = settled_cash(pages)
    units: dict[str, Decimal] = {}
    cost: dict[str, Decimal] = {}
    spendable = {"KRW": room.cash + room.reusable}
    for page in pages:
        seen_before = set(units)
        told = rows(page.get("output1"))
        for place, row in enumerate(told):
            quantity = shares(field(row, "hldg_qty"))
            if not quantity or not _is_for_cash(row):
                continue
            key = instrument_key(field(row, "pdno"))
            if key in seen_before or row in told[:place]:
                raise Garbled("one holding told twice")
            units[key] = units.get(key, Decimal(0)) + quantity
            spendable[key] = spendable.get(key, Decimal(0)) + shares(field(row, "ord_psbl_qty"))
            cost[key] = cost.get(key, Decimal(0)) + quantity * not_negative(field(row, "pchs_avg_pric"))
    average = {key: (cost[key] / units[key]).quantize(Decimal("0.0001")) for key in units}
    return Holdings({"KRW": cash}, units, average, spendable)


def settled_cash(pages: Sequence[Mapping[str, Any]]) -> Decimal:
    """The deposit two trading days ahead, from a whole balance. Raises Garbled."""
    cash = {number(field(row, "prvs_rcdl_excc_amt")) for page in pages for row in _totals(page)}
    if len(cash) != 1:
        raise Garbled("no cash, or two kinds of it")
    return cash.pop()


def sets_units_aside(pages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a balance shows units that cannot be sold, because an order to sell them is at work. Raises Garbled."""
    held = [row for page in pages for row in rows(page.get("output1"))]
    return any(shares(field(row, "ord_psbl_qty")) < shares(field(row, "hldg_qty")) for row in held)


def buyable(body: Mapping[str, Any]) -> Buyable:
    """Raises Garbled."""
    row = body.get("output")
    if not isinstance(row, Mapping):
        raise Garbled("no amounts")
    return Buyable(
        cash=number(field(row, "ord_psbl_cash")),
        reusable=number(field(row, "ruse_psbl_amt")),
        amount=number(field(row, "nrcvb_buy_amt")),
        quantity=shares(field(row, "nrcvb_buy_qty")),
        reckoned_at=not_negative(field(row, "psbl_qty_calc_unpr") or "0"),
    )


def open_days(body: Mapping[str, Any]) -> dict[date, bool]:
    """Whether the market opens, by day. `tr_day_yn` says yes even on Sundays and is not looked at. Raises Garbled."""
    flags = {"Y": True, "N": False}
    try:
        return {day(field(row, "bass_dt")): flags[field(row, "opnd_yn")] for row in rows(body.get("output"))}
    except KeyError:
        raise Garbled("neither open nor closed") from None


def _listed_order(row: Mapping[str, Any], today: date, replaced: set[tuple[date, str]]) -> ListedOrder:
    on = day(field(row, "ord_dt"))
    key = OrderKey.of(on, field(row, "ord_gno_brno"), field(row, "odno"))
    side = SIDES.get(field(row, "sll_buy_dvsn_cd"))
    if side is None:
        raise Garbled("neither a buy nor a sale")
    price = not_negative(field(row, "ord_unpr"))
    kind = kind_of(field(row, "ord_dvsn_cd"))
    names_no_price = kind.order_type is OrderType.MARKET  # whatever price the venue chose and tells
    quantity, filled = shares(field(row, "ord_qty")), shares(field(row, "tot_ccld_qty"))
    amount = not_negative(field(row, "tot_ccld_amt"))
    if not quantity or filled > quantity or bool(filled) != bool(amount):
        raise Garbled("running totals that cannot be")
    status = _status(row, key, on < today, replaced)
    return ListedOrder(
        key=str(key),
        client_id="",
        instrument=instrument_key(field(row, "pdno")),
        side=side,
        quantity=quantity,
        order_type=kind.order_type,
        limit_price=None if names_no_price or not price else price,
        ordered_at=instant(on, field(row, "ord_tmd")),
        status=status,
        filled_quantity=filled,
        filled_amount=amount,
        raw={name: field(row, name) for name in ("ord_dvsn_cd", "rmn_qty", "rjct_qty", "cncl_yn", "orgn_odno")}
        | {"cncl_cfrm_qty": _canceled_text(row), "exchange": field(row, "excg_id_dvsn_cd", "excg_id_dvsn_Cd")},
        reason=REFUSED_LATER if status is ReportStatus.REJECTED else "",
        division=kind.division,
    )


def _status(row: Mapping[str, Any], key: OrderKey, is_over: bool, replaced: set[tuple[date, str]]) -> ReportStatus:
    """Decided by quantities: the flag of the cancelled is told sometimes on one row and sometimes on the other."""
    quantity, filled = shares(field(row, "ord_qty")), shares(field(row, "tot_ccld_qty"))
    rest, refused = shares(field(row, "rmn_qty")), shares(field(row, "rjct_qty") or "0")
    canceled = shares(_canceled_text(row) or "0")
    if filled + rest + canceled + refused > quantity:
        raise Garbled("more of an order than was ordered")
    if refused and not filled and not rest:
        return ReportStatus.REJECTED
    if filled == quantity:
        return ReportStatus.ACCEPTED
    if rest:
        return ReportStatus.EXPIRED if is_over else ReportStatus.ACCEPTED  # orders are for the day
    if canceled or refused or (key.on, key.number) in replaced:
        return ReportStatus.CANCELED
    raise Garbled("an order with nothing left that nothing became of")


def _canceled_text(row: Mapping[str, Any]) -> str:
    return field(row, "cncl_cfrm_qty", "cnc_cfrm_qty")


def _original(row: Mapping[str, Any]) -> str:
    digits = field(row, "orgn_odno").lstrip("0")
    return digits.zfill(10) if digits else ""


def _original_of(row: Mapping[str, Any]) -> tuple[date, str]:
    return day(field(row, "ord_dt")), _original(row)


def _is_withdrawal(row: Mapping[str, Any]) -> bool:
    """The row of a cancel, not of an order: it names another, and it has no price or says that it is one."""
    if not _original(row) or shares(field(row, "tot_ccld_qty") or "0"):
        return False
    return field(row, "cncl_yn") == "Y" or not not_negative(field(row, "ord_unpr") or "0")


def _newer(before: ListedOrder | None, listed: ListedOrder) -> ListedOrder:
    """Of one order told on two pages, what was told last: it may have filled meanwhile. Raises Garbled."""
    if before is None:
        return listed
    same = ("instrument", "side", "quantity", "order_type", "limit_price", "division", "ordered_at")
    if any(getattr(before, name) != getattr(listed, name) for name in same):
        raise Garbled("one key for two orders")
    return listed if listed.filled_quantity >= before.filled_quantity else before


def _totals(page: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [row for row in rows(page.get("output2", [])) if row]


def _is_for_cash(row: Mapping[str, Any]) -> bool:
    """Raises Garbled for units of which nobody says how they were paid for."""
    kind = field(row, "trad_dvsn_name")
    if kind == CASH:
        return True
    if not field(row, "loan_dt").strip("0"):
        raise Garbled("a holding of an unknown kind")
    return False
