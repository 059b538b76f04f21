"""The "plain" dialect as its server speaks it: JSON, numbers as strings. Two forms of it, told apart by the path.

/plain    no client id is kept, and a list tells running totals only (like KIS); a cancel is "taken", no more
/plainid  our client id is kept and can be asked for, and executions have ids (like Binance); a cancel is "confirmed"
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from markets.types import Side
from tests.servers.venue import BRANCH, Account, Asked, Refusal, VenueOrder, order_data, plain

FORMS = {"plain", "plainid"}
_TOTALS = (
    *("instrument", "side", "quantity", "type", "limit_price", "at", "status"),
    *("filled_quantity", "filled_amount"),
)
_GARBAGE: tuple[bytes, ...] = (
    b"",
    b"<html><body>Service temporarily unavailable</body></html>",
    b"{}",
    b"[]",
    b'{"code": "ok", "day": "20260304", "branch": "00950"}',
    b'{"code": "ok", "day": "20260304", "branch": "00950", "number": "\\u0000"}',
    b'{"code": "surprise"}',
    b"\xff\xfe\x00",
    b'{"code": "no_cash", "day": "20260304", "branch": "00950", "number": "0000000001"}',
)
GARBAGE_FORMS = len(_GARBAGE) + 2


def asked(form: str, body: Mapping[str, Any], our_id: str) -> Asked:
    """Raises Refusal("bad_order") where the body is no order of this form."""
    try:
        limit = body["limit_price"]
        order = Asked(
            account=str(body["account"]),
            instrument=str(body["instrument"]),
            side=Side(body["side"]),
            quantity=Decimal(body["quantity"]),
            type=str(body["type"]),
            limit_price=None if limit is None else Decimal(limit),
            time_in_force=str(body["time_in_force"]),
            client_id=str(body["client_id"]) if form == "plainid" else "",
            our_id=our_id,
        )
    except (KeyError, ValueError, TypeError, InvalidOperation):
        raise Refusal("bad_order") from None
    if form == "plain" and "client_id" in body:
        raise Refusal("bad_order")
    return order


def accepted(order: VenueOrder) -> dict[str, Any]:
    return {"code": "ok", "day": order.day, "branch": BRANCH, "number": f"{order.number:010d}"}


def row(form: str, order: VenueOrder) -> dict[str, Any]:
    """One order of a list, as far as the form tells it."""
    whole = order_data(order)
    told = {name: whole[name] for name in _TOTALS}
    told |= {"day": order.day, "branch": BRANCH, "number": f"{order.number:010d}"}
    if form == "plainid":
        told |= {"client_id": whole["client_id"], "executions": whole["executions"]}
    return told


def holdings(account: Account) -> dict[str, Any]:
    units = [
        {"instrument": name, "quantity": plain(held), "average_price": plain(account.cost.get(name, Decimal(0)) / held)}
        for name, held in account.units.items()
        if held
    ]
    return {"code": "ok", "cash": {account.currency: plain(account.cash)}, "units": units, "end": True}


def garbage(form: int, answer: bytes) -> bytes:
    """The answer spoilt: one of GARBAGE_FORMS ways; the last two cut it short and tell it twice."""
    if form < len(_GARBAGE):
        return _GARBAGE[form]
    return answer[: len(answer) // 2] if form == len(_GARBAGE) else answer + answer
