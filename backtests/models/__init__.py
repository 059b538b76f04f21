"""What people tested, and the work that it takes."""

from backtests.models.jobs import ENDED, STATE_LABELS, Job, JobQuerySet
from backtests.models.runs import Backtest, BacktestQuerySet, BacktestResult, Companion, ResultPart, Scorecard
from backtests.models.sweeps import Sweep, SweepPart
from backtests.models.uploads import BarUpload, UploadedBars, UploadPiece

__all__ = [
    "ENDED",
    "STATE_LABELS",
    "Backtest",
    "BacktestQuerySet",
    "BacktestResult",
    "BarUpload",
    "Companion",
    "Job",
    "JobQuerySet",
    "ResultPart",
    "Scorecard",
    "Sweep",
    "SweepPart",
    "UploadPiece",
    "UploadedBars",
]
