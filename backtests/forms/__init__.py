"""What people may type about backtests."""

from backtests.forms.runs import RunForm, again, blank, typed
from backtests.forms.sweeps import SweepForm
from backtests.forms.uploads import UploadForm

__all__ = ["RunForm", "SweepForm", "UploadForm", "again", "blank", "typed"]
