"""What trading does, as verbs. Pages, API, tasks and commands call these and nothing below them."""

from trading.services.ledger.resets import reset_account
from trading.services.ledger.statements import all_entries, all_fills, all_orders, statement, statement_entries
from trading.services.ledger.transfers import deposit, pay_in, pay_out, withdraw, withdrawable
from trading.services.ordering.cancels import Canceled, cancel_all, cancel_order, cancelable
from trading.services.ordering.changes import carry_out_changes, change_order, changeable
from trading.services.ordering.estimates import Estimate, estimate_order
from trading.services.ordering.matching import expire_day_orders, instruments_with_resting_orders, match_virtual
from trading.services.ordering.orders import place_order
from trading.services.ordering.sending import DISPATCH
from trading.services.ordering.stops import expire_waiting, trigger_by, trigger_due, trigger_stops
from trading.services.ordering.verdicts import objection_to
from trading.services.planning.evaluation import evaluate_due, evaluate_plan
from trading.services.planning.plan_stops import Stopped, stop_plan
from trading.services.planning.plans import edit_plan, evaluate_plan_now, pause_plan, register_plan, resume_plan
from trading.services.running.leases import acquire, give_back, holder_name, pulse
from trading.services.settling.reports import apply_report
from trading.services.valuation.accounts import (
    Portfolio,
    PositionView,
    open_virtual_account,
    portfolio,
    portfolios,
    positions_in,
)

__all__ = [
    "DISPATCH",
    "Canceled",
    "Estimate",
    "Portfolio",
    "PositionView",
    "Stopped",
    "acquire",
    "all_entries",
    "all_fills",
    "all_orders",
    "apply_report",
    "cancel_all",
    "cancel_order",
    "cancelable",
    "carry_out_changes",
    "change_order",
    "changeable",
    "deposit",
    "edit_plan",
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
    "objection_to",
    "open_virtual_account",
    "pause_plan",
    "pay_in",
    "pay_out",
    "place_order",
    "portfolio",
    "portfolios",
    "positions_in",
    "pulse",
    "register_plan",
    "reset_account",
    "resume_plan",
    "statement",
    "statement_entries",
    "stop_plan",
    "trigger_by",
    "trigger_due",
    "trigger_stops",
    "withdraw",
    "withdrawable",
]
