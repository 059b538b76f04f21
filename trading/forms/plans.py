"""The swing rule's form: its numbers, two presets of them, and what is wrong with them beside the field it is about."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from strategies.errors import DocumentInvalid
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING, SwingParameters
from trading.forms.fields import NumberField, PercentField
from trading.forms.plan_terms import PlanTermsForm, first_terms, sentence_language
from trading.plan_rules import SWING, ChosenRule, swing_rule

PRESETS = {"default": DEFAULT_SWING, "active": ACTIVE_SWING}


def _whole(label: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    )


def _switch(step: Any, name: str) -> forms.BooleanField:
    """A box in the table of filters: its label is the table's row and column, said aloud together."""
    label = format_lazy("{} {}", step, name)
    return forms.BooleanField(label=label, required=False, widget=forms.CheckboxInput(attrs={"aria-label": label}))


class SwingPlanForm(PlanTermsForm):
    """A swing plan: its terms, and the numbers of its rule. Bounds of the rule's numbers live with the rule."""

    short_ema = _whole(_("단기 EMA"))
    medium_ema = _whole(_("중기 EMA"))
    long_ema = _whole(_("장기 EMA"))
    rsi_period = _whole(_("RSI 기간"))
    rsi_threshold = NumberField(label=_("RSI 기준"))
    rsi_mode = forms.ChoiceField(
        label=_("RSI 읽는 법"),
        choices=[("within", _("최근 N봉 안에 기준 아래였다가 지금 위")), ("same_bar", _("돌파한 그 봉에서 기준 아래"))],
    )
    rsi_window_first = _whole(_("1차: 최근 N봉"))
    rsi_window_second = _whole(_("2차: 최근 N봉"))
    adx_period = _whole(_("ADX 기간"))
    adx_threshold = NumberField(label=_("ADX 기준"))
    obv_mode = forms.ChoiceField(
        label=_("OBV 재는 법"), choices=[("scaled", _("평균 거래량의 배수")), ("raw", _("수량 그대로"))]
    )
    obv_window = _whole(_("OBV: 최근 N봉"))
    obv_threshold = NumberField(label=_("OBV 기준"), required=False)
    first_use_rsi = _switch(_("1차 매수"), "RSI")
    first_use_adx = _switch(_("1차 매수"), "ADX")
    first_use_obv = _switch(_("1차 매수"), "OBV")
    second_use_rsi = _switch(_("2차 매수"), "RSI")
    second_use_adx = _switch(_("2차 매수"), "ADX")
    second_use_obv = _switch(_("2차 매수"), "OBV")
    exit_use_rsi = _switch(_("매도"), "RSI")
    exit_use_adx = _switch(_("매도"), "ADX")
    exit_use_obv = _switch(_("매도"), "OBV")
    stop_loss_rate = PercentField(label=_("손절 (%)"), required=False)
    take_profit_rate = PercentField(label=_("익절 (%)"), required=False)
    trailing_stop_rate = PercentField(label=_("고점 대비 하락 (%)"), required=False)

    parameters: SwingParameters | None = None  # set by a clean that found nothing wrong with the rule

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.offer([(SWING, _("오토 스윙"))], SWING)

    @classmethod
    def blank(cls, user: User, preset: str, **typed: Any) -> "SwingPlanForm":
        """A form to begin with: the preset's numbers, and whatever was already typed elsewhere on the page."""
        return cls(user, initial=first_terms() | typed | preset_values(preset))

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        if not any(name in self.errors for name in SwingParameters.model_fields):
            try:
                self.parameters = SwingParameters.from_data(
                    {name: _plain(asked[name]) for name in SwingParameters.model_fields}
                )
            except DocumentInvalid as e:
                self._say(e)
        return asked

    def rule(self) -> SwingParameters | None:
        """The rule's numbers as the form stands, bound or not; None while they are wrong or missing."""
        if self.is_bound:
            self.is_valid()
            return self.parameters
        return SwingParameters.from_data({name: self.initial.get(name) for name in SwingParameters.model_fields})

    def chosen(self) -> ChosenRule | None:
        parameters = self.rule()
        return None if parameters is None else swing_rule(parameters)

    def _say(self, invalid: DocumentInvalid) -> None:
        """Each problem beside the field it is about."""
        language = sentence_language()
        for problem in invalid.problems:
            field = problem.path if problem.path in self.fields else None
            self.add_error(field, self._with_labels(problem.message_ko if language == "ko" else problem.message_en))

    def _with_labels(self, message: str) -> str:
        """The rule speaks of `short_ema`; people read 단기 EMA."""
        for name in SwingParameters.model_fields:
            message = message.replace(name, str(self.fields[name].label))
        return message


def preset_values(preset: str) -> dict[str, Any]:
    """The numbers of a preset as the form shows them. Raises KeyError for a preset that does not exist."""
    values = {name: getattr(PRESETS[preset], name) for name in SwingParameters.model_fields}
    return values | {"obv_threshold": PRESETS[preset].number("obv_threshold")}


def _plain(value: Any) -> Any:
    """Decimals as the rule's floats: indicators are no money."""
    return float(value) if isinstance(value, Decimal) else value
