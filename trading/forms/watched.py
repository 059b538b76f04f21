"""Which instrument and bars a rule being written is tried on."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from markets.models import Instrument
from markets.types import Interval
from trading.forms.fields import InstrumentField
from trading.forms.plan_terms import INTERVALS

FIRST_INTERVAL = Interval.H1.value


class WatchedForm(forms.Form):
    """The bars a preview counts and draws; nothing of it belongs to the strategy."""

    instrument = InstrumentField(label=_("종목"))
    interval = forms.ChoiceField(label=_("간격"), choices=list(INTERVALS.items()))

    def __init__(self, typed: Any) -> None:
        super().__init__({f"preview.{key}": value for key, value in typed.items()})

    def add_prefix(self, field_name: str) -> str:
        """Named like every other field of the builder."""
        return f"preview.{field_name}"

    def watched(self) -> tuple[Instrument | None, Interval | None]:
        """None for what was not picked, or cannot be."""
        self.is_valid()
        asked = self.cleaned_data
        interval = asked.get("interval")
        return cast("Instrument | None", asked.get("instrument")), Interval(interval) if interval else None


def preview_form(typed: Any) -> WatchedForm:
    """The form as it was sent; before anybody picked, the first live instrument by the hour."""
    if typed:
        return WatchedForm(typed)
    first = Instrument.objects.active().live_first().first()
    return WatchedForm({"instrument": first.key if first else "", "interval": FIRST_INTERVAL})
