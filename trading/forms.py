"""What people may type: an order, a plan, a deposit. Numbers are read exactly, and errors bring back what was typed."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from markets.models import Instrument
from markets.models.fields import exact
from markets.types import Interval, Side
from strategies.errors import DocumentInvalid, Language
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING, SwingParameters
from trading.models.orders import SIDE_LABELS, TYPE_LABELS

if TYPE_CHECKING:
    _InstrumentChoice = forms.ModelChoiceField[Instrument]
    _AccountChoice = forms.ModelChoiceField[BrokerAccount]
else:  # generic to the type checker alone
    _InstrumentChoice = _AccountChoice = forms.ModelChoiceField

TYPED_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)


class NumberField(forms.Field):
    """An exact Decimal as people type it: `1000000`, `1,000,000` or `0.005`; nothing like `1e5`, `NaN` or `1,5`."""

    def __init__(self, *, minimum: Decimal | None = None, maximum: Decimal | None = None, **kwargs: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(**kwargs)
        self.widget.attrs.update({"inputmode": "decimal", "autocomplete": "off", "maxlength": "48"})

    def to_python(self, value: Any) -> Decimal | None:
        text = "" if value is None else str(value).strip()
        if not text:
            return None
        if not TYPED_NUMBER.fullmatch(text):
            raise ValidationError(_("숫자로 적어 주세요. 예: 1,000,000 또는 0.5"), code="not_a_number")
        return exact(text.replace(",", ""))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is None:
            return
        if self.minimum is not None and value < self.minimum:
            raise ValidationError(_("%(limit)s 이상이어야 합니다."), code="too_small", params={"limit": self.minimum})
        if self.maximum is not None and value > self.maximum:
            raise ValidationError(_("%(limit)s 이하여야 합니다."), code="too_big", params={"limit": self.maximum})


class PercentField(NumberField):
    """A percentage as people type it (`7`), a fraction for the program (`0.07`)."""

    def clean(self, value: Any) -> Decimal | None:
        percent = super().clean(value)
        return None if percent is None else Decimal(percent) / 100

    def prepare_value(self, value: Any) -> Any:
        """A fraction from the program becomes a percentage; what a person typed stays as typed."""
        return (
            value
            if value is None or isinstance(value, str)
            else f"{Decimal(str(value)) * 100:f}".rstrip("0").rstrip(".")
        )


class InstrumentField(_InstrumentChoice):
    """An instrument by its key, `KRX:005930`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Instrument.objects.active(), empty_label=None, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.key if isinstance(value, Instrument) else value

    def label_from_instance(self, obj: Instrument) -> str:
        return f"{obj.name} · {obj.key}"

    def to_python(self, value: Any) -> Instrument | None:
        if value in self.empty_values:
            return None
        try:
            return Instrument.objects.active().by_key(str(value))
        except Instrument.DoesNotExist:
            raise ValidationError(_("거래할 수 없는 종목입니다."), code="unknown_instrument") from None


class AccountField(_AccountChoice):
    """One of the person's own broker accounts; nobody else's can be named."""

    def label_from_instance(self, obj: BrokerAccount) -> str:
        return f"{obj.name} · {obj.get_environment_display()}"

    def belong_to(self, user: User) -> None:
        self.queryset = BrokerAccount.objects.for_user(user).active()


class OrderTicket(forms.Form):
    """One order. `client_key` is made with the page, so that a second click on it is the same order (G06)."""

    instrument = InstrumentField(label=_("종목"), widget=forms.HiddenInput)
    broker_account = AccountField(queryset=None, label=_("계좌"), empty_label=None)
    side = forms.ChoiceField(label=_("매매 구분"), choices=list(SIDE_LABELS.items()), widget=forms.RadioSelect)
    order_type = forms.ChoiceField(label=_("주문 종류"), choices=list(TYPE_LABELS.items()), widget=forms.RadioSelect)
    quantity = NumberField(label=_("수량"))
    limit_price = NumberField(label=_("지정가"), error_messages={"required": _("지정가를 적어 주세요.")})
    client_key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("AccountField", self.fields["broker_account"]).belong_to(user)
        self.fields["limit_price"].required = self.data.get("order_type") != OrderType.MARKET

    @classmethod
    def blank(cls, user: User, instrument: Instrument, **initial: Any) -> "OrderTicket":
        """A fresh ticket with its own key."""
        start = {"instrument": instrument, "side": Side.BUY, "order_type": OrderType.LIMIT, "client_key": uuid4().hex}
        return cls(user, initial=start | initial)

    @property
    def traded(self) -> Instrument | None:
        """What the ticket is for, also while other fields are wrong; None for a key nobody knows."""
        if not self.is_bound:
            return cast("Instrument", self.initial["instrument"])
        return cast("Instrument | None", getattr(self, "cleaned_data", {}).get("instrument"))

    def with_new_key(self) -> "OrderTicket":
        """The same ticket, ready for another try after its key was used up."""
        data = cast("QueryDict", self.data).copy()
        data["client_key"] = uuid4().hex
        self.data = data
        return self

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        if asked.get("order_type") == OrderType.MARKET:
            asked["limit_price"] = None  # a market order has none, whatever still stands in the hidden field
        return asked

    def as_order(self) -> dict[str, Any]:
        """The arguments of `place_order`, except the user."""
        asked = self.cleaned_data
        return {
            "broker_account": asked["broker_account"],
            "instrument": asked["instrument"],
            "side": Side(asked["side"]),
            "quantity": asked["quantity"],
            "order_type": OrderType(asked["order_type"]),
            "limit_price": asked["limit_price"],
            "time_in_force": TimeInForce.DAY,
            "client_key": asked.get("client_key", ""),
        }


