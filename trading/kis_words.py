"""The PRD's messages, read: `auth` with a token and a strategy, and subscriptions as KIS's own socket takes them. Pure."""

from dataclasses import dataclass, field
from typing import Any

from markets.executions import BOOKS, TRADES

LONGEST_FRAME = 8 * 1024
LONGEST_TOKEN = 4 * 1024
STRATEGIES = frozenset({"basic", "rsi"})
SUBSCRIBE, UNSUBSCRIBE = "1", "2"
VENUE = "KRX"
MOST_SYMBOL = 32


class BadMessage(Exception):
    """A message nobody acts on; `code` goes back."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Auth:
    token: str = field(repr=False)
    strategy: str


@dataclass(frozen=True, slots=True)
class Wish:
    """Begin or end one channel of one symbol."""

    channel: str
    symbol: str
    is_on: bool

    @property
    def key(self) -> str:
        """The instrument's key: KIS's symbols are KRX's."""
        return f"{VENUE}:{self.symbol}"


def asked(told: Any) -> Auth | Wish:
    """What one message asks. Raises BadMessage."""
    if not isinstance(told, dict):
        raise BadMessage("bad_request")
    if told.get("type") == "auth":
        return _auth(told)
    if "tr_type" in told:
        return _wish(told)
    raise BadMessage("bad_request")


def _auth(told: dict[str, Any]) -> Auth:
    token, strategy = told.get("token"), told.get("strategy_type", "basic")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN:
        raise BadMessage("token_missing")
    if not isinstance(strategy, str) or strategy not in STRATEGIES:
        raise BadMessage("unknown_strategy")
    return Auth(token.removeprefix("Bearer ").strip(), strategy)


def _wish(told: dict[str, Any]) -> Wish:
    kind, channel, symbol = (told.get(name) for name in ("tr_type", "tr_id", "st_code"))
    if kind not in (SUBSCRIBE, UNSUBSCRIBE):  # a tuple: what came may be a list or an object, which no set takes
        raise BadMessage("unknown_tr_type")
    if channel not in (TRADES, BOOKS):
        raise BadMessage("unknown_tr_id")
    if (
        not isinstance(symbol, str)
        or not 0 < len(symbol) <= MOST_SYMBOL
        or not symbol.isascii()
        or not symbol.isalnum()
    ):
        raise BadMessage("unknown_instrument")
    return Wish(channel, symbol, is_on=kind == SUBSCRIBE)
