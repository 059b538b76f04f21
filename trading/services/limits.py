"""Pre-trade limits (reliability.md §3.12): data per scope, checked when an order is placed and again when it is claimed."""

from decimal import Decimal

from markets.models import LatestQuote
from markets.services import Moment
from trading.models import Order
from trading.risk import Denial
from trading.services.asked import Asked


def denial_for(asked: Asked, quote: LatestQuote, present: Moment, worst_price: Decimal) -> Denial | None:
    """The first limit this wish would break, with its numbers, or None. Call under the account's lock."""
    return None


def denial_at_claim(order: Order, present: Moment) -> Denial | None:
    """The first limit that the order, let through when it was placed, would break now: limits, losses and prices move."""
    return None
