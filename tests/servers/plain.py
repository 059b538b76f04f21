"""The adapter that speaks to the hostile broker, as a real one speaks to its venue: the same wire, the same allow-list.

Which of the two forms it speaks is the account's `broker`: "plain" keeps no client id, "plainid" does.
"""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from brokers.errors import BrokerNotConfigured, OutcomeUnknown, ReadIncomplete
from brokers.models import BrokerAccount
from brokers.protocol import (
    Abilities,
    CancelReply,
    FillReport,
    Holdings,
    ListedOrder,
    MaySend,
    OrderReport,
    OrderRequest,
    OrderType,
    ReportStatus,
    TimeInForce,
    always,
)
from brokers.wire.classify import Classifier, as_report
from brokers.wire.client import WireClient
from brokers.wire.messages import Reply, Request
from brokers.wire.values import Garbled, json_object, moment, not_negative, number, positive, rows, text
from markets.types import Side
from tests.servers.control import URL_NAME

MUTANT_NAME = "KAIROS_TEST_MUTANT"
READS_500_AS_REFUSAL = "500-is-refusal"  # a blunder on purpose: a check that does not find it is blind
MOST_PAGES = 2000
KEY_PARTS = ("day", "branch", "number")
KEY = re.compile(r"[0-9]{8}-[0-9]{5}-[0-9]{10}")

PLAIN = Abilities(
    client_order_id=False,
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
    times_in_force=frozenset({TimeInForce.DAY, TimeInForce.IOC}),
)
PLAIN_WITH_ID = Abilities(
    client_order_id=True,
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
    times_in_force=frozenset(TimeInForce),
)
ABILITIES = {"plain": PLAIN, "plainid": PLAIN_WITH_ID}

# "duplicate_client_id" is missing on purpose: it says that an order of that id is in the book.
REFUSED = frozenset((400, code) for code in ("no_cash", "no_units", "no_price", "no_account", "bad_order"))
CLASSIFIER = Classifier(
    key_at=tuple((part,) for part in KEY_PARTS),
    key_shape=KEY,
    code_at=("code",),
    refused=REFUSED,
    retryable=frozenset({(429, "rate_limited")}),
    success=(("code",), "ok"),
)
CANCELS = {
    (200, "confirmed"): CancelReply.CONFIRMED,
    (200, "taken"): CancelReply.TAKEN,
    (400, "too_late"): CancelReply.REFUSED,
    (400, "unknown_order"): CancelReply.REFUSED,
    (429, "rate_limited"): CancelReply.REFUSED,
}
STATUSES = {
    "working": ReportStatus.ACCEPTED,
    "filled": ReportStatus.ACCEPTED,
    "canceled": ReportStatus.CANCELED,
    "expired": ReportStatus.EXPIRED,
}


class PlainBroker:
    """One account at the hostile broker."""

    def __init__(self, http: WireClient, account: str, abilities: Abilities) -> None:
        self._http = http
        self._account = account
        self.abilities = abilities

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        reply = self._http.send_once(self._order_request(order), may_send)
        if reply.status >= 500 and os.environ.get(MUTANT_NAME) == READS_500_AS_REFUSAL:
            return OrderReport(ReportStatus.REJECTED, reason="internal")
        return as_report(CLASSIFIER.judge(reply))

    def cancel(self, order: OrderRequest, broker_order_key: str) -> CancelReply:
        body = orjson.dumps({"account": self._account, "key": broker_order_key})
        reply = self._http.send_once(Request("POST", "/cancels", {"X-Order": str(order.id)}, body))
        try:
            return CANCELS[reply.status, text(json_object(reply.body).get("code"))]
        except (Garbled, KeyError):
            raise OutcomeUnknown(f"cancel: HTTP {reply.status}") from None

    def orders(self, since: datetime) -> list[ListedOrder]:
        found: dict[str, ListedOrder] = {}
        after = ""
        for _page in range(MOST_PAGES):
            query = urlencode({"account": self._account, "since": since.isoformat(), "after": after})
            page = self._read(f"/orders?{query}")
            try:
                for listed in (listed_order(row) for row in rows(page.get("rows"))):
                    found[listed.key] = _newer(found.get(listed.key), listed)
                    after = listed.key
                is_end = _flag(page.get("end"))
            except Garbled as e:
                raise ReadIncomplete(f"order list: {e}") from e
            if is_end:
                return list(found.values())
        raise ReadIncomplete(f"order list: no end after {MOST_PAGES} pages")

    def find(self, order: OrderRequest) -> ListedOrder | None:
        if not self.abilities.client_order_id:
            return None
        told = self._read(f"/orders/{quote(order.client_id, safe='')}?{urlencode({'account': self._account})}")
        if told.get("code") == "not_found":
            return None
        try:
            listed = listed_order(told.get("order"))
        except Garbled as e:
            raise ReadIncomplete(f"order by id: {e}") from e
        if listed.client_id != order.client_id:
            raise ReadIncomplete("order by id: another order was told")
        return listed

    def holdings(self) -> Holdings:
        told = self._read(f"/holdings?{urlencode({'account': self._account})}")
        try:
            return holdings_of(told)
        except Garbled as e:
            raise ReadIncomplete(f"holdings: {e}") from e

    def _order_request(self, order: OrderRequest) -> Request:
        body: dict[str, Any] = {
            "account": self._account,
            "instrument": order.instrument,
            "side": order.side.value,
            "quantity": format(order.quantity, "f"),
            "type": order.order_type.value,
            "limit_price": None if order.limit_price is None else format(order.limit_price, "f"),
            "time_in_force": order.time_in_force.value,
        }
        if self.abilities.client_order_id:
            body["client_id"] = order.client_id
        # The header is for the checkers alone: the venue writes it down and never tells it.
        return Request("POST", "/orders", {"X-Order": str(order.id)}, orjson.dumps(body))

    def _read(self, target: str) -> dict[str, Any]:
        """A reply of HTTP 200 whose code is known. Raises ReadIncomplete."""
        reply: Reply = self._http.read(Request("GET", target))
        try:
            told = json_object(reply.body)
        except Garbled as e:
            raise ReadIncomplete(f"HTTP {reply.status}: {e}") from e
        if reply.status != 200 or told.get("code") not in {"ok", "not_found"}:
            raise ReadIncomplete(f"HTTP {reply.status}")
        return told


