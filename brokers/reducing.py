"""A broker that reads and calls back, and takes nothing new: what rests at a venue can be withdrawn whatever is forbidden."""

from datetime import datetime

from brokers.errors import LiveTradingOff
from brokers.protocol import (
    Abilities,
    Broker,
    CancelReply,
    Holdings,
    ListedOrder,
    MaySend,
    OrderReport,
    OrderRequest,
    ReportStatus,
    always,
)


class Reducing:
    """Another broker less its new orders: the last of several walls, for such an order is refused before it gets here."""

    why = LiveTradingOff.code

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def abilities(self) -> Abilities:
        return self._broker.abilities

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        return OrderReport(ReportStatus.REJECTED, reason=self.why)

    def cancel(self, order: OrderRequest, broker_order_key: str) -> CancelReply:
        return self._broker.cancel(order, broker_order_key)

    def orders(self, since: datetime) -> list[ListedOrder]:
        return self._broker.orders(since)

    def find(self, order: OrderRequest) -> ListedOrder | None:
        return self._broker.find(order)

    def holdings(self) -> Holdings:
        return self._broker.holdings()
