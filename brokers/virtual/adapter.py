"""The virtual brokerage: it accepts what our own checks let through, and fills come from matching against the live market."""

from brokers.protocol import OrderReport, OrderRequest, ReportStatus


class VirtualBroker:
    """A brokerage with no wire. Resting orders are our own rows; `trading.services.match_virtual` fills them (design.md)."""

    def submit(self, order: OrderRequest) -> OrderReport:
        """Accept. Asked twice for one order it gives the same answer: its key is made from our id."""
        return OrderReport(ReportStatus.ACCEPTED, broker_order_key=_key(order))

    def cancel(self, order: OrderRequest, broker_order_key: str) -> OrderReport:
        return OrderReport(ReportStatus.CANCELED, broker_order_key=broker_order_key, reason="canceled_by_person")

    def find(self, order: OrderRequest) -> OrderReport:
        """What became of an order nobody is sure about: it never needs a wire, so it is simply here."""
        return OrderReport(ReportStatus.ACCEPTED, broker_order_key=_key(order))


def _key(order: OrderRequest) -> str:
    return f"V-{order.client_id}"