def open_account(account: BrokerAccount) -> PlainBroker:
    """Raises BrokerNotConfigured where nobody said where the hostile broker is."""
    url = os.environ.get(URL_NAME)
    if not url:
        raise BrokerNotConfigured(f"{URL_NAME} is not set")
    return PlainBroker(WireClient(f"{url}/{account.broker}"), str(account.pk), ABILITIES[account.broker])


def holdings_of(told: Mapping[str, Any]) -> Holdings:
    """Cash and units as told, to the list's end. Raises Garbled."""
    cash, units = told.get("cash"), rows(told.get("units"))
    if not isinstance(cash, dict) or not _flag(told.get("end")):
        raise Garbled("no cash, or no end")
    return Holdings(
        cash={currency: number(amount) for currency, amount in cash.items()},
        units={text(row.get("instrument")): positive(row.get("quantity")) for row in units},
        average_price={text(row.get("instrument")): not_negative(row.get("average_price")) for row in units},
    )


def listed_order(row: Any) -> ListedOrder:
    """One row of the list. Raises Garbled."""
    if not isinstance(row, Mapping):
        raise Garbled("no row")
    key = "-".join(text(row.get(part)) for part in KEY_PARTS)
    limit = row.get("limit_price")
    try:
        side, order_type, status = Side(row["side"]), OrderType(row["type"]), STATUSES[row["status"]]
    except (KeyError, ValueError, TypeError):
        raise Garbled("an unknown word") from None
    if not KEY.fullmatch(key):
        raise Garbled("no order key")
    return ListedOrder(
        key=key,
        client_id=text(row.get("client_id", "")),
        instrument=text(row.get("instrument")),
        side=side,
        quantity=positive(row.get("quantity")),
        order_type=order_type,
        limit_price=None if limit is None else positive(limit),
        ordered_at=moment(row.get("at")),
        status=status,
        filled_quantity=not_negative(row.get("filled_quantity")),
        filled_amount=not_negative(row.get("filled_amount")),
        fills=tuple(_fill(key, each) for each in rows(row.get("executions", []))),
        raw={"status": text(row.get("status")), "filled": text(row.get("filled_quantity"))},
    )


def _fill(key: str, row: Mapping[str, Any]) -> FillReport:
    return FillReport(
        key=f"{key}:{text(row.get('id'))}",
        quantity=positive(row.get("quantity")),
        price=positive(row.get("price")),
        amount=positive(row.get("amount")),
        fee=not_negative(row.get("fee")),
        tax=not_negative(row.get("tax")),
        at=moment(row.get("at")),
    )


def _newer(before: ListedOrder | None, listed: ListedOrder) -> ListedOrder:
    """Of one order told twice, what was told last of it: it may have filled between two pages. Raises Garbled."""
    if before is None:
        return listed
    same = ("instrument", "side", "quantity", "order_type", "limit_price", "ordered_at", "client_id")
    if any(getattr(before, name) != getattr(listed, name) for name in same):
        raise Garbled("one key for two orders")
    return listed if listed.filled_quantity >= before.filled_quantity else before


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Garbled("no flag")
    return value
