"""The virtual brokerage: it accepts what our own checks let through, and fills come from matching against the live market."""

from datetime import datetime, timedelta

from brokers.protocol import (
    Abilities,
    CancelReply,
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

ABILITIES = Abilities(
    client_order_id=True,
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
    times_in_force=frozenset(TimeInForce),
    has_wire=False,
    settle=timedelta(0),
    reads_needed=1,
    read_spacing=timedelta(0),
)


class VirtualBroker:
    """A brokerage with no wire. Resting orders are our own rows; `trading.services.match_virtual` fills them (design.md)."""

    abilities = ABILITIES

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        """Accept. Asked twice for one order it gives the same answer: its key is made from our id."""
        return OrderReport(ReportStatus.ACCEPTED, broker_order_key=_key(order))

    def cancel(self, order: OrderRequest, broker_order_key: str) -> CancelReply:
        return CancelReply.CONFIRMED

    def orders(self, since: datetime) -> list[ListedOrder]:
        """None: it has no books beside ours, so nothing can differ."""
        return []

    def find(self, order: OrderRequest) -> ListedOrder | None:
        """What became of an order nobody is sure about: it never needs a wire, so it is simply here."""
        return ListedOrder(
            key=_key(order),
            client_id=order.client_id,
            instrument=order.instrument,
            side=order.side,
            quantity=order.quantity,
            order_type=order.order_type,
            limit_price=order.limit_price,
            ordered_at=order.claimed_at,
            status=ReportStatus.ACCEPTED,
        )

    def holdings(self) -> Holdings:
        return Holdings(cash={}, units={})


def open_account(_account: object) -> VirtualBroker:
    return VirtualBroker()


def _key(order: OrderRequest) -> str:
    return f"V-{order.client_id}"
