"""The kill switch: latches per scope, read in the transaction that claims an order. Strictest wins; time opens none."""

from trading.models import Order
from trading.risk import Denial


def denial_for(order: Order, *, reduces: bool) -> Denial | None:
    """Why a latch forbids sending this order now, or None. Call inside the claim's transaction: the latches stay as read.

    `reduces`: the order only makes a position smaller, which reduce-only latches let through.
    """
    return None
