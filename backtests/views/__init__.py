"""The pages of backtests, one module per subject."""

from backtests.views.compare import compare
from backtests.views.exports import equity_csv, fills_csv, report_html, result_json, trades_csv
from backtests.views.forms import parameters, run_again, run_new, stored
from backtests.views.runs import chart, run_cancel, run_delete, run_detail, run_list, run_scorecard
from backtests.views.sweeps import (
    sweep_cancel,
    sweep_delete,
    sweep_detail,
    sweep_list,
    sweep_new,
    sweep_parameters,
)
from backtests.views.uploads import upload_delete, upload_detail, upload_list

__all__ = [
    "chart",
    "compare",
    "equity_csv",
    "fills_csv",
    "parameters",
    "report_html",
    "result_json",
    "run_again",
    "run_cancel",
    "run_delete",
    "run_detail",
    "run_list",
    "run_new",
    "run_scorecard",
    "stored",
    "sweep_cancel",
    "sweep_delete",
    "sweep_detail",
    "sweep_list",
    "sweep_new",
    "sweep_parameters",
    "trades_csv",
    "upload_delete",
    "upload_detail",
    "upload_list",
]
