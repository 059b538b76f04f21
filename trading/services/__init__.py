"""What trading does, as verbs. Pages, API, tasks and commands call these and nothing below them."""

from trading.services.accounts import (
    Portfolio,
    PositionView,
    open_virtual_account,
    portfolio,
    positions_in,
    statement,
)
from trading.services.books import deposit, withdraw
from trading.services.evaluation import evaluate_due, evaluate_plan
from trading.services.leases import acquire, give_back, holder_name, pulse
from trading.services.matching import expire_day_orders, instruments_with_resting_orders, match_virtual
from trading.services.orders import Estimate, cancel_order, cancelable, estimate_order, place_order
from trading.services.plans import evaluate_plan_now, pause_plan, register_plan, resume_plan
from trading.services.reports import apply_report
from trading.services.sending import DISPATCH

__all__ = [
    "DISPATCH",
    "Estimate",
    "Portfolio",
    "PositionView",
    "acquire",
    "apply_report",
    "cancel_order",
    "cancelable",
    "deposit",
    "estimate_order",
    "evaluate_due",
    "evaluate_plan",
    "evaluate_plan_now",
    "expire_day_orders",
    "give_back",
    "holder_name",
    "instruments_with_resting_orders",
    "match_virtual",
    "open_virtual_account",
    "pause_plan",
    "place_order",
    "portfolio",
    "positions_in",
    "pulse",
    "register_plan",
    "resume_plan",
    "statement",
    "withdraw",
]
