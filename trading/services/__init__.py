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
from trading.services.cancels import Canceled, cancel_all, cancel_order, cancelable
from trading.services.changes import carry_out_changes, change_order, changeable
from trading.services.estimates import Estimate, estimate_order
from trading.services.evaluation import evaluate_due, evaluate_plan
from trading.services.leases import acquire, give_back, holder_name, pulse
from trading.services.matching import expire_day_orders, instruments_with_resting_orders, match_virtual
from trading.services.orders import place_order
from trading.services.plans import evaluate_plan_now, pause_plan, register_plan, resume_plan
from trading.services.reports import apply_report
from trading.services.sending import DISPATCH
from trading.services.stops import expire_waiting, trigger_by, trigger_due, trigger_stops

__all__ = [
    "DISPATCH",
    "Canceled",
    "Estimate",
    "Portfolio",
    "PositionView",
    "acquire",
    "apply_report",
    "cancel_all",
    "cancel_order",
    "cancelable",
    "carry_out_changes",
    "change_order",
    "changeable",
    "deposit",
    "estimate_order",
    "evaluate_due",
    "evaluate_plan",
    "evaluate_plan_now",
    "expire_day_orders",
    "expire_waiting",
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
    "trigger_by",
    "trigger_due",
    "trigger_stops",
    "withdraw",
]
