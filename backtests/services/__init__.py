"""What pages, the API, commands and tasks ask of backtests."""

from backtests.services.asking import Asked, Beside
from backtests.services.bars import Stored, stored_of
from backtests.services.queue import is_due
from backtests.services.rules import ParametersRefused, Rule, bars_needed, offered, parameter_names, pick
from backtests.services.starting import cancel_run, delete_run, get_run, list_runs, start_run, start_scorecard
from backtests.services.sweeps import (
    Searched,
    Standing,
    cancel_sweep,
    delete_sweep,
    get_sweep,
    list_sweeps,
    results_of,
    standing,
    start_sweep,
    why_failed,
)
from backtests.services.uploads import delete_upload, forget_half_received, get_upload, list_uploads, receive
from backtests.services.working import work_once

__all__ = [
    "Asked",
    "Beside",
    "ParametersRefused",
    "Rule",
    "Searched",
    "Standing",
    "Stored",
    "bars_needed",
    "cancel_run",
    "cancel_sweep",
    "delete_run",
    "delete_sweep",
    "delete_upload",
    "forget_half_received",
    "get_run",
    "get_sweep",
    "get_upload",
    "is_due",
    "list_runs",
    "list_sweeps",
    "list_uploads",
    "offered",
    "parameter_names",
    "pick",
    "receive",
    "results_of",
    "standing",
    "start_run",
    "start_scorecard",
    "start_sweep",
    "stored_of",
    "why_failed",
    "work_once",
]
