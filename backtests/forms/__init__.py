"""What people may type about backtests."""

from backtests.forms.runs import RunForm, again, blank, typed
from backtests.forms.uploads import UploadForm

__all__ = ["RunForm", "UploadForm", "again", "blank", "typed"]
