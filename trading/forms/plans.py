"""The swing plan's form: what to trade, with how much, by which numbers."""

from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from markets.types import Interval
from strategies.errors import DocumentInvalid, Language
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING, SwingParameters
from trading.forms.fields import AccountField, InstrumentField, NumberField, PercentField

REFUSED_FIELDS = {
    "bad_budget": "budget",
    "bad_first_share": "first_share",
    "name_missing": "name",
    "unknown_account": "broker_account",
    "instrument_not_tradable": "instrument",
}
INTERVALS = {"1m": _("1분"), "5m": _("5분"), "15m": _("15분"), "1h": _("1시간"), "4h": _("4시간"), "1d": _("1일")}
PRESETS = {"default": DEFAULT_SWING, "active": ACTIVE_SWING}


def _whole(label: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    )


def _switch(step: Any, name: str) -> forms.BooleanField:
    """A box in the table of filters: its label is the table's row and column, said aloud together."""
    label = format_lazy("{} {}", step, name)
    return forms.BooleanField(label=label, required=False, widget=forms.CheckboxInput(attrs={"aria-label": label}))


class SwingPlanForm(forms.Form):
    """A swing plan: what to trade, with how much, by which numbers. Bounds of the rule's numbers live with the rule."""

    client_key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)
    name = forms.CharField(label=_("이름"), max_length=64)
    instrument = InstrumentField(label=_("종목"))
    broker_account = AccountField(queryset=None, label=_("계좌"), empty_label=None)
    interval = forms.ChoiceField(
        label=_("간격"),
        choices=list(INTERVALS.items()),
    )
    mode = forms.ChoiceField(label=_("실행"), choices=[("on", _("주문까지")), ("shadow", _("판단만 기록 (그림자)"))])
    budget = NumberField(label=_("예산"))
    first_share = PercentField(label=_("1차 비중 (%)"), minimum=Decimal(1), maximum=Decimal(100))
    repeat = forms.BooleanField(label=_("매도한 뒤 다시 시작"), required=False)
    cooldown_bars = forms.IntegerField(
        label=_("재시작까지 쉬는 봉 수"),
        min_value=0,
        max_value=10_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )

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
        super().__init__(*args, **kwargs)
        cast("AccountField", self.fields["broker_account"]).belong_to(user)

    @classmethod
    def blank(cls, user: User, preset: str, **typed: Any) -> "SwingPlanForm":
        """A form to begin with: the preset's numbers, and whatever was already typed elsewhere on the page."""
        start = {"interval": "1h", "first_share": "50", "cooldown_bars": 5, "repeat": True, "mode": "on"}
        start["client_key"] = uuid4().hex  # made with the page: a second click is the same plan
        return cls(user, initial=start | typed | preset_values(preset))

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

    def blame(self, code: str, sentence: str) -> None:
        """A refusal of the service, beside the field it is about."""
        self.add_error(REFUSED_FIELDS.get(code), sentence)

    @property
    def has_accounts(self) -> bool:
        """Whether the person has any account a plan could trade on."""
        accounts = cast("AccountField", self.fields["broker_account"]).queryset
        return accounts is not None and accounts.exists()

    def rule(self) -> SwingParameters | None:
        """The rule's numbers as the form stands, bound or not; None while they are wrong or missing."""
        if self.is_bound:
            self.is_valid()
            return self.parameters
        return SwingParameters.from_data({name: self.initial.get(name) for name in SwingParameters.model_fields})

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

    def as_plan(self) -> dict[str, Any]:
        """The arguments of `register_plan`, except the user."""
        asked = self.cleaned_data
        chosen = (
            "broker_account",
            "instrument",
            "name",
            "budget",
            "first_share",
            "repeat",
            "cooldown_bars",
            "mode",
            "client_key",
        )
        return {
            **{name: asked[name] for name in chosen},
            "interval": Interval(asked["interval"]),
            "parameters": self.parameters,
        }


def preset_values(preset: str) -> dict[str, Any]:
    """The numbers of a preset as the form shows them. Raises KeyError for a preset that does not exist."""
    values = {name: getattr(PRESETS[preset], name) for name in SwingParameters.model_fields}
    return values | {"obv_threshold": PRESETS[preset].number("obv_threshold")}


def sentence_language() -> Language:
    """The language of rule sentences for the reader: they come ready made in Korean and English."""
    return "ko" if (get_language() or "ko").startswith("ko") else "en"


def _plain(value: Any) -> Any:
    """Decimals as the rule's floats: indicators are no money."""
    return float(value) if isinstance(value, Decimal) else value