class EstimateForm(OrderTicket):
    """The same ticket half filled in: what it would cost, before anything is sent."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        del self.fields["client_key"]


class VirtualAccountForm(forms.Form):
    """A virtual account to open, with play money."""

    name = forms.CharField(label=_("이름"), max_length=64)
    opening_balance = NumberField(label=_("시작 금액"), minimum=Decimal(1), maximum=Decimal(10) ** 15)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if BrokerAccount.objects.for_user(self.user).filter(name=name).exists():
            raise ValidationError(_("이미 같은 이름의 계좌가 있습니다."), code="name_taken")
        return name


class DepositForm(forms.Form):
    """Play money into a virtual account; the key keeps a double click one deposit."""

    amount = NumberField(label=_("입금액"), minimum=Decimal(1), maximum=Decimal(10) ** 15)
    client_key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    @classmethod
    def blank(cls) -> "DepositForm":
        return cls(initial={"client_key": uuid4().hex})


class MarketSpeedForm(forms.Form):
    """How fast the simulated market's clock runs."""

    speed = forms.TypedChoiceField(
        label=_("시장 속도"), choices=[(1, "×1"), (60, "×60"), (3600, "×3600")], coerce=int, empty_value=None
    )


SWITCHES = tuple(f"{step}_use_{name}" for step in ("first", "second", "exit") for name in ("rsi", "adx", "obv"))
PRESETS = {"default": DEFAULT_SWING, "active": ACTIVE_SWING}


def _whole(label: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    )


class SwingPlanForm(forms.Form):
    """A swing plan: what to trade, with how much, by which numbers. Bounds of the rule's numbers live with the rule."""

    name = forms.CharField(label=_("이름"), max_length=64)
    instrument = InstrumentField(label=_("종목"))
    broker_account = AccountField(queryset=None, label=_("계좌"), empty_label=None)
    interval = forms.ChoiceField(
        label=_("간격"),
        choices=[
            ("1m", _("1분")),
            ("5m", _("5분")),
            ("15m", _("15분")),
            ("1h", _("1시간")),
            ("4h", _("4시간")),
            ("1d", _("1일")),
        ],
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
    first_use_rsi = forms.BooleanField(label="RSI", required=False)
    first_use_adx = forms.BooleanField(label="ADX", required=False)
    first_use_obv = forms.BooleanField(label="OBV", required=False)
    second_use_rsi = forms.BooleanField(label="RSI", required=False)
    second_use_adx = forms.BooleanField(label="ADX", required=False)
    second_use_obv = forms.BooleanField(label="OBV", required=False)
    exit_use_rsi = forms.BooleanField(label="RSI", required=False)
    exit_use_adx = forms.BooleanField(label="ADX", required=False)
    exit_use_obv = forms.BooleanField(label="OBV", required=False)
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

    @property
    def has_accounts(self) -> bool:
        """Whether the person has any account a plan could trade on."""
        accounts = cast("AccountField", self.fields["broker_account"]).queryset
        return accounts is not None and accounts.exists()

    def rule(self) -> SwingParameters | None:
        """The rule's numbers as the form stands, bound or not; None while they are wrong or missing."""
        if self.is_bound:
            self.full_clean()
            return self.parameters
        return SwingParameters.from_data({name: self.initial.get(name) for name in SwingParameters.model_fields})

    def _say(self, invalid: DocumentInvalid) -> None:
        """Each problem beside the field it is about."""
        language = sentence_language()
        for problem in invalid.problems:
            field = problem.path if problem.path in self.fields else None
            self.add_error(field, problem.message_ko if language == "ko" else problem.message_en)

    def as_plan(self) -> dict[str, Any]:
        """The arguments of `register_plan`, except the user."""
        asked = self.cleaned_data
        chosen = ("broker_account", "instrument", "name", "budget", "first_share", "repeat", "cooldown_bars", "mode")
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
