"""What keeps a pending order from leaving at the last moment: it was let through when placed, and much has moved since."""

from brokers.protocol import Abilities, Division
from markets import services as markets
from markets.services import Moment
from markets.types import Side
from trading import latches
from trading.models import Order
from trading.risk import Denial
from trading.services.ordering.checks import closed_denial
from trading.services.safeguards import halts, limits
from trading.services.settling import differences


def denial_for(order: Order, present: Moment, venue: Abilities) -> Denial | None:
    """Why a `locked` pending order must not be sent now, or None. Call inside the claim's transaction, latches last."""
    return _wishes(order, present) or _market(order, present) or _rules(order, present, venue)


def _wishes(order: Order, present: Moment) -> Denial | None:
    if order.cancel_requested:
        return Denial("canceled_by_person", {})
    if order.expires_at is not None and present.at >= order.expires_at:
        return Denial("expired_before_sending", {})
    return None


def _market(order: Order, present: Moment) -> Denial | None:
    """The same codes as when an order is placed."""
    facts = {"instrument": order.instrument.key}
    if closed := closed_denial(order.instrument, Division(order.division), present):
        return closed
    quote = markets.latest_quote(order.instrument)
    if quote is None:
        return Denial("no_price", facts)
    return Denial("stale_price", facts) if markets.quote_is_stale(quote) else None


def _rules(order: Order, present: Moment, venue: Abilities) -> Denial | None:
    reduces = latches.reduces(Side(order.side))
    if venue.has_wire and not reduces and differences.blocks_entry(order.broker_account_id, order.instrument.key):
        return Denial("position_difference", {"instrument": order.instrument.key})
    return limits.denial_at_claim(order, present) or halts.denial_for(order, reduces=reduces)
