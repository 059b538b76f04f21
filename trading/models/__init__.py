"""Orders and what became of them, the ledger, the plans, what brokers listed, and what keeps one writer on the wire."""

from trading.models.defaults import AliasDefaults
from trading.models.ledger import Balance, Journal, Posting
from trading.models.operations import Lease, Pulse
from trading.models.order_facts import Fill, OrderAttempt, OrderEvent
from trading.models.orders import Order
from trading.models.plans import PlanEvaluation, SignalStep, SwingPlan
from trading.models.reconciliation import AccountReading, BrokerOrder, PositionDifference
from trading.models.requests import IdempotencyKey, OrderChange
from trading.models.safety import Alert, BooksCheck, Halt, RiskLimit, System

__all__ = [
    "AccountReading",
    "Alert",
    "AliasDefaults",
    "Balance",
    "BooksCheck",
    "BrokerOrder",
    "Fill",
    "Halt",
    "IdempotencyKey",
    "Journal",
    "Lease",
    "Order",
    "OrderAttempt",
    "OrderChange",
    "OrderEvent",
    "PlanEvaluation",
    "PositionDifference",
    "Posting",
    "Pulse",
    "RiskLimit",
    "SignalStep",
    "SwingPlan",
    "System",
]
