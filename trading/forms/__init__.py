"""What people may type. Numbers are read exactly, and an error brings back what was typed."""

from trading.forms.accounts import MarketSpeedForm, ResetForm, TransferForm, VirtualAccountForm
from trading.forms.orders import EstimateForm, OrderChangeForm, OrderTicket
from trading.forms.plans import INTERVALS, PRESETS, SwingPlanForm, preset_values, sentence_language

__all__ = [
    "INTERVALS",
    "PRESETS",
    "EstimateForm",
    "MarketSpeedForm",
    "OrderChangeForm",
    "OrderTicket",
    "ResetForm",
    "SwingPlanForm",
    "TransferForm",
    "VirtualAccountForm",
    "preset_values",
    "sentence_language",
]
