"""What people tested, and the work that it takes."""

from backtests.models.jobs import ENDED, STATE_LABELS, Job, JobQuerySet
from backtests.models.runs import Backtest, BacktestQuerySet, BacktestResult, Scorecard
from backtests.models.sweeps import Sweep, SweepPart
from backtests.models.uploads import BarUpload, UploadedBars, UploadPiece

__all__ = [
    "ENDED",
    "STATE_LABELS",
    "Backtest",
    "BacktestQuerySet",
    "BacktestResult",
    "BarUpload",
    "Job",
    "JobQuerySet",
    "Scorecard",
    "Sweep",
    "SweepPart",
    "UploadPiece",
    "UploadedBars",
]
