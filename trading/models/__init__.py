"""Orders and what became of them, the ledger, the plans, and the leases that keep one writer on the wire."""

from trading.models.ledger import Balance, Journal, Posting
from trading.models.operations import Lease, Pulse
from trading.models.orders import Fill, Order, OrderAttempt, OrderEvent
from trading.models.plans import PlanEvaluation, SignalStep, SwingPlan

__all__ = [
    "Balance",
    "Fill",
    "Journal",
    "Lease",
    "Order",
    "OrderAttempt",
    "OrderEvent",
    "PlanEvaluation",
    "Posting",
    "Pulse",
    "SignalStep",
    "SwingPlan",
]
