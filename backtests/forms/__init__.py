"""What people may type about backtests."""

from backtests.forms.runs import RunForm, again, blank, of_other_strategy, typed
from backtests.forms.sweeps import SweepForm
from backtests.forms.uploads import UploadForm

__all__ = ["RunForm", "SweepForm", "UploadForm", "again", "blank", "of_other_strategy", "typed"]
