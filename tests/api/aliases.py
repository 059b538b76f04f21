"""The literal addresses, taken from the requirements themselves, and what is sent to each and must come back."""

import re
from pathlib import Path
from typing import Any, NamedTuple

REQUIREMENTS = Path(__file__).resolve().parents[3] / "shared" / "requirements.md"
# Each with its requirement's id and why it waits.
SECOND_WAVE: dict[str, str] = {}
SOCKETS = {"/kis_socket"}  # walked by tests.api.alias_walk over a real socket, and by tests/trading/test_kis_socket.py

_ROW = re.compile(r"^\| ([A-Z]\d\d) \| (.*?) \|")
_SPAN = re.compile(r"([,;·]?)[^`,;·]*`([^`]*)`")
_ADDRESS = re.compile(r"^(?:(GET|POST|PUT|PATCH|DELETE|WebSocket) )?(/[^\s`]*)")


class Alias(NamedTuple):
    """One literal address: `path` with its placeholders as the requirements write them."""

    id: str
    method: str
    path: str


def aliases() -> list[Alias]:
    """Every literal address of the requirements, once each, in their order."""
    found: dict[tuple[str, str], Alias] = {}
    for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        row = _ROW.match(line)
        if row is None or row[1].startswith("C"):
            continue
        for alias in _addresses(row[1], row[2]):
            found.setdefault((alias.method, alias.path), alias)
    return list(found.values())


def _addresses(row_id: str, text: str) -> list[Alias]:
    found: list[Alias] = []
    for separator, span in _SPAN.findall(text):
        address = _ADDRESS.match(span)
        if address is None:
            continue
        method = address[1] or (found[-1].method if found else "GET")
        path = address[2].rstrip(",")
        if separator == "," and not address[1] and found and path.count("/") == 1:
            path = found[-1].path.rpartition("/")[0] + path  # "`/trading/balance`, `/positions`": beside it
        found.append(Alias(row_id, method, path))
    return found


class Sent(NamedTuple):
    """What is sent to an alias, and what must come back: the status and at least these keys."""

    status: int
    keys: set[str]
    body: dict[str, Any] | None = None
    query: str = ""
    signed_in: bool = True


PERSON = {"email": "somebody@example.com", "password": "pass phrase for tests"}
NEWCOMER = {"email": "newcomer@example.com", "password": "pass phrase for tests"}
TOKENS = {"access_token", "token_type", "refresh_token"}
ORDER = {"symbol": "005930", "side": "BUY", "order_type": "LIMIT", "quantity": 1, "price": 70500}
KEYS = {
    "account_number": "1234567801",
    "api_key": "PSabcdefghijklmnopqrstuvwxyz01234567",
    "secret_key": "c2VjcmV0" * 20,
}
OTHER_KEYS = KEYS | {"account_number": "8765432101", "api_key": "PSzyxwvutsrqponmlkjihgfedcba01234567"}
SWING = {"short_term": 5, "medium_term": 20, "long_term": 60}
SWING |= {"rsi_threshold": 30, "adx_threshold": 25, "obv_threshold": 1000}
HEALTHY = {"status"}
PAGE = {"results", "next_cursor"}

EXPECTED: dict[tuple[str, str], Sent] = {
    ("POST", "/auth/register"): Sent(201, {"message"}, NEWCOMER, signed_in=False),
    ("POST", "/api/v1/auth/register"): Sent(201, {"message"}, NEWCOMER, signed_in=False),
    ("POST", "/users/register"): Sent(201, {"message"}, NEWCOMER, signed_in=False),
    ("POST", "/auth/login"): Sent(200, TOKENS, PERSON, signed_in=False),
    ("POST", "/api/v1/auth/login"): Sent(200, TOKENS, PERSON, signed_in=False),
    ("POST", "/users/login"): Sent(200, TOKENS, PERSON, signed_in=False),
    ("POST", "/api/v1/auth/refresh"): Sent(200, TOKENS, {"refresh_token": "{refresh_token}"}, signed_in=False),
    ("GET", "/api/v1/auth/me"): Sent(200, {"id", "email", "is_active", "is_2fa_enabled", "created_at", "updated_at"}),
    ("POST", "/account/save_keys"): Sent(201, {"message"}, OTHER_KEYS | {"exchange": "kis", "name": "second"}),
    ("POST", "/accounts/register"): Sent(201, {"message"}, KEYS),
    ("GET", "/realtime/ohlc/{stock_code}"): Sent(200, {"status", "data"}, query="?bar_size=1Min"),
    ("GET", "/realtime/strategy-data"): Sent(200, {"status", "data"}),
    ("GET", "/account/balance"): Sent(200, {"cash_available", "currency"}),
    ("GET", "/account/positions"): Sent(200, {"results"}),
    ("GET", "/api/v1/trading/balance"): Sent(200, {"cash_available", "currency"}),
    ("GET", "/api/v1/trading/positions"): Sent(200, {"results"}),
    ("GET", "/accounts/balance"): Sent(200, {"cash_balance", "stock_balance"}),
    ("POST", "/order/submit"): Sent(201, {"message", "order_id"}, ORDER),
    ("GET", "/order/history"): Sent(200, PAGE),
    ("POST", "/api/v1/trading/order"): Sent(201, {"message", "order_id"}, ORDER),
    ("DELETE", "/api/v1/trading/order/{symbol}/{order_id}"): Sent(202, {"message", "order_id"}),
    ("POST", "/api/v1/trading/leverage/{symbol}"): Sent(
        200, {"message", "symbol", "leverage", "max_leverage"}, {"leverage": 1}
    ),
    ("POST", "/ai_strategy/generate"): Sent(
        200, {"status", "spec", "sentences"}, {"prompt": "RSI가 과매도에서 돌아서면 매수, 손절 5%"}
    ),
    ("POST", "/stocks/order"): Sent(
        201, {"message", "order_id"}, {"stock_code": "005930", "order_type": "buy", "quantity": 1}
    ),
    ("POST", "/orders"): Sent(201, {"message", "order_id"}, ORDER),
    ("POST", "/swing/register"): Sent(201, {"message"}, SWING),
    ("GET", "/swing/status"): Sent(200, {"status", "signal", "last_updated", "signal_code"}),
    ("POST", "/backtest/start"): Sent(202, {"message", "id"}, {"symbol": "005930", "strategy": "swing"}),
    ("GET", "/backtest/result/{id}"): Sent(200, {"id", "status", "result"}),
    ("GET", "/backtest/history"): Sent(200, PAGE),
    ("GET", "/health"): Sent(200, HEALTHY, signed_in=False),
    ("GET", "/health/db"): Sent(200, HEALTHY, signed_in=False),
    ("GET", "/health/ready"): Sent(503, HEALTHY, signed_in=False),  # 200 once all processes run; here none does
    ("GET", "/health/live"): Sent(200, HEALTHY, signed_in=False),
    ("GET", "/"): Sent(200, {"name"}, signed_in=False),
    ("GET", "/api/docs"): Sent(200, set(), signed_in=False),
    ("GET", "/docs"): Sent(200, set(), signed_in=False),
    ("GET", "/redoc"): Sent(200, set(), signed_in=False),
}
