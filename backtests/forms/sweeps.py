"""The form of a sweep: that of a run, but each of the rule's numbers may be several."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backtests import guided
from backtests.axes import AxisUnreadable, read_axis
from backtests.forms.runs import RunForm, whole_number
from backtests.models.sweeps import KINDS
from backtests.services import Searched
from backtests.services.sweeps import MOST_COMBINATIONS, WINDOWS
from backtests.templatetags.backtest_words import sentence
from strategies.document import ParameterSpec
from strategies.parameter_words import is_rate, plain_number
from trading.forms.plan_library import parameter_field

GOALS = {
    "sharpe": _("샤프"),
    "total_return": _("총수익률"),
    "cagr": _("연복리 수익률"),
    "sortino": _("소르티노"),
    "calmar": _("칼마"),
    "profit_factor": _("손익비 (PF)"),
    "win_rate": _("승률"),
    "max_drawdown": _("최대 낙폭"),
}


class AxisField(forms.CharField):
    """The values of one parameter, rates in percent as people write them. Gives a list of numbers for the rule."""

    def __init__(self, name: str, spec: ParameterSpec, **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)
        self._scale = 100 if is_rate(name) else 1
        self._spec = spec
        self.widget.attrs.update({"inputmode": "text", "autocomplete": "off"})

    def clean(self, value: Any) -> list[float]:
        try:
            typed = read_axis(super().clean(value))
        except AxisUnreadable:
            raise ValidationError(_("20 또는 5, 10, 20 또는 5~30:5 꼴로 적어 주세요."), code="bad_axis") from None
        return [self._number(each) for each in typed]

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int | float | Decimal):
            return plain_number(round(float(value) * self._scale, 9))
        return value

    def _number(self, typed: Decimal) -> float:
        number = typed / self._scale
        if self._spec.kind == "int":
            if number != int(number):
                raise ValidationError(_("정수로 적어 주세요."), code="not_whole")
            return int(number)
        return float(number)


class SweepForm(RunForm):
    """What is tried, how, and by which figure the best is told."""

    kind = forms.ChoiceField(label=_("방법"), choices=list(KINDS.items()))
    goal = forms.ChoiceField(label=_("가장 좋은 것을 고르는 기준"), choices=list(GOALS.items()))
    draws = whole_number(_("시험할 조합 수"), 100, 1, MOST_COMBINATIONS)
    windows = whole_number(_("나눌 구간"), 5, WINDOWS.start, WINDOWS.stop - 1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["beside"]  # one instrument at a time
        if not guided.is_installed():
            self._choices("kind", [(kind, name) for kind, name in KINDS.items() if kind != "optuna"])
            self.fields["kind"].help_text = sentence("optuna_not_installed")

    def number_field(self, name: str, spec: ParameterSpec) -> forms.Field:
        usual = parameter_field(name, spec)
        return AxisField(name, spec, label=usual.label, initial=spec.default, help_text=usual.help_text)

    def parameters(self) -> dict[str, float]:
        """The numbers that stay as they are and differ from the rule's own."""
        document = self.rule.document
        given = {name: self.cleaned_data[f"p_{name}"] for name in document.parameters}
        return {
            name: values[0]
            for name, values in given.items()
            if len(values) == 1 and values[0] != document.parameters[name].default
        }

    def searched(self) -> Searched:
        """How the values are searched, of a form that is valid."""
        given = self.cleaned_data
        axes = {name: given[f"p_{name}"] for name in self.rule.document.parameters}
        return Searched(
            kind=given["kind"],
            axes={name: values for name, values in axes.items() if len(values) > 1},
            goal=given["goal"],
            draws=given["draws"],
            windows=given["windows"],
        )
