"""What people may type. Numbers are read exactly, and an error brings back what was typed."""

from trading.forms.accounts import MarketSpeedForm, ResetForm, TransferForm, VirtualAccountForm
from trading.forms.orders import EstimateForm, OrderChangeForm, OrderTicket
from trading.forms.plan_library import LibraryPlanForm, edit_form, new_form, picked_form
from trading.forms.plan_terms import INTERVALS, PlanTermsForm, sentence_language
from trading.forms.plans import PRESETS, SwingPlanForm, preset_values

__all__ = [
    "INTERVALS",
    "PRESETS",
    "EstimateForm",
    "LibraryPlanForm",
    "MarketSpeedForm",
    "OrderChangeForm",
    "OrderTicket",
    "PlanTermsForm",
    "ResetForm",
    "SwingPlanForm",
    "TransferForm",
    "VirtualAccountForm",
    "edit_form",
    "new_form",
    "picked_form",
    "preset_values",
    "sentence_language",
]
