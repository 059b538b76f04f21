"""What the market's pages read from a person."""

from django import forms
from django.utils.translation import gettext_lazy as _

from markets.types import Interval

THEMES = ("auto", "light", "dark")


class SearchForm(forms.Form):
    q = forms.CharField(label=_("종목 찾기"), required=False, max_length=64, strip=True)


class WatchForm(forms.Form):
    """Put one instrument onto the watchlist, or take it off: said outright, so that a repeat changes nothing."""

    watch = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")
    q = forms.CharField(required=False, max_length=64)


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=[(name, name) for name in THEMES])


class BarsForm(forms.Form):
    interval = forms.TypedChoiceField(choices=[(i.value, i.value) for i in Interval], coerce=Interval)
