"""Korea Investment & Securities, domestic cash stocks, real and practice: our words outside, the dialect in `mapping`."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.errors import NotSent, OutcomeUnknown, ReadIncomplete
from brokers.kis import calls, codes, mapping
from brokers.kis.budget import Budget
from brokers.kis.calls import Call, Unsendable
from brokers.kis.client import KisClient
from brokers.kis.credentials import Credentials
from brokers.kis.divisions import CODES, PAPER_CODES
from brokers.kis.envelope import page, told
from brokers.kis.instants import korean_day
from brokers.kis.mapping import Buyable, OrderKey
from brokers.kis.tokens import Clock, Tokens, TokenStore
from brokers.protocol import (
    Abilities,
    CancelReply,
    Environment,
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
from brokers.wire.classify import Accepted
from brokers.wire.client import WireClient
from brokers.wire.values import Garbled, rows

MOST_PAGES = 300
LONGEST_LIST = timedelta(days=85)  # the service of the last three months; what is older has another
ORDER_ROWS = {Environment.LIVE: 100, Environment.PAPER: 15}
BALANCE_ROWS = {Environment.LIVE: 50, Environment.PAPER: 20}
CHANGEABLE_ROWS = 50

ABILITIES = {
    Environment.LIVE: Abilities(
        client_order_id=False,
        order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
        times_in_force=frozenset({TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK}),
        divisions=frozenset(kind.division for kind in CODES),
    ),
    Environment.PAPER: Abilities(
        client_order_id=False,
        order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
        times_in_force=frozenset({TimeInForce.DAY}),
        divisions=frozenset(kind.division for kind in PAPER_CODES),
    ),
}


class KisBroker:
    """One account. `clock` is the venue's day and time, aware."""

    def __init__(self, client: KisClient, who: Credentials, clock: Clock) -> None:
        self._client = client
        self._who = who
        self._clock = clock
        self.abilities = ABILITIES[who.environment]

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        try:
            call = calls.order(order, self._who)
        except Unsendable as e:
            return OrderReport(ReportStatus.REJECTED, reason=e.code)
        verdict = codes.judge(self._client.send_once(call, may_send))
        if isinstance(verdict, Accepted):
            verdict = Accepted(self._key(verdict.key), verdict.raw)
        return codes.report(verdict)

    def cancel(self, order: OrderRequest, broker_order_key: str) -> CancelReply:
        try:
            key = OrderKey.read(broker_order_key)
            call = calls.withdrawal(order, key.branch, key.number, self._who)
        except (Garbled, Unsendable) as e:
            raise NotSent(f"cancel: {e}") from e
        if key.on != korean_day(self._clock()):
            return CancelReply.REFUSED  # its number is another order's today
        return codes.judge_cancel(self._client.send_once(call))

    def modify(
        self, order: OrderRequest, broker_order_key: str, units: Decimal | None = None, may_send: MaySend = always
    ) -> OrderReport:
        """KIS's own change: what is left of an order, or `units` of it, becomes `order`, and is another order from then on.

        Accepted, with the new order's key; rejected, and the order stands as it was, if it has not just filled. Raises
        NotSent and OutcomeUnknown as `submit`: then the list says which, for the new row names the old one. The order path
        cancels and places anew instead (docs/decisions/0017).
        """
        try:
            key = OrderKey.read(broker_order_key)
            call = calls.revision(order, key.branch, key.number, self._who, units)
        except (Garbled, Unsendable) as e:
            return OrderReport(ReportStatus.REJECTED, reason=e.code if isinstance(e, Unsendable) else "bad_order_key")
        if key.on != korean_day(self._clock()):
            return OrderReport(ReportStatus.REJECTED, reason="order_not_open")  # its number is another order's today
        reply = self._client.send_once(call, may_send)
        if codes.finds_nothing_to_change(reply):
            return OrderReport(ReportStatus.REJECTED, reason="order_not_open", raw={"code": codes.code_of(reply)})
        verdict = codes.judge(reply)
        if isinstance(verdict, Accepted):
            verdict = Accepted(self._key(verdict.key), verdict.raw)
        return codes.report(verdict)

    def orders(self, since: datetime) -> list[ListedOrder]:
        """KIS is asked by days. A list without an order of today is checked against what else shows one."""
        today = korean_day(self._clock())
        first = min(korean_day(since), today)
        if today - first > LONGEST_LIST:
            raise ReadIncomplete("order list: it does not reach back so far")
        try:
            told_rows = self._rows(calls.orders(first, today, self._who), "output1", ORDER_ROWS[self._who.environment])
            listed = mapping.listed_orders(told_rows, today)
            if not any(korean_day(each.ordered_at) == today for each in listed):
                self._refute_an_order_of_today()
        except Garbled as e:
            raise ReadIncomplete(f"order list: {e}") from e
        return [each for each in listed if each.ordered_at >= since]

    def find(self, order: OrderRequest) -> ListedOrder | None:
        """Never found: KIS keeps no id of ours."""
        return None

    def holdings(self) -> Holdings:
        try:
            return mapping.holdings(self._balance(), self.buyable())
        except Garbled as e:
            raise ReadIncomplete(f"balance: {e}") from e

    def buyable(self, instrument: str | None = None, limit_price: Decimal | None = None) -> Buyable:
        """What may be bought without debt. Raises ReadIncomplete, Unsendable."""
        try:
            return mapping.buyable(told(self._client.read(calls.buyable(self._who, instrument, limit_price))))
        except Garbled as e:
            raise ReadIncomplete(f"buyable: {e}") from e

    def open_days(self, first: date) -> dict[date, bool]:
        """Whether the market opens, by day from `first` on; at most once a day. Raises ReadIncomplete, NotOffered."""
        try:
            return mapping.open_days(told(self._client.read(calls.holidays(first, self._who.environment))))
        except Garbled as e:
            raise ReadIncomplete(f"holidays: {e}") from e

    def _key(self, told_key: str) -> str:
        try:
            return str(mapping.accepted_key(told_key, self._clock()))
        except Garbled as e:
            raise OutcomeUnknown(f"order: {e}") from e

    def _refute_an_order_of_today(self) -> None:
        """The practice server was seen to list none of today's orders. Raises Garbled where one shows elsewhere.

        Only orders at work are looked for: one that has filled moves cash and units, which whoever settles compares. What
        is pledged looks like an order here; such an account is rather not read than read wrongly.
        """
        is_live = self._who.environment is Environment.LIVE
        if is_live and self._rows(calls.changeable(self._who), "output", CHANGEABLE_ROWS):
            raise Garbled("no order of today, and one that could be changed")
        balance = self._balance()
        if mapping.sets_units_aside(balance):
            raise Garbled("no order of today, and units set aside for one")
        buyable = self.buyable()
        if buyable.cash + buyable.reusable < mapping.settled_cash(balance):
            raise Garbled("no order of today, and cash set aside for one")

    def _balance(self) -> list[Mapping[str, Any]]:
        return self._pages(calls.balance(self._who), "output1", BALANCE_ROWS[self._who.environment])

    def _rows(self, call: Call, rows_at: str, page_size: int) -> list[Mapping[str, Any]]:
        return [row for body in self._pages(call, rows_at, page_size) for row in rows(body.get(rows_at))]

    def _pages(self, call: Call, rows_at: str, page_size: int) -> list[Mapping[str, Any]]:
        """Every page to the last. Raises Garbled, ReadIncomplete."""
        bodies: list[Mapping[str, Any]] = []
        seen: set[tuple[str, str]] = set()
        for _page in range(MOST_PAGES):
            read = page(self._client.read(call), rows_at, page_size)
            bodies.append(read.body)
            if not read.has_more:
                return bodies
            place = (read.filter_key, read.next_key)
            if place in seen:
                raise Garbled("pages that go round in a circle")
            seen.add(place)
            call = call.after(*place)
        raise Garbled(f"no end after {MOST_PAGES} pages")


def connected(who: Credentials, rest_url: str, store: TokenStore, budget: Budget, clock: Clock) -> KisBroker:
    """The adapter over its own wire. Raises ValueError for a base URL that is neither https nor on this machine."""
    http = WireClient(rest_url)
    return KisBroker(KisClient(http, who, Tokens(http, who, store, clock), budget), who, clock)
