"""What a key can do, found by asking KIS for each thing once. Nothing is ordered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from brokers.errors import ReadIncomplete
from brokers.kis import calls
from brokers.kis.calls import Call
from brokers.kis.client import KisClient
from brokers.kis.codes import code_of
from brokers.kis.credentials import Credentials
from brokers.kis.envelope import is_nothing_found, told
from brokers.kis.tokens import TokenKind, Tokens, TokenUnavailable
from brokers.wire.values import Garbled

ASKED_FOR = "KRX:005930"  # a share everybody may look at
UNREACHABLE = "key_unreachable"
REFUSED = "key_refused"

# What KIS's code says about the key itself, as our own.
FAULTS = {
    "EGW00103": "key_unknown",
    "EGW00105": "key_secret_wrong",
    "EGW00133": "key_asked_too_soon",
    "EGW02004": "key_of_other_environment",
    "EGW02006": "key_of_other_environment",
    "APAC0081": "key_account_wrong",
}


class Permission(StrEnum):
    """What a key may do, in the order in which it is tried."""

    QUOTES = "quotes"
    BALANCE = "balance"
    ORDERS = "orders"  # reads the order list: who may do that and the balance may order by the same key
    BUYABLE = "buyable"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Inspection:
    """`failure`: why the account cannot be used by this key, as a code; "": it can. `found`: by permission, "" is yes."""

    failure: str
    found: dict[str, str]


def inspect(client: KisClient, tokens: Tokens, who: Credentials, today: date) -> Inspection:
    """Ask for a token, then for each thing once. What cannot be asked for the token's sake is left out."""
    try:
        tokens.current()
    except TokenUnavailable as e:
        return Inspection(_fault(e.told), {})
    questions: dict[Permission, Callable[[], str]] = {
        Permission.QUOTES: lambda: _asked(client, calls.price(ASKED_FOR, who.environment)),
        Permission.BALANCE: lambda: _asked(client, calls.balance(who)),
        Permission.ORDERS: lambda: _asked(client, calls.orders(today, today, who)),
        Permission.BUYABLE: lambda: _asked(client, calls.buyable(who)),
        Permission.STREAM: lambda: _streams(tokens),
    }
    found = {str(permission): ask() for permission, ask in questions.items()}
    needed = (Permission.BALANCE, Permission.ORDERS, Permission.BUYABLE)
    return Inspection(next((found[each] for each in needed if found[each]), ""), found)


def _asked(client: KisClient, call: Call) -> str:
    """ "" where KIS answers, else why not."""
    try:
        reply = client.read(call)
    except ReadIncomplete:
        return UNREACHABLE
    if is_nothing_found(reply):
        return ""
    try:
        told(reply)
    except Garbled:
        code = code_of(reply)
        return FAULTS.get(code, REFUSED if code else UNREACHABLE)
    return ""


def _streams(tokens: Tokens) -> str:
    try:
        tokens.current(TokenKind.APPROVAL)
    except TokenUnavailable as e:
        return _fault(e.told)
    return ""


def _fault(code: str) -> str:
    return FAULTS.get(code, REFUSED) if code else UNREACHABLE
